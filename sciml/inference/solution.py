"""A trained network of the coordinates with what is known of its problem: a solution that is called at any point."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from sciml import __version__
from sciml.fields import Grid
from sciml.inference.predictor import load_predictor, save_predictor
from sciml.inference.ranges import RangeWatch
from sciml.pdes import Problem, SolutionSpec, Statement
from sciml.solvers import StepperSpec, Trajectory
from sciml.status import DataError, Status

if TYPE_CHECKING:
    import xarray

#: Torch tensor or numpy array: the kind that goes in comes out.
Points = TypeVar("Points", Tensor, np.ndarray)

#: Rounding of single precision, as a part of an axis.
ROUNDING = 1e-6


class Solution:
    """The solution of an equation as a function of the coordinates, with names, units, domain and times.

    Args:
        network: `(n, d) -> (n, c)`, columns as `spec.axes`, channels as `spec.channels`; put into evaluation mode.
        spec: what is known of the problem.
        batch_size: most points per call of the network, to bound memory.

    Raises:
        ValueError: `batch_size` below 1, or a network of other numbers of coordinates or channels.

    Example: `Solution.load("runs/allen_cahn/latest/model.sciml").to_xarray()`.
    """

    def __init__(self, network: nn.Module, spec: SolutionSpec, *, batch_size: int = 65536) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size} must be at least 1.")
        for name, expected in (("in_features", spec.axes), ("out_features", spec.channels)):
            if isinstance(number := getattr(network, name, None), int) and number != len(expected):
                raise ValueError(f"network.{name}={number}, but the problem has {', '.join(expected)}.")
        self.network, self.spec, self.batch_size = network.eval(), spec, batch_size
        ranges = {a: (low, high) for a, low, high in zip(spec.axes, spec.low, spec.high, strict=True)}
        text = "coordinate %s has the value %g, outside of the range of the training, [%g, %g]"
        self._watch = RangeWatch(ranges, ROUNDING, text)

    @classmethod
    def of(
        cls, network: nn.Module, problem: Problem | Statement, fitted: Mapping[str, float] | None = None
    ) -> "Solution":
        """A network that was trained on a problem.

        Args:
            network: as for the class.
            problem: as it was stated.
            fitted: coefficients that were found with the solution (`PhysicsInformed.coefficients()`).
        """
        return cls(network, dataclasses.replace(SolutionSpec.of(problem, fitted), version=__version__))

    def __repr__(self) -> str:
        ends = zip(self.spec.axes, self.spec.low, self.spec.high, strict=True)
        domain = ", ".join(f"{name} in [{low:g}, {high:g}]" for name, low, high in ends)
        return f"Solution({', '.join(self.spec.channels)} for {domain})"

    @property
    def device(self) -> torch.device:
        return self._reference.device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the network, which results have."""
        return self._reference.dtype

    @property
    def _reference(self) -> Tensor:
        tensors = (*self.network.parameters(), *self.network.buffers())
        return next((t for t in tensors if t.is_floating_point()), torch.zeros((), dtype=torch.float64))

    def to(self, device: str | torch.device) -> "Solution":
        """Moves the network; points follow it, results come back to where the points were."""
        self.network.to(device)
        return self

    # Files

    def save(self, path: str | Path) -> Path:
        """Writes one file, atomically: weights, architecture, components, units, domain, equation, checksum.

        Raises:
            TypeError: a network that `describe` cannot describe.
        """
        return save_predictor(self.network, self.spec, path)

    @classmethod
    def load(cls, path: str | Path, *, device: str | torch.device = "cpu", batch_size: int = 65536) -> "Solution":
        """Reads a predictor file. Only networks of the allow-list are built, and no code comes from the file.

        Raises:
            DataError: a file that is damaged, hostile, of another schema or no solution, in one line.
        """
        network, spec = load_predictor(path, SolutionSpec)
        try:
            return cls(network, spec, batch_size=batch_size).to(device)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from None

    # Values

    @torch.inference_mode()
    def __call__(self, points: Points) -> Points:
        """The components at points `(..., d)`, as `(..., c)`, of the same kind and in the network's precision.

        Points outside of the domain, or of the times, are answered all the same, with a warning in the log.

        Args:
            points: columns as `spec.axes`.

        Raises:
            ValueError: another number of columns.
        """
        z, axes = torch.as_tensor(points), self.spec.axes
        if z.ndim < 1 or z.shape[-1] != len(axes):
            raise ValueError(f"points has shape {tuple(z.shape)}; accepted is (..., {len(axes)}): {', '.join(axes)}.")
        flat = z.reshape(-1, len(axes))
        self._watch.look(flat.T[None], axes)
        blocks = [self.network(block.to(self._reference)).to(z.device) for block in flat.split(self.batch_size)]
        values = torch.cat(blocks).reshape(*z.shape[:-1], len(self.spec.channels))
        return values.numpy(force=True) if isinstance(points, np.ndarray) else values  # type: ignore[return-value]

    def on(self, grid: Grid | int | None = None, times: Any = None) -> Trajectory:
        """The solution on a grid, at all of some times.

        Args:
            grid: of the coordinates of space; a number of points per axis on the domain; the problem's own when left
                out.
            times: ascending; those of the problem when left out, with evenly spaced ones between a start and an end
                that stand alone. A solution that does not evolve takes none.

        Returns:
            `(1, t, c, *s)`, which `to_xarray` labels.

        Raises:
            ValueError: a grid of another dimension, more than three dimensions, or times where there are none.
        """
        spec, chosen = self.spec, self._grid(grid)
        if times is not None and not spec.times:
            raise ValueError("times were given, but this solution does not evolve.")
        moments = [float(t) for t in (spec.frames if times is None else times)]
        places = torch.stack(chosen.meshgrid(), dim=-1) if chosen.axes else torch.zeros(0, dtype=torch.float64)
        # Frame by frame, to bound memory; a steady solution has one without a time.
        columns = [places.new_full((*places.shape[:-1], 1), t) for t in moments] or [places[..., :0]]
        u = torch.stack([self(torch.cat([places, c], dim=-1)).movedim(-1, 0) for c in columns])[None]
        status = Status.SUCCESS if bool(torch.isfinite(u).all()) else Status.NON_FINITE
        stated = StepperSpec(spec.fields, chosen, spec.boundaries, (), None, True, spec.time_unit, spec.length_unit)
        span = torch.tensor(moments or [0.0], dtype=torch.float64)
        return Trajectory(u, span, torch.tensor([int(status)]), stated)

    def _grid(self, grid: Grid | int | None) -> Grid:
        own = self.spec.grid
        if isinstance(grid, Grid):
            if grid.names != self.spec.space:
                raise ValueError(f"grid has the axes {grid.names}; those of this solution are {self.spec.space}.")
            return grid
        if own is None:
            raise ValueError(
                f"this solution, of {', '.join(self.spec.axes)}, has no grid of its own: call it at points."
            )
        return own if grid is None else own.resized(*[grid] * own.dimensions)

    def to_xarray(self, grid: Grid | int | None = None, times: Any = None) -> "xarray.Dataset":
        """The same as a data set: one variable per component, with coordinates, units, and the equation as attributes.

        Args:
            grid, times: as in `on`.
        """
        dataset = self.on(grid, times).to_xarray().isel(sample=0, drop=True)
        if not self.spec.times:
            dataset = dataset.isel(time=0, drop=True)
        facts = {"equation": self.spec.equation, "version": self.spec.version}
        for name in ("coefficients", "fitted", "initial"):
            facts[name] = ", ".join(f"{k}={v}" for k, v in getattr(self.spec, name).items())
        return dataset.assign_attrs({k: v for k, v in facts.items() if v})
