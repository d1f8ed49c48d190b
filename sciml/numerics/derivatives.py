"""What differentiates: one interface, behind it a grid, wave numbers, or a reverse-mode graph (Taylor jets: `jets`).

A PDE is written once against `Derivatives`; its residual on a grid, its residual at collocation points and its Fourier
symbol differ only in the object passed in.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.fields import Axis, Grid
from sciml.numerics.fourier import derivative_symbol, inverse_laplacian_symbol
from sciml.numerics.stencils import differentiate
from sciml.shapes import TIME, multi_index

#: A tensor on a grid or at points, a node of a graph, or a `Jet`: supports +, -, *, /, powers, elementary functions.
Field = Any


class Derivatives(ABC):
    """Differentiates fields along named axes.

    Args:
        axes: names in the order of the coordinates, time last where there is one.
    """

    #: Whether fields are values at single points (coefficients must then be callables of the coordinates).
    pointwise = False

    def __init__(self, axes: Sequence[str]) -> None:
        self.axes = tuple(axes)
        self.space = tuple(a for a in axes if a != TIME)

    def __call__(self, u: Field, wrt: "str | tuple[int, ...]") -> Field:
        """`d(u, "xx")`, `d(u, "xt")`; axes by column number, `d(u, (37, 37))`, where there are many. Shape of `u`."""
        return self.derivative(u, multi_index(wrt, self.axes))

    @abstractmethod
    def derivative(self, u: Field, counts: tuple[int, ...]) -> Field:
        """The derivative of order `counts[i]` along axis `i`."""

    @abstractmethod
    def coordinates(self) -> Mapping[str, Field]:
        """The coordinates as fields, by axis name."""

    def grad(self, u: Field) -> tuple[Field, ...]:
        return tuple(self(u, (i,)) for i in range(len(self.space)))

    def div(self, v: Sequence[Field]) -> Field:
        parts = [self(component, (i,)) for i, component in enumerate(v)]
        return sum(parts[1:], start=parts[0])

    def laplacian(self, u: Field) -> Field:
        parts = [self(u, (i, i)) for i in range(len(self.space))]
        return sum(parts[1:], start=parts[0])

    def biharmonic(self, u: Field) -> Field:
        r"""$\Delta^2 u$."""
        space = range(len(self.space))
        parts = [self(u, (i, i, j, j)) for i in space for j in space]
        return sum(parts[1:], start=parts[0])

    def curl(self, v: Sequence[Field]) -> Any:
        r"""$\nabla \times v$: a field in two dimensions, $\partial_x v_y - \partial_y v_x$, three in three.

        Raises:
            ValueError: another number of components or dimensions.
        """
        if len(v) != len(self.space) or len(v) not in (2, 3):
            raise ValueError(f"curl of {len(v)} components in {len(self.space)} dimension(s); there is one in 2 and 3.")
        if len(v) == 2:
            return self(v[1], (0,)) - self(v[0], (1,))
        return tuple(self(v[k], (j,)) - self(v[j], (k,)) for j, k in ((1, 2), (2, 0), (0, 1)))

    def advect(self, v: Sequence[Field], u: Field) -> Field:
        r"""$v \cdot \nabla u$."""
        parts = [component * self(u, (i,)) for i, component in enumerate(v)]
        return sum(parts[1:], start=parts[0])

    def inverse_laplacian(self, f: Field) -> Field:
        r"""The $u$ of mean zero with $\Delta u = f - \bar f$.

        Raises:
            ValueError: these derivatives are local; a Fourier method on a periodic grid can invert.
        """
        raise ValueError(f"{type(self).__name__} cannot invert the Laplacian; SpectralDerivatives can.")


class GridDerivatives(Derivatives):
    """Derivatives of tensors on a grid, `(..., *s)`, or of trajectories on it, `(..., t, *s)` when `times` is given.

    Args:
        grid: the axes of space.
        times: strictly increasing; the time axis stands before those of space.
        time_order: order of the finite differences along `t`.
        device: of the fields: coordinates, and parameters that are bound to this object, are brought there. Without one
            coordinates are on the CPU, and parameters stay where they are.
    """

    def __init__(
        self,
        grid: Grid,
        times: Sequence[float] | Tensor | None = None,
        time_order: int = 4,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(grid.names if times is None else (*grid.names, TIME))
        self.grid, self.time_order, self.device = grid, time_order, device
        self.times = None if times is None else [float(t) for t in times]
        if self.times is not None:
            self._time_axis = Axis(len(self.times), self.times[0], self.times[-1], "nodes", tuple(self.times))

    def derivative(self, u: Field, counts: tuple[int, ...]) -> Field:
        dims = self.grid.dimensions
        if self.times is not None and counts[dims]:
            u = differentiate(u, self._time_axis, -dims - 1, counts[dims], self.time_order)
        return self.space_derivative(u, counts[:dims]) if any(counts[:dims]) else u

    @abstractmethod
    def space_derivative(self, u: Field, counts: tuple[int, ...]) -> Field: ...

    def coordinates(self) -> dict[str, Float[Tensor, "..."]]:
        device = str(self.device or "cpu")
        coords = dict(zip(self.grid.names, self.grid.meshgrid(device=device), strict=True))
        if self.times is not None:
            times = torch.tensor(self.times, dtype=torch.float64, device=device)
            coords[TIME] = times.view(-1, *[1] * self.grid.dimensions)
        return coords


class SpectralDerivatives(GridDerivatives):
    """Fourier differentiation on a periodic grid: exact for what the grid resolves."""

    def __init__(
        self,
        grid: Grid,
        times: Sequence[float] | Tensor | None = None,
        time_order: int = 4,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(grid, times, time_order, device)
        if not grid.is_periodic:
            raise ValueError("spectral derivatives need a periodic grid; use FiniteDifferences on other axes.")

    def space_derivative(self, u: Tensor, counts: tuple[int, ...]) -> Tensor:
        dims = tuple(range(-self.grid.dimensions, 0))
        spectrum = torch.fft.rfftn(u, dim=dims)
        symbol = derivative_symbol(self.grid, counts, u.device).to(spectrum.dtype)
        return torch.fft.irfftn(symbol * spectrum, s=self.grid.shape, dim=dims)

    def inverse_laplacian(self, f: Tensor) -> Tensor:
        dims = tuple(range(-self.grid.dimensions, 0))
        spectrum = torch.fft.rfftn(f, dim=dims)
        symbol = inverse_laplacian_symbol(self.grid, f.device).to(spectrum.real.dtype)
        return torch.fft.irfftn(symbol * spectrum, s=self.grid.shape, dim=dims)


class FiniteDifferences(GridDerivatives):
    """Finite differences of a stated order on any axes; one-sided of the same order at the ends.

    Args:
        grid: the axes of space.
        order: order of accuracy of every derivative.
        times, time_order, device: as in `GridDerivatives`.
    """

    def __init__(
        self,
        grid: Grid,
        order: int = 2,
        times: Sequence[float] | Tensor | None = None,
        time_order: int = 4,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(grid, times, time_order, device)
        self.order = order

    def space_derivative(self, u: Tensor, counts: tuple[int, ...]) -> Tensor:
        for i, (axis, count) in enumerate(zip(self.grid.axes, counts, strict=True)):
            if count:
                u = differentiate(u, axis, i - self.grid.dimensions, count, self.order)
        return u


class WaveNumbers(Derivatives):
    r"""Differentiation of the plane wave $e^{ik\cdot x}$: a linear operator of constant coefficients is its symbol.

    Fields are tensors over the half spectrum of the real FFT; `one()` is the wave itself.

    Args:
        grid: periodic and uniform; says which waves there are.
        device: where the symbols are computed.
    """

    def __init__(self, grid: Grid, device: torch.device | str = "cpu") -> None:
        super().__init__(grid.names)
        self.grid, self.device = grid, device

    def one(self) -> Tensor:
        return torch.ones(
            *self.grid.shape[:-1], self.grid.shape[-1] // 2 + 1, dtype=torch.complex128, device=self.device
        )

    def derivative(self, u: Tensor, counts: tuple[int, ...]) -> Tensor:
        return derivative_symbol(self.grid, counts, self.device) * u

    def coordinates(self) -> dict[str, Tensor]:
        """None: a symbol exists for constant coefficients only."""
        return {}


class PointDerivatives(Derivatives):
    """Derivatives at points of a network of the coordinates, `(n, d) -> (n, c)`."""

    pointwise = True

    @abstractmethod
    def evaluate(self, network: nn.Module, names: Sequence[str]) -> dict[str, Field]:
        """The network's channels at the points, by name, as fields that this object can differentiate."""


class ReverseMode(PointDerivatives):
    """Nested reverse-mode differentiation; knows every operation, and is the oracle for the other engines.

    Args:
        coords: points, `(n, d)`, columns in the order of `axes`.
        axes: names of the columns.
    """

    def __init__(self, coords: Float[Tensor, "n d"], axes: Sequence[str]) -> None:
        super().__init__(axes)
        self.coords = coords.detach().requires_grad_()
        # Keeps each differentiated field beside its gradient, so that its identity is not given to another tensor.
        self._gradients: dict[int, tuple[Tensor, Tensor]] = {}

    def evaluate(self, network: nn.Module, names: Sequence[str]) -> dict[str, Tensor]:
        return dict(zip(names, network(self.coords).unbind(-1), strict=True))

    def coordinates(self) -> dict[str, Tensor]:
        return dict(zip(self.axes, self.coords.unbind(-1), strict=True))

    def derivative(self, u: Tensor, counts: tuple[int, ...]) -> Tensor:
        for axis, count in enumerate(counts):
            for _ in range(count):
                u = self._gradient(u)[:, axis]
        return u

    def _gradient(self, u: Tensor) -> Tensor:
        if id(u) not in self._gradients:
            if not u.requires_grad:  # a constant: no graph leads to the coordinates
                return torch.zeros_like(self.coords)
            (gradient,) = torch.autograd.grad(u.sum(), self.coords, create_graph=True, allow_unused=True)
            self._gradients[id(u)] = (u, torch.zeros_like(self.coords) if gradient is None else gradient)
        return self._gradients[id(u)][1]
