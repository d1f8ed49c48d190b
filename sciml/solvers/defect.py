"""An independent look at a trajectory: the defect of the equation along it."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.numerics import GridDerivatives, SpectralDerivatives
from sciml.pdes import EvolutionPDE, Problem, grid_fields
from sciml.pdes.parameters import call_with_coordinates
from sciml.pdes.problem import of_samples
from sciml.solvers.base import State, Stepper
from sciml.solvers.samples import parameters_of

#: States from which a time derivative is taken, and output times at most at which it is taken.
NODES, LOOKS = 5, 16


@runtime_checkable
class Trailing(Protocol):
    """A memory that knows the last steps of each sample, of which there may be many in one call."""

    def passed(self, row: int) -> list[float]:
        """Times of the last states of a sample, at most `NODES`."""
        ...

    def values(self, rows: Sequence[int]) -> Tensor:
        """Values `(n, b, c, *s)` of the last states of samples that passed equally many."""
        ...


class Defect:
    r"""A stepper that looks at its own trajectory: $\|u_t - F(u)\| / \|u_t\|$ shortly before output times.

    $u_t$ comes from fourth-order differences of the last five states of each sample and $F$ from the text of the
    equation, so that neither the symbol nor the coefficients of the method take part. A sample that never had five
    states is looked at once, at the end, with those that there are. Where a method divides what it is asked for into
    steps of its own, they are the states (see `Trailing`). The looks are at up to 16 output times, evenly chosen, the
    last among them.

    Args:
        stepper: what advances.
        problem: the equation and the output times.
        derivatives: what differentiates in space; in Fourier space if `None`.
    """

    def __init__(self, stepper: Stepper, problem: Problem, derivatives: GridDerivatives | None = None) -> None:
        self.stepper, self.problem, self.spec = stepper, problem, stepper.spec
        self.derivatives = derivatives
        self.largest: Tensor | None = None
        times = torch.as_tensor(problem.times, dtype=torch.float64).cpu()
        self.looks = times[np.unique(np.linspace(len(times) - 1, 0, LOOKS).round().astype(int))]
        self._last: deque[State] = deque(maxlen=NODES)

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        state = self.stepper.start(u0, t=t, params=params, generator=generator)
        self._last.append(state)
        return state

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        state = self.stepper.step(state, dt, inputs)
        self.see(state)
        return state

    def see(self, state: State) -> None:
        """Remembers a state, and looks where it is at one of the times for it."""
        self._last.append(state)
        if bool(torch.isclose(self.looks, state.t[0].cpu(), rtol=1e-9, atol=1e-12).any()):
            self._look(state)

    def _look(self, state: State) -> None:
        if self.largest is None:
            self.largest = torch.full_like(state.t, math.nan)
        trailing = state.memory if isinstance(state.memory, Trailing) else None
        trails = [
            [float(s.t[row]) for s in self._last] if trailing is None else trailing.passed(row)
            for row in range(len(state.u))
        ]
        over = bool(torch.isclose(self.looks[-1], state.t[0].cpu(), rtol=1e-9, atol=1e-12))
        for count in sorted(set(map(len, trails))):
            rows = [row for row, times in enumerate(trails) if len(times) == count]
            if count < NODES and not (over and count > 1):
                continue
            u = torch.stack([s.u for s in self._last])[:, rows] if trailing is None else trailing.values(rows)
            found = self._defect(u, np.array([trails[row] for row in rows]).T, rows)
            before = self.largest[rows]
            # Values that are not numbers never replace one that is; a look with few states never adds to a full one.
            self.largest[rows] = (
                torch.fmax(before, found) if count == NODES else torch.where(before.isnan(), found, before)
            )

    def _defect(self, u: Float[Tensor, "n b c *s"], times: np.ndarray, rows: list[int]) -> Float[Tensor, " b"]:
        """Relative defect at the middle one of a few states; `times` is `(n, b)`, and `rows` names the samples."""
        middle, ones = len(times) // 2, [1] * (u.ndim - 2)
        weights = torch.as_tensor(_slope_weights(times, middle), device=u.device)
        rate = (weights.view(*weights.shape, *ones) * u).sum(dim=0)
        off = rate - self._right_side(u[middle], torch.as_tensor(times[middle], device=u.device), rows)
        # Row by row: the order of a sum must not depend on the batch.
        norms = [(a.norm(), b.norm().clamp_min(torch.finfo(u.dtype).tiny)) for a, b in zip(off, rate, strict=True)]
        return torch.stack([a / b for a, b in norms])

    def _right_side(
        self, u: Float[Tensor, "b c *s"], t: Float[Tensor, " b"], rows: list[int]
    ) -> Float[Tensor, "b c *s"]:
        problem, pde = self.problem, self.problem.pde
        assert isinstance(pde, EvolutionPDE)
        d = self.derivatives or SpectralDerivatives(problem.domain, device=u.device)
        clock = t.view(-1, *[1] * problem.domain.dimensions)
        p, fields = parameters_of(problem, d, rows).at(t=clock), grid_fields(u, problem.names, d)
        fields |= pde.diagnose(fields, d, p)
        right = {n: torch.zeros_like(u[:, 0]) for n in problem.names} | pde.rhs(fields, d, p)
        if problem.forcing:
            coordinates = {**d.coordinates(), "t": clock}
            for name, force in problem.forcing.items():
                right[name] = right[name] + call_with_coordinates(of_samples(force, torch.tensor(rows)), coordinates)
            right = pde.project(right, d)
        return torch.stack([right[name] + torch.zeros_like(u[:, 0]) for name in problem.names], dim=1)


class MarchingDefect(Defect):
    """The same for a stepper that goes through a list of times at once."""

    def march(self, state: State, times: Sequence[float]) -> Iterator[State]:
        """The states at `times[1:]`."""
        for later in self.stepper.march(state, times, self.looks.tolist()):  # type: ignore[attr-defined]
            self.see(later)
            yield later


def _slope_weights(x: np.ndarray, middle: int) -> np.ndarray:
    """Weights of the derivative at one of the nodes `(n, b)` of the polynomial through all of them, `(n, b)`.

    Reference: Berrut & Trefethen (2004), SIAM Rev. 46:501-517, eq. (9.4).
    """
    gaps = x[:, None] - x[None, :] + np.eye(len(x))[:, :, None]
    barycentric = 1.0 / gaps.prod(axis=1)
    weights = barycentric / barycentric[middle] / (x[middle] - x + (np.arange(len(x)) == middle)[:, None])
    weights[middle] = 0.0
    weights[middle] = -weights.sum(axis=0)
    return weights
