"""An independent look at a trajectory: the defect of the equation along it."""

from collections import deque

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.numerics import SpectralDerivatives
from sciml.pdes import EvolutionPDE, Problem, grid_fields
from sciml.solvers.base import State, Stepper


class Defect:
    r"""A stepper that looks at its own trajectory: $\|u_t - F(u)\| / \|u_t\|$ shortly before each output time.

    $u_t$ comes from fourth-order differences of the last five states (of three or four early on, at a lower order) and
    $F$ from the text of the equation, so that neither the symbol nor the coefficients of the method take part.

    Args:
        stepper: what advances.
        problem: the equation and the output times.
    """

    def __init__(self, stepper: Stepper, problem: Problem) -> None:
        self.stepper, self.problem, self.spec = stepper, problem, stepper.spec
        self.largest: Tensor | None = None
        self._times = torch.as_tensor(problem.times, dtype=torch.float64).cpu()
        self._last: deque[State] = deque(maxlen=5)

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
        self._last.append(state)
        if len(self._last) > 2 and bool(torch.isclose(self._times, state.t[0].cpu(), rtol=1e-9, atol=1e-12).any()):
            defect = self._defect()
            self.largest = defect if self.largest is None else torch.maximum(self.largest, defect)
        return state

    def _defect(self) -> Float[Tensor, " b"]:
        states, middle = list(self._last), len(self._last) // 2
        u, times = torch.stack([s.u for s in states], dim=1), [float(s.t[0]) for s in states]
        d = SpectralDerivatives(self.problem.domain, times=times, time_order=len(states) - 1, device=u.device)
        fields, names = grid_fields(u, self.problem.names, d), self.problem.names
        if isinstance(self.problem.pde, EvolutionPDE):
            fields |= self.problem.pde.diagnose(fields, d, self.problem.bind(d))
        residual = self.problem.residual(fields, d)
        off = torch.stack([residual[n][:, middle] for n in names], dim=1).flatten(1)
        rate = torch.stack([d(fields[n], "t")[:, middle] for n in names], dim=1).flatten(1)
        # Row by row: the order of a sum must not depend on the batch.
        norms = [(a.norm(), b.norm().clamp_min(torch.finfo(u.dtype).tiny)) for a, b in zip(off, rate, strict=True)]
        return torch.stack([a / b for a, b in norms])
