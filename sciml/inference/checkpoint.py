"""From a training checkpoint to a surrogate or a solution: tensors and plain data, read without Lightning."""

import pickle
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sciml.describe import build
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.inference.file import check_classes
from sciml.inference.predictor import load_weights
from sciml.inference.solution import Solution
from sciml.inference.spec import SurrogateSpec
from sciml.inference.surrogate import Surrogate
from sciml.objective import accepts
from sciml.pdes import SolutionSpec
from sciml.status import ConfigError, DataError

#: Layout of the checkpoint's entry `sciml` that this version reads.
SCHEMA = 1


def from_checkpoint(path: str | Path) -> Surrogate | Solution:
    """What a checkpoint of `sciml fit` holds, with the averaged weights where there are some.

    A network that was trained on data becomes a surrogate, one that was trained on a problem a solution.

    Raises:
        DataError: a file that is damaged or hostile, or no checkpoint of this package, in one line.
    """
    checkpoint = read_checkpoint(path)
    entry = checkpoint.get("sciml")
    if not isinstance(entry, Mapping) or entry.get("schema") != SCHEMA:
        found = entry.get("schema") if isinstance(entry, Mapping) else None
        raise DataError(f"{path}: is no checkpoint of sciml fit with schema {SCHEMA} (found {found!r}).")
    if not (entry.get("data") or entry.get("solution")):
        raise DataError(
            f"{path}: was trained without a described data set or problem; make a Surrogate with a SurrogateSpec."
        )
    try:
        weights = checkpoint.get("ema_state_dict") or checkpoint["state_dict"]
        if not entry.get("data"):
            known = SolutionSpec.from_dict({**entry["solution"], "version": str(entry.get("version", ""))})
            return Solution(_described(entry, weights), known)
        network = _network(entry, weights)
        return Surrogate(network, spec_of(entry["data"], network, str(entry.get("version", ""))))
    except (ConfigError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        raise DataError(f"{path}: {' '.join(str(error).split())[:400]}") from None


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Tensors and plain data of a checkpoint; its pickle is inspected before torch sees it.

    Raises:
        DataError: anything else.
    """
    from sciml.data import check_torch_file

    check_torch_file(Path(path))
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{path}: is no checkpoint of tensors and plain data: {lines[0]}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: is no checkpoint; it holds a {type(content).__name__}.")
    return content


def _network(entry: Mapping[str, Any], weights: Mapping[str, Tensor]) -> nn.Module:
    """The trained network with its normalisers, in physical units."""
    from sciml.nn import Normalized, Normalizer

    description, data = entry["module"]["network"], entry["data"]
    check_classes(description)
    network = Normalized(build(description), Normalizer(len(data["inputs"])), Normalizer(len(data["outputs"])))
    load_weights(network, _own(weights))
    return network


def _described(entry: Mapping[str, Any], weights: Mapping[str, Tensor]) -> nn.Module:
    """The trained network as it was described."""
    description = entry["module"]["network"]
    check_classes(description)
    network = build(description)
    load_weights(network, _own(weights))
    return network


def _own(weights: Mapping[str, Tensor], prefix: str = "network.") -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def spec_of(data: Mapping[str, Any], network: nn.Module, version: str = "") -> SurrogateSpec:
    """What the network's channels mean, from the description of its training data.

    Args:
        data: `spec` (a data set's specification as plain data), `inputs` and `outputs` (channel names), `windows`
            (a description), `hash`, and `ranges` (smallest and largest value per channel) where known.
        network: says by `accepts` which arguments it takes, and by `resolution_free` whether the grid is.
        version: of the package that trained it.
    """
    plain = data["spec"]
    grid = Grid.from_dict(plain["grid"])
    fields = {s["name"]: FieldSpec.from_dict(s) for s in (*plain["fields"], *plain["static"])}
    inputs = _specs(data["inputs"], fields, grid.dimensions)
    outputs = _specs(data["outputs"], fields, grid.dimensions)
    times = tuple(float(t) for t in plain["times"])
    timing = _timing(data["windows"], times, network)
    static: tuple[FieldSpec, ...] = ()
    if timing:
        state = {s.name for s in outputs}
        inputs, static = outputs, tuple(s for s in inputs if s.name not in state)
    taken = accepts(network)
    channels = {c for s in (*inputs, *static) for c in s.components(grid.dimensions)}
    return SurrogateSpec(
        fields=outputs,
        inputs=inputs,
        static=static,
        grid=grid,
        boundaries=Boundaries.from_dict(plain["boundaries"]),
        parameters=tuple(ParameterSpec.from_dict(p) for p in plain["parameters"]) if "params" in taken else (),
        time_unit=plain.get("time_unit", "1"),
        length_unit=plain.get("length_unit", "1"),
        times=times,
        any_resolution=claims_any_resolution(network),
        ranges={k: (float(v[0]), float(v[1])) for k, v in (data.get("ranges") or {}).items() if k in channels},
        dataset=plain["name"],
        data_hash=data["hash"],
        version=version,
        meta=dict(plain.get("meta", {})),
        **timing,
    )


def claims_any_resolution(network: nn.Module) -> bool:
    """Whether a network (or the one that it wraps) says that its weights do not depend on the number of points."""
    inner = getattr(network, "network", None)
    return bool(getattr(network, "resolution_free", False)) or (
        isinstance(inner, nn.Module) and claims_any_resolution(inner)
    )


def _specs(channels: Sequence[str], fields: Mapping[str, FieldSpec], dimensions: int) -> tuple[FieldSpec, ...]:
    """The fields whose components, one after another, are `channels`."""
    specs: list[FieldSpec] = []
    remaining = list(channels)
    while remaining:
        spec = next((s for s in fields.values() if remaining[0] in s.components(dimensions)), None)
        if spec is None or tuple(remaining[: len(spec.components(dimensions))]) != spec.components(dimensions):
            raise ValueError(f"channel {remaining[0]!r} is no field of the data set ({', '.join(fields)}).")
        specs.append(spec)
        remaining = remaining[len(spec.components(dimensions)) :]
    return tuple(specs)


def _timing(windows: Mapping[str, Any], times: Sequence[float], network: nn.Module) -> dict[str, Any]:
    """`dt`, and the range of lead times, of a network trained on such windows; nothing for a steady map."""
    name, arguments = windows["class_path"].rpartition(".")[2], windows.get("init_args") or {}
    if name == "Steady" or len(times) < 2:
        return {}
    if arguments.get("steps_in", 1) != 1:
        raise ValueError(f"steps_in={arguments['steps_in']}: a surrogate starts from one frame.")
    steps = [b - a for a, b in pairwise(times)]
    gaps = arguments.get("gaps")
    if name == "AllToAll" and not (gaps and len(set(gaps)) == 1):
        if "time" not in accepts(network):
            raise ValueError("windows AllToAll of several gaps need a network that takes the lead time.")
        return _free_leads(times, gaps, int(arguments.get("stride", 1)))
    # Equal up to the rounding of times that were read from a file in single precision.
    if max(steps) - min(steps) > 1e-5 * max(steps):
        raise ValueError(f"the training times are not equidistant ({min(steps):g} to {max(steps):g}).")
    frames = int(arguments.get("stride", 1)) * (int(gaps[0]) if gaps else 1)
    return {"dt": frames * (times[-1] - times[0]) / len(steps)}


def _free_leads(times: Sequence[float], gaps: Sequence[int] | None, stride: int) -> dict[str, Any]:
    """The longest and the shortest time between two frames of `AllToAll`; the identity at lead time 0 is no step."""
    used = times[::stride]
    numbers = [g for g in (gaps or range(1, len(used))) if 0 < g < len(used)]
    leads = [used[i + g] - used[i] for g in numbers for i in range(len(used) - g)]
    return {"dt": max(leads), "any_dt": True, "shortest": min(leads)}
