"""A problem: an equation on a domain, with everything that makes its solution unique."""

import dataclasses
import difflib
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sciml.fields import Boundaries, Grid, ParameterSpec, Periodic
from sciml.numerics import (
    Derivatives,
    Field,
    GridDerivatives,
    RandomDirections,
    Request,
    expanded,
    point_derivatives,
    requests,
    value,
)
from sciml.pdes.base import PDE, Fields
from sciml.pdes.boundary_residual import boundary_residual, require_on_face
from sciml.pdes.parameters import Parameters, call_with_coordinates
from sciml.pdes.wellposed import check_well_posed
from sciml.status import SampleError

#: A tensor `(c, *s)` or `(b, c, *s)`, a callable of the coordinates for one component, or a mapping of those by name.
Initial = Tensor | Callable[..., Any] | Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Problem:
    r"""The noun that generators, solvers, networks and surrogates share.

    Args:
        pde: the equation.
        domain: where it holds, with the points at which the solution is wanted.
        initial: state at `times[0]`; for an equation that evolves.
        boundary: condition per face and field; periodic on a periodic grid when left out.
        parameters: values by name (see `Parameters`); the equation's own defaults otherwise.
        forcing: callables of the coordinates by equation, added to its right-hand side: $u_t = F(u) + g(x, t)$.
        times: strictly increasing output times, the first one the initial time.

    Raises:
        ValueError: a parameter that the equation does not have or that lies out of range, a dimension it is not meant
            for, a missing initial state, boundary condition or list of times, waves that grow the faster the shorter.
    """

    pde: PDE
    domain: Grid
    initial: Initial | None = None
    boundary: Boundaries | None = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    forcing: Mapping[str, Callable[..., Any]] | None = None
    times: Sequence[float] | Tensor | None = None

    def __post_init__(self) -> None:
        if self.boundary is None:
            if not self.domain.is_periodic:
                raise ValueError("boundary is missing; only a periodic grid has conditions of its own.")
            object.__setattr__(self, "boundary", Boundaries.periodic())
        self._check_domain()
        self._check_parameters()
        if self.pde.evolves:
            if self.initial is None or self.times is None:
                raise ValueError(f"{type(self.pde).__name__} evolves: it needs initial and times.")
            times = torch.as_tensor(self.times, dtype=torch.float64)
            if times.ndim != 1 or not bool((times.diff() > 0).all()):
                raise ValueError("times must be strictly increasing.")
            object.__setattr__(self, "times", times)
        check_well_posed(self)

    def _check_domain(self) -> None:
        name = type(self.pde).__name__
        if self.domain.dimensions not in self.pde.dimensions:
            accepted = ", ".join(map(str, self.pde.dimensions))
            raise ValueError(f"{name} is meant in {accepted} dimension(s); the domain has {self.domain.dimensions}.")
        for axis_name, axis in zip(self.domain.names, self.domain.axes, strict=True):
            dims = self.domain.dimensions
            low, high = (self.boundaries.by_component(f"{axis_name}{s}", self.pde.fields, dims) for s in "-+")
            for field in self.names:
                periodic = isinstance(low[field], Periodic)
                if periodic != isinstance(high[field], Periodic):
                    raise ValueError(f"axis {axis_name!r} is periodic on one face only for {field!r}.")
                if periodic != (axis.kind == "periodic"):
                    raise ValueError(
                        f"axis {axis_name!r} is of kind {axis.kind!r}, but the condition of {field!r} there is"
                        f" {'' if periodic else 'not '}periodic."
                    )

    def _check_parameters(self) -> None:
        specs = {s.name: s for s in self.pde.parameters}
        for name, given in self.parameters.items():
            if name not in specs:
                near = difflib.get_close_matches(name, specs, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(
                    f"{type(self.pde).__name__} has no parameter {name!r} (it has {', '.join(specs)}){hint}"
                )
            if isinstance(given, int | float):
                specs[name].check(float(given))
            elif isinstance(given, Tensor):
                _check_entries(specs[name], given.detach(), self.domain.dimensions)
        for name, spec in specs.items():
            if isinstance(default := getattr(self.pde, name, None), int | float):
                spec.check(float(default))

    @property
    def boundaries(self) -> Boundaries:
        """The boundary conditions, given or implied."""
        assert self.boundary is not None
        return self.boundary

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the solution's components."""
        return self.pde.names(self.domain.dimensions)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Names of all that the residual reads: the solution's components, then the diagnostic unknowns."""
        return self.pde.unknowns(self.domain.dimensions)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the coordinates, time last."""
        return (*self.domain.names, "t") if self.pde.evolves else self.domain.names

    def on(self, grid: Grid) -> "Problem":
        """The same problem on another grid; tensors bound to the old points cannot follow.

        Raises:
            ValueError: the initial state or a coefficient is a tensor.
        """
        bound = [
            self.initial,
            *(self.parameters[s.name] for s in self.pde.parameters if s.name in self.parameters and s.field),
        ]
        if grid != self.domain and any(isinstance(v, Tensor) and v.ndim for v in bound):
            raise ValueError("tensors are bound to their grid; give callables to solve on another one.")
        return dataclasses.replace(self, domain=grid)

    def bind(self, d: Derivatives) -> Parameters:
        """The parameters in the shapes, and on the device, of the fields that `d` differentiates."""
        defaults = {s.name: getattr(self.pde, s.name, None) for s in self.pde.parameters}
        rank = (self.domain.dimensions + (getattr(d, "times", None) is not None)) if not d.pointwise else 0
        device = getattr(d, "device", None)
        return Parameters(self.pde.parameters, self.parameters, defaults, d.coordinates(), rank, d.pointwise, device)

    def residual(self, u: Fields, d: Derivatives) -> Fields:
        """Residual of every equation, forcing included.

        Args:
            u: unknowns by name; on a grid `(b, *s)` or `(b, t, *s)`, at points `(n,)`.
            d: what differentiates.
        """
        result = self.pde.residual(u, d, self.bind(d))
        coordinates = d.coordinates() if self.forcing else {}
        for name, force in (self.forcing or {}).items():
            result[name] = result[name] - call_with_coordinates(force, coordinates)
        return result

    def network_residual(
        self, network: nn.Module, points: Float[Tensor, "n d"], estimator: RandomDirections | None = None
    ) -> dict[str, Float[Tensor, " n"]]:
        """Residual of a network of the coordinates, `(n, d) -> (n, c)`, at points; differentiable in its weights.

        The channels are the `unknowns`. The derivatives that the equation asks for are recorded once and propagated as
        jets, or by reverse mode where the network does not allow them. An estimator estimates the Laplacian.
        """
        engine, u = point_derivatives(network, points, self.axes, self.unknowns, self.requests, estimator)
        return {name: value(r) for name, r in self.residual(u, engine).items()}

    def boundary_residual(
        self, network: nn.Module, points: Float[Tensor, "n d"], face: str
    ) -> dict[str, Float[Tensor, " n"]]:
        """Residual of the conditions on a face at points of it, by component (see `pdes.boundary_residual`).

        Raises:
            ValueError: points off the face, or a condition that is no equation.
        """
        require_on_face(self, points, face)
        return boundary_residual(self, network, points, face)

    @property
    def required_derivatives(self) -> frozenset[tuple[int, ...]]:
        """Multi-indices over `axes` of the derivatives that the residual needs."""
        return expanded(self.requests)

    @functools.cached_property
    def requests(self) -> frozenset[Request]:
        """What the residual differentiates: multi-indices over `axes`, and Laplacians as such."""
        coefficients = {s.name for s in self.pde.parameters if s.field}
        arrays = {n: v for n, v in self.parameters.items() if n in coefficients and isinstance(v, Tensor) and v.ndim}
        # What is differentiated does not depend on the values of a coefficient: one number stands for its array.
        numbers = {n: float(v.detach().flatten()[0]) for n, v in arrays.items()}
        plain = dataclasses.replace(self, parameters={**self.parameters, **numbers}) if arrays else self
        return requests(plain.residual, self.unknowns, self.axes)

    def initial_state(self, grid: Grid | None = None) -> Float[Tensor, "b c *s"]:
        """The initial state on a grid, float64, `(b, c, *s)`."""
        grid = grid or self.domain
        if isinstance(self.initial, Tensor):
            state = self.initial.to(torch.float64)
            return state if state.ndim == grid.dimensions + 2 else state[None]
        coordinates = dict(zip(grid.names, grid.meshgrid(), strict=True))
        given = self.initial if isinstance(self.initial, Mapping) else dict.fromkeys(self.names, self.initial)
        if missing := set(self.names) - set(given):
            raise ValueError(f"initial lacks the component {sorted(missing)[0]!r}.")
        shape = torch.Size(grid.shape)
        parts: list[Field] = [call_with_coordinates(given[name], coordinates) for name in self.names]  # type: ignore[arg-type]
        tensors = [torch.as_tensor(part, dtype=torch.float64) for part in parts]
        rows = [t.expand((*t.shape[: max(t.ndim - grid.dimensions, 0)], *shape)) for t in tensors]
        rows = [r if r.ndim > grid.dimensions else r[None] for r in rows]
        return torch.stack(torch.broadcast_tensors(*rows), dim=1)


def of_samples(function: Callable[..., Any], rows: Int[Tensor, " r"]) -> Callable[..., Any]:
    """A forcing for some samples of a batch: its `of_samples` where it has one function per sample, else itself."""
    pick = getattr(function, "of_samples", None)
    return function if pick is None else pick(rows)


def of_clocks(function: Callable[..., Any], t: Float[Tensor, " b"]) -> Callable[..., Any]:
    """A forcing that is evaluated at the times of the samples of a batch, each of which has its own."""
    return of_samples(function, torch.arange(len(t))) if len(t) > 1 else function


def pieces_of(
    forcing: Mapping[str, Callable[..., Any]], start: float, stop: float
) -> list[tuple[float, dict[str, Callable[..., Any]]]]:
    """A forcing from one time to another, cut where it jumps: ends of the pieces, with the functions up to there.

    A function that jumps names the times in its attribute `breakpoints`, and has `of_piece(low, high)`, which goes on
    continuously from between two of them to both: a step that ends at a jump sees the value before it. Times closer to
    an end than rounding cut nothing off.
    """
    jumps = sorted({t for function in forcing.values() for t in getattr(function, "breakpoints", ())})
    margin = 1e-9 * (stop - start)
    ends = [*(t for t in jumps if start + margin < t < stop - margin), stop]
    pieces = []
    for begin, end in zip([start, *ends], ends, strict=False):
        middle = 0.5 * (begin + end)
        low = max((t for t in jumps if t < middle), default=-math.inf)
        high = min((t for t in jumps if t > middle), default=math.inf)
        functions = {n: f.of_piece(low, high) if hasattr(f, "of_piece") else f for n, f in forcing.items()}
        pieces.append((end, functions))
    return pieces


def grid_fields(u: Float[Tensor, "b *c"], names: Sequence[str], d: GridDerivatives) -> Fields:
    """Splits `(b, c, *s)`, or a trajectory `(b, t, c, *s)`, into components by name."""
    return dict(zip(names, u.unbind(-d.grid.dimensions - 1), strict=True))


def _check_entries(spec: ParameterSpec, given: Tensor, dimensions: int) -> None:
    """Raises `ValueError` for an entry out of range, with its sample and cell as far as the shape tells them."""
    for extreme in (given.argmin(), given.argmax()):
        place = [int(i) for i in torch.unravel_index(extreme, given.shape)]
        try:
            spec.check(float(given[tuple(place)]))
        except ValueError as error:
            sample, cell = (0, place) if len(place) == dimensions else (place[0] if place else 0, place[1:])
            at = f"at cell {tuple(cell)}: " if cell else ""
            raise SampleError(sample, f"{at}{error}") from None
