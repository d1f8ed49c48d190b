"""Cell averages of functions, as finite volumes of high order take them."""

import itertools
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Axis, Grid
from sciml.pdes import ConservationLaw, Parameters, Problem


def cell_averages(problem: Problem, points: int = 3) -> Float[Tensor, "b c *s"]:
    r"""Primitive variables of the averages over cells of what an initial state conserves, float64.

    A value in the middle of a cell is off by $O(h^2)$; the Gauss rule by $O(h^{2n})$ with `points` per axis.

    Args:
        problem: of a conservation law, its initial state given by callables.
        points: of the rule along each axis.

    Raises:
        ValueError: an initial state that is a tensor, which has no values within the cells, or another equation.
    """
    law, grid = problem.pde, problem.domain
    if not isinstance(law, ConservationLaw):
        raise ValueError(f"cell_averages takes a conservation law; {type(law).__name__} is none.")
    if isinstance(problem.initial, Tensor):
        raise ValueError("initial is a tensor, which has no values within the cells; give callables.")
    nodes, weights = np.polynomial.legendre.leggauss(points)
    values = {s.name: problem.parameters.get(s.name, getattr(law, s.name)) for s in law.parameters}
    p = Parameters(law.parameters, values, {}, {}, grid.dimensions)
    total: dict[str, Tensor] = {}
    for index in itertools.product(range(points), repeat=grid.dimensions):
        state = problem.initial_state(_shifted(grid, [0.5 * nodes[i] for i in index]))
        weight = float(np.prod([0.5 * weights[i] for i in index]))
        for name, q in law.conserved(dict(zip(problem.names, state.unbind(1), strict=True)), p).items():
            total[name] = total.get(name, 0.0) + weight * q
    u = law.primitive(total, p)
    return torch.stack([u[name] for name in problem.names], dim=1)


def _shifted(grid: Grid, cells: list[float]) -> Grid:
    """The grid moved by a part of a cell along each axis."""

    def moved(axis: Axis, part: float) -> Axis:
        return replace(axis, low=axis.low + part * axis.h, high=axis.high + part * axis.h)

    return Grid(tuple(moved(axis, part) for axis, part in zip(grid.axes, cells, strict=True)))
