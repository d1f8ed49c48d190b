"""Cells beyond the boundary, filled from the conditions of the primitive variables."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Dirichlet, Neumann, Outflow, Periodic
from sciml.fields.boundary import Condition
from sciml.pdes import ConservationLaw, Parameters, Problem

#: By face, then by component; a wall is told apart by component.
FaceConditions = Mapping[str, Mapping[str, Condition]]


def face_conditions(problem: Problem) -> FaceConditions:
    dims = problem.domain.dimensions
    faces = [f"{axis}{side}" for axis in problem.domain.names for side in "-+"]
    return {face: problem.boundaries.by_component(face, problem.pde.fields, dims) for face in faces}


def refused_condition(problem: Problem) -> str | None:
    """Why ghost cells cannot express a condition, in one sentence; `None` when they can."""
    for face, components in face_conditions(problem).items():
        inflow = all(isinstance(c, Dirichlet) for c in components.values())
        for name, condition in components.items():
            known = isinstance(condition, Periodic | Outflow | Neumann | Dirichlet)
            value = getattr(condition, "value", 0.0)
            vector = name not in {spec.name for spec in problem.pde.fields}
            if (
                not known
                or not isinstance(value, int | float)
                or (isinstance(condition, Neumann) and value != 0)
                or (isinstance(condition, Dirichlet) and not inflow and not vector)
            ):
                return (
                    "finite volumes honour periodic, outflow and wall faces, zero slopes and an inflow of given"
                    f" numbers; {name!r} has {condition} on face {face!r}."
                )
    return None


class GhostCells:
    """Extends averages of conserved quantities beyond the faces of a problem.

    A slope of zero mirrors the field at the face, a given value beside a slope mirrors it at that value; where every
    component is given (an inflow), the cells hold what is given.

    Args:
        problem: of a conservation law.
    """

    def __init__(self, problem: Problem) -> None:
        assert isinstance(problem.pde, ConservationLaw)
        self.law, self.conditions = problem.pde, face_conditions(problem)
        self.names, self.equations = problem.names, problem.pde.equation_names(problem.domain.dimensions)
        self.axes = problem.domain.names

    def extend(self, q: Float[Tensor, "b c *s"], axis: int, count: int, p: Parameters) -> Tensor:
        """Averages with `count` cells more at both ends of an axis, at most as many as there are."""
        q = q.movedim(axis + 2, -1)
        low, high = (self.conditions[f"{self.axes[axis]}{side}"] for side in "-+")
        if isinstance(next(iter(low.values())), Periodic):
            before, after = q[..., -count:], q[..., :count]
        else:
            before = self._beyond(q[..., :count], low, p).flip(-1)
            after = self._beyond(q[..., -count:].flip(-1), high, p)
        return torch.cat([before, q, after], dim=-1).movedim(-1, axis + 2)

    def _beyond(self, q: Float[Tensor, "b c *s"], conditions: Mapping[str, Condition], p: Parameters) -> Tensor:
        """Averages beyond a face by distance from it, given those inside by distance."""
        inflow = all(isinstance(c, Dirichlet) for c in conditions.values())
        u = self.law.primitive(dict(zip(self.equations, q.unbind(1), strict=True)), p)
        ghost = {name: _ghost(u[name], condition, inflow) for name, condition in conditions.items()}
        outside = self.law.conserved(ghost, p)
        return torch.stack([outside[name] for name in self.equations], dim=1)


def _ghost(u: Tensor, condition: Condition, inflow: bool) -> Tensor:
    if isinstance(condition, Outflow):
        return u[..., :1].expand_as(u)
    if isinstance(condition, Dirichlet):
        value = float(condition.value)  # type: ignore[arg-type]
        return torch.full_like(u, value) if inflow else 2 * value - u
    return u
