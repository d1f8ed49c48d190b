"""A problem that is discretised in space alone: ordinary differential equations for the values on the grid."""

import dataclasses
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sciml.numerics import BoundedDifferences, call_with_coordinates
from sciml.pdes import EvolutionPDE, Parameters, Problem
from sciml.pdes.problem import of_samples
from sciml.shapes import TIME


class SemiDiscrete:
    r"""$\dot u = F(t, u)$ for the values on the grid, every sample for itself.

    Args:
        problem: an evolution equation without diagnostic unknowns, whose conditions fit its grid.
        device: of the states.
    """

    def __init__(self, problem: Problem, device: torch.device | str = "cpu") -> None:
        assert isinstance(problem.pde, EvolutionPDE)
        self.problem, self.pde, self.grid, self.names = problem, problem.pde, problem.domain, problem.names
        self.d = BoundedDifferences(self.grid, problem.boundaries, problem.pde.fields, device=device)
        self.extended = self.d.coordinates()
        self.inner = {name: self.d.restrict(x) for name, x in self.extended.items()}
        self.free = self._free().to(device)
        self.defaults = {s.name: getattr(self.pde, s.name, None) for s in self.pde.parameters}
        fields = {s.name for s in self.pde.parameters if s.field}
        self.shared: dict[str, Any] = {}
        self.own: dict[str, Tensor] = {}
        for name, value in problem.parameters.items():
            if isinstance(value, Tensor):
                value = value.detach().to(device)
                if name in fields and value.ndim >= self.grid.dimensions:
                    value = self.d.ghosts.continued(value.double())
                if value.ndim == (self.grid.dimensions + 1 if name in fields else 1) and len(value) > 1:
                    self.own[name] = value
                    continue
            self.shared[name] = value
        self.samples = max([1, *map(len, self.own.values())])
        #: What acts on the right side; a march puts the piece between two jumps here on which it is.
        self.forcing = dict(problem.forcing or {})

    def _free(self) -> Bool[Tensor, "c *s"]:
        """Which values are unknowns: not those of nodes that a condition gives."""
        free = torch.ones(len(self.names), *self.grid.shape, dtype=torch.bool)
        for k, name in enumerate(self.names):
            for i, side in self.d.ghosts.pinned(name):
                free[k].select(i, 0 if side == "-" else -1)[...] = False
        return free

    def rate(
        self, u: Float[Tensor, "b c *s"], t: Float[Tensor, " b"], rows: Int[Tensor, " b"]
    ) -> Float[Tensor, "b c *s"]:
        """$F(t, u)$; zero at values that a condition gives.

        Args:
            u: states.
            t: their times.
            rows: the samples they belong to, for parameters per sample.
        """
        clock = t.view(-1, *[1] * self.grid.dimensions)
        fields = self.d.extend(dict(zip(self.names, u.unbind(1), strict=True)), t)
        own = {name: value[rows] for name, value in self.own.items()}
        p = Parameters(
            self.pde.parameters,
            {**self.shared, **own},
            self.defaults,
            {**self.extended, TIME: clock},
            self.grid.dimensions,
        )
        right = self.pde.rhs(fields, self.d, p)
        parts = [self._part(right.get(name, 0.0), u) for name in self.names]
        for name, force in self.forcing.items():
            k = self.names.index(name)
            parts[k] = parts[k] + call_with_coordinates(of_samples(force, rows), {**self.inner, TIME: clock})
        return torch.where(self.free, torch.stack(parts, dim=1), 0.0)

    def _part(self, part: Any, u: Tensor) -> Tensor:
        """One component of the right side on the grid: a field, one that does not vary over the batch, or a number."""
        if isinstance(part, int | float) or (isinstance(part, Tensor) and part.ndim < self.grid.dimensions):
            return torch.as_tensor(part, dtype=u.dtype, device=u.device).expand(len(u), *self.grid.shape)
        return self.d.restrict(part).expand(len(u), *self.grid.shape)

    def impose(self, u: Float[Tensor, "b c *s"], t: Float[Tensor, " b"]) -> Float[Tensor, "b c *s"]:
        """The state with the values that conditions give at time `t`."""
        if bool(self.free.all()):
            return u
        fields = self.d.ghosts.impose(dict(zip(self.names, u.unbind(1), strict=True)), t)
        return torch.stack([fields[name] for name in self.names], dim=1)

    def with_parameters(self, columns: dict[str, Tensor]) -> "SemiDiscrete":
        """The same equations with other scalar parameters, `(b,)` by name."""
        parameters = {**self.problem.parameters, **columns}
        return SemiDiscrete(dataclasses.replace(self.problem, parameters=parameters), self.free.device)
