"""ScOT in the published layout: a folder with `config.json` and `model.safetensors` or `pytorch_model.bin`.

Both files come from others: sizes are compared with the tensors before a network of those sizes is made, and a `.bin`
file is read by torch's restricted loader, which makes tensors and nothing else.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sciml.files import replacing, write_json
from sciml.status import DataError

if TYPE_CHECKING:
    from sciml.operators.scot import ScOT

#: Names in `config.json` by the constructor's; `image_size`, `patch_size` and so on are the published ones.
_NAMES = {
    "in_channels": "num_channels",
    "out_channels": "num_out_channels",
    "image_size": "image_size",
    "patch": "patch_size",
    "width": "embed_dim",
    "depths": "depths",
    "heads": "num_heads",
    "skips": "skip_connections",
    "window": "window_size",
    "mlp_ratio": "mlp_ratio",
    "qkv_bias": "qkv_bias",
    "eps": "layer_norm_eps",
    "conditioned": "use_conditioning",
}
#: Settings that would make it another network, and the only values that are taken.
_FIXED = {
    "hidden_act": ("gelu",),
    "residual_model": ("convnext",),
    "learn_residual": (False,),
    "use_absolute_embeddings": (False,),
}
#: Endings of tables that some versions store and that follow from the sizes.
_TABLES = ("relative_coords_table", "relative_position_index")
#: Not in the published configuration, hence under a name of their own.
_OURS = ("params", "lead_scale")
MAX_CONFIG = 2**20


def load(folder: str | Path, **changes: Any) -> tuple["ScOT", list[str]]:
    """The network of a folder, and the tensors that were initialised anew.

    Tensors are taken strictly: one of a shape that differs, and one that is missing, are accepted only where `changes`
    ask for it (other numbers of channels, `params`). Extra tables of relative positions are ignored.

    Args:
        folder: holds `config.json` and `model.safetensors` or `pytorch_model.bin`.
        changes: arguments of `ScOT` that replace those of the file, as `in_channels=5`.

    Returns:
        The network, in float32, and the sorted names of the tensors that keep their initial values.

    Raises:
        DataError: files that are missing or damaged, or that do not fit each other.
        ValueError: changes that the weights cannot follow.
    """
    from sciml.operators.scot import ScOT

    folder = Path(folder)
    stored = _read_config(folder)
    weights = {k: v for k, v in _read_weights(folder).items() if not k.endswith(_TABLES)}
    _check_sizes(stored, weights, folder)
    try:
        network = ScOT(**{**stored, **changes})
    except (TypeError, ValueError) as error:
        if changes:
            raise ValueError(f"{folder}: {error}") from error
        raise DataError(f"{folder / 'config.json'}: {error}") from error
    own = network.state_dict()
    allowed = _may_differ(own, stored, changes)
    if extra := sorted(set(weights) - set(own)):
        raise DataError(f"{folder}: the weights hold {extra[0]!r}, which the network of config.json does not have.")
    fresh = sorted(k for k, v in own.items() if k not in weights or weights[k].shape != v.shape)
    if odd := [k for k in fresh if k not in allowed]:
        found = f"has shape {tuple(weights[odd[0]].shape)}" if odd[0] in weights else "is missing"
        raise DataError(f"{folder}: tensor {odd[0]!r} {found}; expected is {tuple(own[odd[0]].shape)}.")
    network.load_state_dict({k: v for k, v in weights.items() if k not in fresh}, strict=False)
    return network, fresh


def save(network: "ScOT", folder: str | Path) -> None:
    """Writes what `load` reads, each file whole or not at all; numbers are stored in the dtype of the network."""
    from safetensors.torch import save_file

    folder = Path(folder)
    arguments = network.settings
    config = {published: arguments[ours] for ours, published in _NAMES.items()}
    config |= {name: values[0] for name, values in _FIXED.items()}
    config |= {"architectures": ["ScOT"], "model_type": "swinv2", "sciml": {k: arguments[k] for k in _OURS}}
    with replacing(folder / "model.safetensors") as temporary:
        tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
        save_file(tensors, temporary, metadata={"format": "pt"})
    write_json(folder / "config.json", config)


def _read_config(folder: Path) -> dict[str, Any]:
    """Arguments of the constructor."""
    path = folder / "config.json"
    try:
        if path.stat().st_size > MAX_CONFIG:
            raise DataError(f"{path}: has more than {MAX_CONFIG} bytes.")
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; a folder in the published layout has one.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({type(error).__name__}).") from None
    if not isinstance(config, dict):
        raise DataError(f"{path}: must hold a mapping.")
    for name, accepted in _FIXED.items():
        if config.get(name, accepted[0]) not in accepted:
            raise DataError(f"{path}: {name}={config[name]!r} is not supported; accepted is {accepted[0]!r}.")
    found = {ours: config[published] for ours, published in _NAMES.items() if published in config}
    if missing := [n for n in ("in_channels", "image_size", "width", "depths", "heads") if n not in found]:
        raise DataError(f"{path}: no entry {_NAMES[missing[0]]!r}.")
    found.setdefault("out_channels", found["in_channels"])
    own = config.get("sciml", {})
    found |= {k: own[k] for k in _OURS if isinstance(own, dict) and k in own}
    for name, value in found.items():
        if not _plausible(name, value):
            raise DataError(f"{path}: {_NAMES.get(name, name)}={value!r} is not a number of the kind that is expected.")
    if isinstance(found["image_size"], list):
        found["image_size"] = tuple(found["image_size"])
    return found


def _plausible(name: str, value: Any) -> bool:
    if name in ("depths", "heads", "skips"):
        return isinstance(value, list) and 1 < len(value) <= 16 and all(type(v) is int and v >= 0 for v in value)
    if name in ("qkv_bias", "conditioned"):
        return isinstance(value, bool)
    if name in ("mlp_ratio", "eps", "lead_scale"):
        return type(value) in (int, float) and 0 < value < 1e4
    if name == "image_size" and isinstance(value, list):
        return len(value) == 2 and all(type(v) is int and 0 < v <= 2**14 for v in value)
    return type(value) is int and 0 <= value <= 2**14


def _read_weights(folder: Path) -> dict[str, Tensor]:
    safe, other = folder / "model.safetensors", folder / "pytorch_model.bin"
    if safe.exists():
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(safe)
        except (SafetensorError, OSError, ValueError) as error:
            raise DataError(f"{safe}: cannot be read as safetensors: {' '.join(str(error).split())}.") from None
    if not other.exists():
        raise DataError(f"{folder}: holds neither model.safetensors nor pytorch_model.bin.")
    try:
        found = torch.load(other, map_location="cpu", weights_only=True)
    except Exception as error:
        # The restricted loader fails in many ways on a file that is not what it says; none of them makes an object.
        raise DataError(f"{other}: holds more than tensors, or is damaged ({type(error).__name__}).") from None
    if not isinstance(found, Mapping) or not all(isinstance(v, Tensor) for v in found.values()):
        raise DataError(f"{other}: must hold a mapping from names to tensors.")
    return dict(found)


def _check_sizes(stored: Mapping[str, Any], weights: Mapping[str, Tensor], folder: Path) -> None:
    """Refuses sizes that the tensors do not bear out, before memory is taken for them."""
    patches = weights.get("embeddings.patch_embeddings.projection.weight")
    if patches is None or patches.ndim != 4:
        raise DataError(f"{folder}: no tensor 'embeddings.patch_embeddings.projection.weight' with four axes.")
    patch = stored.get("patch", 4)
    if tuple(patches.shape) != (stored["width"], stored["in_channels"], patch, patch):
        raise DataError(
            f"{folder}: config.json has width {stored['width']}, {stored['in_channels']} channels and patches of "
            f"{patch}; the weights have {tuple(patches.shape)}."
        )
    blocks = {k.rpartition(".attention.self.logit_scale")[0] for k in weights if k.endswith("logit_scale")}
    if len(blocks) != 2 * sum(stored["depths"]):
        raise DataError(f"{folder}: config.json has depths {stored['depths']}; the weights have {len(blocks)} blocks.")


def _may_differ(own: Mapping[str, Tensor], stored: Mapping[str, Any], changes: Mapping[str, Any]) -> set[str]:
    """Names of tensors that the changes give another shape, or make."""
    allowed = set()
    if changes.get("in_channels", stored["in_channels"]) != stored["in_channels"]:
        allowed.add("embeddings.patch_embeddings.projection.weight")
    if changes.get("out_channels", stored["out_channels"]) != stored["out_channels"]:
        allowed |= {"patch_recovery.projection.weight", "patch_recovery.projection.bias", "patch_recovery.mixup.weight"}
    if changes.get("params", stored.get("params", 0)) != stored.get("params", 0):
        allowed |= {k for k in own if k.endswith(("weight_params.weight", "bias_params.weight"))}
    return allowed
