"""What is left of a boundary condition at points, for a network of the coordinates."""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.fields import Condition, Outflow, Periodic
from sciml.numerics import Derivatives, Field, call_with_coordinates, point_derivatives, value

if TYPE_CHECKING:
    from sciml.pdes.problem import Problem


def boundary_residual(
    problem: "Problem", network: nn.Module, points: Float[Tensor, "n d"], face: str
) -> dict[str, Float[Tensor, " n"]]:
    r"""Residual of the conditions on a face, by component; differentiable in the network's weights.

    It is $a\,u + b\,\partial u/\partial n - g$ for `Dirichlet`, `Neumann` and `Robin`, and for what a `Wall` means for
    the component. A `Periodic` face pairs each point with the one a period away: the entry `"u"` is the jump of the
    field and `"u:x"`, `"u:xx"`, ... are those of its normal derivatives, up to one order below the equation's.

    Args:
        problem: the equation and its conditions; their values are numbers or callables of the coordinates.
        network: `(n, d) -> (n, c)`, channels as in `Problem.unknowns`.
        points: on the face, which is taken for granted, columns in the order of `Problem.axes`.
        face: `"x-"`, `"x+"`, `"y-"`, ...

    Raises:
        ValueError: no such face, a condition that is no equation (`Outflow`), a value that is an array.
    """
    names = [f"{axis}{side}" for axis in problem.domain.names for side in "-+"]
    if face not in names:
        raise ValueError(f"face={face!r} must be one of {', '.join(names)}.")
    normal = problem.domain.names.index(face[0])
    axis = problem.domain.axes[normal]
    conditions = problem.boundaries.by_component(face, problem.pde.fields, problem.domain.dimensions)
    _refuse(conditions, face)
    order = _order(problem, normal) if any(isinstance(c, Periodic) for c in conditions.values()) else 2
    unit = tuple(int(i == normal) for i in range(len(problem.axes)))
    indices = [tuple(k * i for i in unit) for k in range(order)]
    d, u = point_derivatives(network, points, problem.axes, problem.unknowns, indices)
    coordinates = dict(zip(problem.axes, points.unbind(-1), strict=True))
    found: dict[str, Tensor] = {}
    for name, condition in conditions.items():
        if not isinstance(condition, Periodic):
            slope = value(d(u[name], face[0])) * (-1.0 if face[1] == "-" else 1.0)
            a, b, g = (_at(v, coordinates) for v in condition.coefficients)  # type: ignore[union-attr]
            found[name] = a * value(u[name]) + b * slope - g
    periodic = [name for name, condition in conditions.items() if isinstance(condition, Periodic)]
    if periodic:
        shift = points.new_zeros(points.shape[1])
        shift[normal] = axis.length if face[1] == "-" else -axis.length
        other, v = point_derivatives(network, points + shift, problem.axes, problem.unknowns, indices)
        for name in periodic:
            for k in range(order):
                key = name if k == 0 else f"{name}:{face[0] * k}"
                found[key] = _normal(d, u[name], normal, k) - _normal(other, v[name], normal, k)
    return found


def require_on_face(problem: "Problem", points: Float[Tensor, "n d"], face: str) -> None:
    """Raises `ValueError` for points that are off a face."""
    if face[0] not in problem.domain.names:
        return
    normal = problem.domain.names.index(face[0])
    axis = problem.domain.axes[normal]
    position = axis.low if face[1] == "-" else axis.high
    if bool((points[:, normal] - position).abs().max() > 1e-6 * axis.length):
        raise ValueError(f"points must lie on the face {face}, where {face[0]}={position:g}.")


def _refuse(conditions: dict[str, Condition], face: str) -> None:
    for name, condition in conditions.items():
        if isinstance(condition, Outflow):
            raise ValueError(
                f"the condition of {name!r} on {face} is Outflow, which is no equation: it has no residual."
            )
        for given in getattr(condition, "coefficients", ()):
            if not isinstance(given, int | float) and not callable(given):
                raise ValueError(
                    f"the condition of {name!r} on {face} holds an array; at points it must be a callable."
                )


def _order(problem: "Problem", normal: int) -> int:
    """Highest derivative across the face in the equation, at least one."""
    return max(1, *(index[normal] for index in problem.required_derivatives))


def _normal(d: Derivatives, u: Field, normal: int, k: int) -> Tensor:
    return value(d(u, (normal,) * k) if k else u)


def _at(given: Any, coordinates: dict[str, Tensor]) -> "Tensor | float":
    if isinstance(given, int | float):
        return float(given)
    result = call_with_coordinates(given, coordinates)
    return result if isinstance(result, Tensor) else torch.as_tensor(result)
