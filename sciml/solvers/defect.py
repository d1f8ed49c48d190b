"""An independent look at a trajectory: the defect of the equation along it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.numerics import GridDerivatives, SpectralDerivatives
from sciml.pdes import EvolutionPDE, Problem, grid_fields
from sciml.pdes.parameters import call_with_coordinates
from sciml.pdes.problem import of_clocks
from sciml.solvers.base import State, Stepper

#: States from which a time derivative is taken, and output times at which it is taken at most.
NODES, LOOKS = 5, 16


@dataclass(frozen=True)
class Passed:
    """States that some samples passed on their way.

    Args:
        rows: which samples, `(r,)`.
        times: theirs, `(r,)`; NaN for one that did not advance.
        states: as the method keeps them, `(r, ...)`.
        values: makes values on the grid of such states.
    """

    rows: np.ndarray
    times: np.ndarray
    states: Tensor
    values: Callable[[Tensor], Tensor]


class Defect:
    r"""A stepper that looks at its own trajectory: $\|u_t - F(u)\| / \|u_t\|$ shortly before output times.

    $u_t$ comes from fourth-order differences of the last five states of each sample (of three or four early on, at a
    lower order) and $F$ from the text of the equation, so that neither the symbol nor the coefficients of the method
    take part. Where a method divides what it is asked for into steps of its own, a `trail` in the memory of its state
    holds these. The looks are at up to 16 output times, evenly chosen, the last among them.

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
        self._looks = times[np.unique(np.linspace(len(times) - 1, 0, LOOKS).round().astype(int))]
        self._passed: deque[Passed] = deque(maxlen=4 * NODES)

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        state = self.stepper.start(u0, t=t, params=params, generator=generator)
        self._remember(state)
        return state

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        state = self.stepper.step(state, dt, inputs)
        self._remember(state)
        if bool(torch.isclose(self._looks, state.t[0].cpu(), rtol=1e-9, atol=1e-12).any()):
            self._look(len(state.u))
        return state

    def _remember(self, state: State) -> None:
        if trail := getattr(state.memory, "trail", None):
            self._passed.extend(trail)
        else:
            times = state.t.cpu().numpy()
            self._passed.append(Passed(np.arange(len(times)), times, state.u, lambda u: u))

    def _look(self, samples: int) -> None:
        found: list[list[tuple[float, Tensor, Callable[[Tensor], Tensor]]]] = [[] for _ in range(samples)]
        for passed in reversed(self._passed):
            for i, (row, time) in enumerate(zip(passed.rows, passed.times, strict=True)):
                if len(found[row]) < NODES and time == time:
                    found[row].append((float(time), passed.states[i], passed.values))
        count = min(map(len, found))
        if count < 3:
            return
        nodes = [[sample[j] for sample in found] for j in range(count - 1, -1, -1)]
        times = np.array([[time for time, _, _ in node] for node in nodes])
        u = torch.stack([torch.cat([values(v[None]) for _, v, values in node]) for node in nodes])
        defect = self._defect(u, times)
        self.largest = defect if self.largest is None else torch.maximum(self.largest, defect)

    def _defect(self, u: Float[Tensor, "n b c *s"], times: np.ndarray) -> Float[Tensor, " b"]:
        """Relative defect at the middle one of a few states; `times` is `(n, b)`."""
        middle, ones = len(times) // 2, [1] * (u.ndim - 2)
        weights = torch.as_tensor(_slope_weights(times, middle), device=u.device)
        rate = (weights.view(*weights.shape, *ones) * u).sum(dim=0)
        off = rate - self._right_side(u[middle], torch.as_tensor(times[middle], device=u.device))
        # Row by row: the order of a sum must not depend on the batch.
        norms = [(a.norm(), b.norm().clamp_min(torch.finfo(u.dtype).tiny)) for a, b in zip(off, rate, strict=True)]
        return torch.stack([a / b for a, b in norms])

    def _right_side(self, u: Float[Tensor, "b c *s"], t: Float[Tensor, " b"]) -> Float[Tensor, "b c *s"]:
        problem, pde = self.problem, self.problem.pde
        assert isinstance(pde, EvolutionPDE)
        d = self.derivatives or SpectralDerivatives(problem.domain, device=u.device)
        clock = t.view(-1, *[1] * problem.domain.dimensions)
        p, fields = problem.bind(d).at(t=clock), grid_fields(u, problem.names, d)
        fields |= pde.diagnose(fields, d, p)
        right = {n: torch.zeros_like(u[:, 0]) for n in problem.names} | pde.rhs(fields, d, p)
        if problem.forcing:
            coordinates = {**d.coordinates(), "t": clock}
            for name, force in problem.forcing.items():
                right[name] = right[name] + call_with_coordinates(of_clocks(force, t), coordinates)
            right = pde.project(right, d)
        return torch.stack([right[name] + torch.zeros_like(u[:, 0]) for name in problem.names], dim=1)


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
