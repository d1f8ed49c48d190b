"""A surrogate as a program that torch alone can run: `torch.export`, and a JSON file that says what it takes.

ONNX is not offered: it has no conversion for the complex tensors of spectral layers.
"""

import io
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sciml import __version__
from sciml.describe import describe
from sciml.files import write_atomically
from sciml.inference.surrogate import Surrogate


class _Positional(nn.Module):
    """The surrogate's network with positional arguments alone, which exported programs take."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(inputs[0], **dict(zip(self.names, inputs[1:], strict=True)))


def export_program(surrogate: Surrogate, path: str | Path, *, any_grid: bool | None = None) -> Path:
    """Writes the network by `torch.export` for any batch size, and `<path>.json` with fields, units and grid.

    The program takes `(b, c, *s)` in physical units, then the lead time `(b,)` and the parameters `(b, p)` where the
    network takes them; `torch.export.load(path).module()` runs it without this package.

    Args:
        surrogate: what to export.
        path: file to write, `.pt2`.
        any_grid: leave the numbers of points free as well; by default where the network claims any resolution.

    Raises:
        ValueError: a network that takes coordinates, or one that torch.export cannot trace.
    """
    path, spec = Path(path), surrogate.spec
    if any_grid is None:
        any_grid = spec.any_resolution
    if any_grid and not spec.any_resolution:
        raise ValueError(f"any_grid=True, but this surrogate takes the grid {spec.grid.shape} alone.")
    taken = surrogate.arguments
    if "coords" in taken:
        raise ValueError("a network that takes coordinates cannot be exported; save it as a predictor file.")
    program = _program(surrogate, taken, any_grid)
    write_atomically(path, _serialised(program))
    card = {
        "format": "torch.export",
        "torch": torch.__version__,
        "version": __version__,
        "arguments": ["fields", *taken],
        "any_batch": True,
        "any_grid": any_grid,
        "network": describe(surrogate.network),
        "spec": spec.to_dict(),
    }
    write_atomically(path.with_name(f"{path.name}.json"), json.dumps(card, indent=1, sort_keys=True).encode())
    return path


def _program(surrogate: Surrogate, taken: tuple[str, ...], any_grid: bool) -> torch.export.ExportedProgram:
    spec, dtype, device = surrogate.spec, surrogate.dtype, surrogate.device
    channels = len(spec.input_channels) + len(spec.static_channels)
    # Two samples: a batch of one would be taken for a constant.
    example = [torch.zeros(2, channels, *spec.grid.shape, dtype=dtype, device=device)]
    if "time" in taken:
        example.append(torch.full((2,), float(spec.dt or 0.0), dtype=dtype, device=device))
    if "params" in taken:
        example.append(torch.ones(2, len(spec.parameters), dtype=dtype, device=device))
    # The tracer finds the bounds (a grid must hold the kept modes); a size that it has to fix is an error.
    free = torch.export.Dim.DYNAMIC
    dynamic: list[dict[int, Any]] = [{0: free} for _ in example]
    if any_grid:
        dynamic[0] |= {2 + i: free for i in range(spec.grid.dimensions)}
    wrapped = _Positional(surrogate.network, taken).eval()
    try:
        return torch.export.export(wrapped, tuple(example), dynamic_shapes=(tuple(dynamic),), strict=False)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        name = type(surrogate.network).__name__
        raise ValueError(f"torch.export cannot trace {name}{' on any grid' if any_grid else ''}: {reason}") from error


def _serialised(program: torch.export.ExportedProgram) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()
