"""A trained network with everything that is needed to use it: one file, one call, and the face of a solver."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.inference.arrays import is_xarray, read, write
from sciml.inference.predictor import load_predictor, save_predictor
from sciml.inference.ranges import RangeWatch
from sciml.inference.spec import SurrogateSpec
from sciml.objective import accepts
from sciml.solvers import State, Trajectory, rollout
from sciml.solvers.base import STEP_TOLERANCE
from sciml.status import DataError

if TYPE_CHECKING:
    import xarray

#: Torch tensor, numpy array, xarray Dataset or DataArray: the kind that goes in comes out.
Fields = TypeVar("Fields")


class Memory(NamedTuple):
    """What a rollout carries beside the state: parameters `(b, p)` and static fields `(b, c, *s)`."""

    params: Tensor | None
    static: Tensor | None


class Surrogate:
    """A steady map, or a stepper that rolls out like a solver. Values are in physical units on both sides.

    Args:
        network: takes `(b, c, *s)` in physical units (`sciml.nn.Normalized` does); it is put into evaluation mode.
        spec: what its channels mean.
        batch_size: most samples per call of the network, to bound memory; all at once by default.

    Example: `Surrogate.load("darcy.sciml")(coefficient)`.
    """

    def __init__(self, network: nn.Module, spec: SurrogateSpec, *, batch_size: int | None = None) -> None:
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size={batch_size} must be at least 1.")
        self.network, self.spec, self.batch_size = network.eval(), spec, batch_size
        self._accepts, self._watch = accepts(network), RangeWatch(spec.ranges)
        if spec.parameters and "params" not in self._accepts:
            raise ValueError(f"{type(network).__name__} takes no params, but the specification names some.")

    def __repr__(self) -> str:
        kind = f"stepper, dt={self.spec.dt:g}" if self.spec.dt is not None else "map"
        sides = f"{', '.join(self.spec.input_channels)} -> {', '.join(self.spec.channels)}"
        return f"Surrogate({sides} on {'x'.join(map(str, self.spec.grid.shape))}, {kind})"

    @property
    def device(self) -> torch.device:
        return self._reference.device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the network, which results have."""
        return self._reference.dtype

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the network is given beside its fields, in the order `time`, `params`, `coords`."""
        given = {"time": self.spec.is_stepper, "params": bool(self.spec.parameters), "coords": True}
        return tuple(name for name, there in given.items() if there and name in self._accepts)

    @property
    def _channels(self) -> tuple[str, ...]:
        return (*self.spec.input_channels, *self.spec.static_channels)

    @property
    def _reference(self) -> Tensor:
        tensors = (*self.network.parameters(), *self.network.buffers())
        return next((t for t in tensors if t.is_floating_point()), torch.zeros(()))

    def to(self, device: str | torch.device) -> "Surrogate":
        """Moves the network; inputs follow it, results come back to where the input was."""
        self.network.to(device)
        return self

    # Files

    def save(self, path: str | Path) -> Path:
        """Writes one file, atomically: weights, architecture, fields, units, grid, checksum.

        Raises:
            TypeError: a network that `describe` cannot describe.
        """
        return save_predictor(self.network, self.spec, path)

    @classmethod
    def load(
        cls, path: str | Path, *, device: str | torch.device = "cpu", batch_size: int | None = None
    ) -> "Surrogate":
        """Reads a predictor file. Only networks of the allow-list are built, and no code comes from the file.

        Raises:
            DataError: a file that is damaged, hostile, of another schema or not a predictor, in one line.
        """
        network, spec = load_predictor(path, SurrogateSpec)
        try:
            return cls(network, spec, batch_size=batch_size).to(device)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from None

    # Calls

    def __call__(self, x: Fields, *, params: Any = None, static: Any = None, lead: float | None = None) -> Fields:
        """The steady map, or one step of `dt`; the result is of the same kind as `x`, in the network's precision.

        Values clearly outside of the training data's range are answered all the same, with a warning in the log.

        Args:
            x: `(b, c, *s)` as torch or numpy, or xarray: a Dataset with one variable per channel (static fields and
                parameters among them) and dimensions `sample` and `time` where there are some, or a DataArray.
            params: `(b, p)` in the order of `spec.parameters`.
            static: `(b, c, *s)` of `spec.static`, of the same kind as `x`; xarray takes it from `x`.
            lead: another step than `dt`, where the network takes it.

        Raises:
            ValueError: channels, units, coordinates, resolution, parameters or a step that do not fit.
        """
        dt = self._lead(lead)
        if is_xarray(x):
            values, found, labels = read(x, self.spec)  # type: ignore[arg-type]
            y = self._forward(values, found if params is None else torch.as_tensor(params), dt)
            self._watch.look(values, self._channels)
            return write(y, labels, self.spec, dt or 0.0)  # type: ignore[return-value]
        tensor = torch.as_tensor(x)
        if static is not None:
            tensor = torch.cat([tensor, torch.as_tensor(static).to(tensor)], dim=1)
        y = self._forward(tensor, None if params is None else torch.as_tensor(params), dt)
        self._watch.look(tensor, self._channels)
        return y.numpy(force=True) if isinstance(x, np.ndarray) else y  # type: ignore[return-value]

    def _lead(self, lead: float | None) -> float | None:
        """The step to take, checked."""
        spec = self.spec
        if lead is None or spec.dt is None:
            if lead is not None:
                raise ValueError(f"lead={lead:g} was given to a steady map.")
            return spec.dt
        if not spec.any_dt and abs(lead - spec.dt) > STEP_TOLERANCE * spec.dt:
            raise ValueError(f"dt={lead:g} is not the only step that this surrogate takes, {spec.dt:g}.")
        low = spec.dt if spec.shortest is None else spec.shortest
        if spec.any_dt and not low * (1 - STEP_TOLERANCE) <= lead <= spec.dt * (1 + STEP_TOLERANCE):
            raise ValueError(f"dt={lead:g} lies outside the lead times of the training, {low:g} to {spec.dt:g}.")
        return lead

    @torch.inference_mode()
    def _forward(self, x: Tensor, params: Tensor | None, dt: float | None) -> Tensor:
        """The network on all input channels `(b, c, *s)`, in blocks."""
        spec = self.spec
        channels = self._channels
        if x.ndim < 3 or x.shape[1] != len(channels):
            raise ValueError(
                f"the input has shape {tuple(x.shape)}; this surrogate takes (b, {len(channels)}, "
                f"{', '.join(map(str, spec.grid.shape))}) with the channels {', '.join(channels)}."
            )
        grid = spec.grid_of(tuple(x.shape[2:]))
        if spec.parameters and (params is None or params.shape != (len(x), len(spec.parameters))):
            names = ", ".join(p.name for p in spec.parameters)
            shape = None if params is None else tuple(params.shape)
            raise ValueError(f"params has shape {shape}; accepted is ({len(x)}, {len(spec.parameters)}): {names}.")
        offered: dict[str, Tensor] = {}
        if "coords" in self.arguments:
            offered["coords"] = torch.stack(grid.meshgrid()).to(self._reference)
        size = self.batch_size or max(len(x), 1)
        blocks = []
        for start in range(0, max(len(x), 1), size):
            block = x[start : start + size].to(self._reference)
            if "time" in self.arguments and dt is not None:
                offered["time"] = torch.full((len(block),), dt, dtype=self.dtype, device=self.device)
            if spec.parameters and params is not None:
                offered["params"] = params[start : start + size].to(self._reference)
            blocks.append(self.network(block, **offered).to(x.device))
        return torch.cat(blocks)

    # The face of a solver

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
        static: Float[Tensor, "b c *s"] | None = None,
    ) -> State:
        """The state from which `sciml.solvers.rollout` goes on; `generator` is not needed by a deterministic network.

        Raises:
            ValueError: a steady map, or static fields that are missing.
        """
        if not self.spec.is_stepper:
            raise ValueError("this surrogate is a steady map: call it, there is nothing to roll out.")
        if (static is None) != (not self.spec.static):
            raise ValueError(f"static must hold the channels {self.spec.static_channels or 'none'}.")
        time = torch.full((len(u0),), float(t), dtype=torch.float64, device=u0.device)
        return State(u0.to(self.dtype), time, Memory(params, static))

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """One call of the network, which must be a step it was trained for; no other `inputs` are taken."""
        if inputs is not None:
            raise ValueError("inputs were given; this surrogate takes none beside its state and its static fields.")
        lead = self._lead(dt)
        params, static = state.memory
        x = state.u if static is None else torch.cat([state.u, static.to(state.u)], dim=1)
        return state.advanced(self._forward(x, params, lead), lead or 0.0)

    def rollout(
        self, initial: Any, times: Any, *, params: Any = None, static: Any = None
    ) -> "Trajectory | xarray.Dataset":
        """Advances an initial state through `times`, the first of which is its own.

        Args:
            initial: as in `__call__`, one frame per sample.
            times: ascending; the steps between must be multiples of `dt`, unless the network takes the lead time.

        Returns:
            A `Trajectory` for torch and numpy; for xarray a Dataset with the coordinates `status` and `valid_until`
            (the last time at which a sample was finite; later frames of it are NaN).

        Raises:
            ValueError: times that the network cannot meet, or an initial state that does not fit.
        """
        times = (
            torch.as_tensor(times if isinstance(times, Tensor) else np.array(times, dtype=float)).double().reshape(-1)
        )
        labels = None
        if is_xarray(initial):
            values, found, labels = read(initial, self.spec)
            if "time" in labels.dims and labels.sizes[labels.dims.index("time")] != 1:
                raise ValueError("initial holds several times; select one, as in initial.isel(time=0).")
            split = len(self.spec.input_channels)
            u0, static = values[:, :split], values[:, split:] if self.spec.static else None
            params, time = (found if params is None else params), labels.time
        else:
            u0, time = torch.as_tensor(initial), None
        state = self.start(
            u0,
            t=float(times[0]) if time is None and len(times) else (time or 0.0),
            params=None if params is None else torch.as_tensor(params),
            static=None if static is None else torch.as_tensor(static),
        )
        trajectory = rollout(self, state, times)
        self._watch.look(trajectory.u[:, 0], self.spec.input_channels)
        grid = self.spec.grid_of(tuple(u0.shape[2:]))
        trajectory = dataclasses.replace(trajectory, spec=dataclasses.replace(self.spec, grid=grid))
        return trajectory if labels is None else _labelled(trajectory, labels.dims, labels.coords)


def valid_until(trajectory: Trajectory) -> Float[Tensor, " b"]:
    """The last time up to which each sample is finite; NaN where the initial state is not."""
    finite = torch.isfinite(trajectory.u).flatten(2).all(dim=2).long().cumprod(dim=1).sum(dim=1).cpu()
    return torch.cat([torch.full((1,), torch.nan, dtype=torch.float64), trajectory.times])[finite]


def _labelled(trajectory: Trajectory, dims: Sequence[str], coords: dict[str, Any]) -> "xarray.Dataset":
    dataset = trajectory.to_xarray()
    dataset = dataset.assign_coords(
        status=("sample", trajectory.status.numpy(force=True)),
        valid_until=("sample", valid_until(trajectory).numpy(), {"units": trajectory.spec.time_unit}),
    )
    if "sample" not in dims:
        return dataset.isel(sample=0)
    return dataset.assign_coords(sample=coords["sample"]) if "sample" in coords else dataset
