"""A network and its specification to one file and back; `file.py` says what the bytes are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from sciml import __version__
from sciml.describe import build, describe
from sciml.files import write_atomically
from sciml.inference.file import metadata_text, read_predictor, sealed
from sciml.inference.spec import SurrogateSpec
from sciml.pdes import SolutionSpec
from sciml.status import ConfigError, DataError

Spec = TypeVar("Spec", SurrogateSpec, SolutionSpec)


def save_predictor(network: nn.Module, spec: SurrogateSpec | SolutionSpec, path: str | Path) -> Path:
    """Writes weights, buffers, the network's description and the specification, atomically.

    Raises:
        TypeError: a network that `describe` cannot describe.
    """
    from safetensors.torch import save

    # Clones, because safetensors refuses tensors that share memory (tied weights).
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in _tensors(network).items()}
    metadata = {"kind": spec.kind, "network": describe(network), "spec": spec.to_dict(), "version": __version__}
    return write_atomically(path, sealed(save(tensors, {"sciml": metadata_text(metadata)})))


def load_predictor(path: str | Path, spec_class: type[Spec]) -> tuple[nn.Module, Spec]:
    """Reads what `save_predictor` writes.

    Args:
        path: of the file.
        spec_class: class of the specification, whose kind the file must be of.

    Raises:
        DataError: whatever is wrong with the file, in one line.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    metadata, content = read_predictor(path)
    if (kind := metadata["kind"]) != spec_class.kind:
        raise DataError(f"{path}: is the file of a {kind}; sciml.inference.{kind.capitalize()}.load reads it.")
    try:
        spec = spec_class.from_dict(metadata["spec"])
        tensors = load(content)
        network = _built(metadata["network"], {k: tuple(v.shape) for k, v in tensors.items()})
        load_weights(network, tensors)
    except (ConfigError, ValueError, TypeError, SafetensorError, RuntimeError, MemoryError) as error:
        raise DataError(f"{path}: {' '.join(str(error).split())[:400]}") from None
    return network, spec


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Fills a network that was just made, in the precision that the weights were trained in.

    Raises:
        RuntimeError: tensors that are missing, or belong to another network.
    """
    trained = [tensors[name].dtype for name, _ in network.named_parameters() if name in tensors]
    if trained and all(dtype == torch.float64 for dtype in trained):
        # As the trainer does it, so that buffers that no file holds are the same too.
        network.double()
    network.load_state_dict(tensors, strict=True)


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    # Some libraries put plain data into the state dict; what they need to build the network is in its description.
    return {k: v for k, v in network.state_dict().items() if isinstance(v, Tensor)}


def _built(description: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> nn.Module:
    """The network that a file describes, built after its tensors' shapes were compared with the file's.

    Raises:
        ValueError: a class that is no network, tensors that differ.
    """
    try:
        # Without memory first: a description that asks for terabytes is refused, not allocated.
        with torch.device("meta"):
            expected = {k: tuple(v.shape) for k, v in _tensors(build(description)).items()}
    except (NotImplementedError, RuntimeError, AttributeError):
        expected = shapes  # A constructor that computes with values cannot run on the meta device.
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            raise ValueError(f"tensor {name!r} has shape {shapes.get(name)}; its class wants {expected.get(name)}.")
    network = build(description)
    if not isinstance(network, nn.Module):
        raise ValueError(f"{description['class_path']} is no network.")
    return network
