"""What cells gain besides what flows through their faces: sources of the law, and forcing."""

import itertools
import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sciml.numerics import required
from sciml.numerics.requirements import ProbeDerivatives
from sciml.pdes import ConservationLaw, Parameters, Problem
from sciml.pdes.base import Fields
from sciml.pdes.parameters import call_with_coordinates
from sciml.pdes.problem import of_clocks, of_samples


def refused_source(problem: Problem) -> str | None:
    """Why sources and forcing cannot be honoured; `None` when they can."""
    law = problem.pde
    assert isinstance(law, ConservationLaw)
    names = law.equation_names(problem.domain.dimensions)
    if strange := set(problem.forcing or {}) - set(names):
        return f"forcing names {sorted(strange)[0]!r}; the equations are {', '.join(names)}."
    asked = required(lambda u, d: law.source(u, d, problem.bind(d)), problem.names, problem.axes)
    if any(map(any, asked)):
        return f"FiniteVolume takes sources without derivatives; that of {type(law).__name__} has some."
    return None


class VolumeSource:
    r"""Rates at which the averages over cells grow by the law's source and by forcing.

    The source is evaluated at the averages, which leaves an error of $O(h^2)$ where it is not linear in the conserved
    quantities; forcing is averaged over each cell by Gauss's rule of two points per axis, of fourth order.

    Args:
        problem: a conservation law on uniform cells.
    """

    def __init__(self, problem: Problem) -> None:
        law, grid = problem.pde, problem.domain
        assert isinstance(law, ConservationLaw)
        self.law, self.forcing, self.dimensions = law, dict(problem.forcing or {}), grid.dimensions
        # A source that differentiates is refused; what it is given knows the names of the axes alone.
        self.derivatives = ProbeDerivatives(problem.axes)
        self.equations = law.equation_names(grid.dimensions)
        self.there = bool(self.forcing) or type(law).source is not ConservationLaw.source
        centres = dict(zip(grid.names, grid.meshgrid(), strict=True))
        steps = {name: axis.h / (2 * math.sqrt(3)) for name, axis in zip(grid.names, grid.axes, strict=True)}
        self.centres = centres
        self.nodes = [
            {name: centres[name] + side * steps[name] for name, side in zip(grid.names, sides, strict=True)}
            for sides in itertools.product((-1, 1), repeat=grid.dimensions)
        ]

    def __call__(
        self, u: Fields, p: Parameters, t: Float[Tensor, " b"], samples: Int[Tensor, " b"]
    ) -> Float[Tensor, "b c *s"]:
        """The rates.

        Args:
            u: primitive variables of the averages.
            p: parameters of the samples.
            t: times of the samples.
            samples: their numbers in the problem.
        """
        clock = t.view(-1, *[1] * self.dimensions)
        where: dict[str, Any] = {name: x.to(t.device) for name, x in self.centres.items()}
        found = self.law.source(u, self.derivatives, p.at(**where, t=clock))
        nothing = torch.zeros_like(next(iter(u.values())))
        rows = [nothing + found.get(name, 0.0) for name in self.equations]
        for name, force in self.forcing.items():
            function = of_clocks(of_samples(force, samples.cpu()), t)
            values = [
                call_with_coordinates(function, {**{n: x.to(t.device) for n, x in node.items()}, "t": clock})
                for node in self.nodes
            ]
            index = self.equations.index(name)
            rows[index] = rows[index] + sum(values[1:], start=values[0]) / len(values)
        return torch.stack(rows, dim=1)
