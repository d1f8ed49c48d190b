"""A solution in closed form, with the problem that it solves."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from sciml.fields import Boundaries, Grid
from sciml.pdes.base import PDE
from sciml.pdes.problem import Problem


class ExactSolution(ABC):
    """A solution in closed form: what solvers, networks and surrogates are measured against.

    Subclasses are frozen dataclasses whose fields are the constants of the solution.
    """

    #: Numbers of space dimensions in which it is one.
    dimensions: ClassVar[tuple[int, ...]] = (1,)

    @property
    @abstractmethod
    def pde(self) -> PDE:
        """The equation, with its parameters."""

    @abstractmethod
    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        """The unknowns by name at `x, [y, z,] t`; tensors that broadcast together."""

    @abstractmethod
    def grid(self, *n: int) -> Grid:
        """A grid of the domain on which `problem` poses the problem."""

    @property
    def boundary(self) -> Boundaries | None:
        """Conditions on the faces of the domain; `None` where it is periodic."""
        return None

    def problem(self, *n: int, times: Sequence[float] = (0.0, 0.5, 1.0)) -> Problem:
        """The problem that it solves, on a grid of `n` points per axis."""
        grid, state = self.grid(*n), self.pde.names(len(n))

        def component(name: str):
            signature = {
                1: lambda x: self(x, 0 * x + times[0])[name],
                2: lambda x, y: self(x, y, 0 * x + times[0])[name],
                3: lambda x, y, z: self(x, y, z, 0 * x + times[0])[name],
            }
            return signature[len(n)]

        return Problem(
            self.pde, grid, initial={m: component(m) for m in state}, boundary=self.boundary, times=list(times)
        )

    def on(self, grid: Grid, t: float) -> Float[Tensor, "c *s"]:
        """The state's components at the points of a grid, float64."""
        import torch

        mesh = grid.meshgrid()
        found = self(*mesh, torch.full_like(mesh[0], t))
        return torch.stack([found[name].expand(grid.shape) for name in self.pde.names(grid.dimensions)])

    def as_network(self, dimensions: int) -> nn.Module:
        """The unknowns as a network of the coordinates, `(n, d) -> (n, c)`, for `Problem.network_residual`."""
        return _Network(self, dimensions)


class _Network(nn.Module):
    def __init__(self, solution: ExactSolution, dimensions: int) -> None:
        super().__init__()
        self.solution, self.names = solution, solution.pde.unknowns(dimensions)

    def forward(self, z: Tensor) -> Tensor:
        import torch

        columns = z.unbind(-1)
        found = self.solution(*columns)
        return torch.stack([found[name] + 0 * columns[0] for name in self.names], dim=-1)
