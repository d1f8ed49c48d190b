"""How long the steps are: every sample finds its own, and says why it could not go on."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sciml.pdes.problem import pieces_of
from sciml.solvers.stages import RungeKuttaStep
from sciml.status import Status


@dataclass
class March:
    """A batch on its way: states, times, and the length that each sample's next step should have.

    Args:
        u: states, `(b, c, *s)`.
        t: times, `(b,)`.
        dt: next lengths, `(b,)`.
        status: outcomes so far, `(b,)`.
        steps: steps tried so far, `(b,)`.
        last_u, last_t: states and times before the last step that was taken.
    """

    u: Float[Tensor, "b c *s"]
    t: Float[Tensor, " b"]
    dt: Float[Tensor, " b"]
    status: Int[Tensor, " b"]
    steps: Int[Tensor, " b"]
    last_u: Float[Tensor, "b c *s"]
    last_t: Float[Tensor, " b"]

    @classmethod
    def start(cls, u: Tensor, t: Tensor, dt: Tensor) -> "March":
        nothing = torch.zeros(len(u), dtype=torch.int64, device=u.device)
        return cls(u, t, dt, nothing + int(Status.SUCCESS), nothing.clone(), u.clone(), t.clone())


@dataclass(frozen=True)
class StepControl:
    r"""Advances every sample to a time, with lengths $\Delta t \leftarrow \Delta t \cdot 0.9\,(\epsilon/e)^{1/(p+1)}$.

    $e$ is the embedded estimate of the error of one step and $p$ the lower order of both methods. A step with
    $e > \epsilon$ is taken again; one whose stages cannot be solved, or that leads below zero, is halved.

    Args:
        tol: $\epsilon$, relative to the largest value of each component; `None` keeps the length that was set but where
            a step fails, which is then covered by shorter ones.
        max_steps: steps that a sample may try in all.
        shortest: length, relative to the interval, below which a sample has failed.

    Reference: Hairer, Norsett & Wanner (1993), Solving Ordinary Differential Equations I, section II.4.
    """

    tol: float | None = None
    max_steps: int = 100_000
    shortest: float = 1e-10

    def advance(self, march: March, step: RungeKuttaStep, stop: float) -> None:
        """Brings every sample that has not failed to the time `stop`; steps end where the forcing jumps."""
        going = self._going(march, stop)
        if len(going):
            for end, forcing in pieces_of(step.system.problem.forcing or {}, float(march.t[going[0]]), stop):
                step.system.forcing = forcing
                self._advance(march, step, end)

    def _advance(self, march: March, step: RungeKuttaStep, stop: float) -> None:
        nominal, begin = march.dt.clone(), march.t.clone()
        going = self._going(march, stop)
        while len(going):
            u, t = march.u[going], march.t[going]
            left = stop - t
            # A rest of a hundredth of a step is taken along; two steps share what is left for less than two.
            wanted = march.dt[going]
            last = wanted >= 0.99 * left
            dt = torch.where(last, left, torch.where(2 * wanted > left, left / 2, wanted))
            result = step(u, t, dt, going)
            good = result.ok if self.tol is None else result.ok & (result.error <= self.tol)
            march.steps[going] += 1
            taken = going[good]
            march.last_u[taken], march.last_t[taken] = u[good], t[good]
            march.u[taken] = result.u[good]
            march.t[taken] = torch.where(last, stop, t + dt)[good]
            march.dt[going] = self._next(dt, wanted, nominal[going], good, result.ok, result.error, step)
            self._judge(march, going, good, stop - begin[going])
            going = self._going(march, stop)

    def _going(self, march: March, stop: float) -> Tensor:
        return ((march.status == int(Status.SUCCESS)) & (march.t < stop)).nonzero().flatten()

    def _next(
        self,
        dt: Tensor,
        wanted: Tensor,
        nominal: Tensor,
        good: Tensor,
        ok: Tensor,
        error: Tensor,
        step: RungeKuttaStep,
    ) -> Float[Tensor, " r"]:
        if self.tol is None:
            return torch.where(good, torch.minimum(2 * wanted, nominal), dt / 2)
        lower = min(step.tableau.order, step.tableau.embedded_order)
        quotient = (self.tol / error.clamp_min(1e-8 * self.tol)).pow(1 / (lower + 1))
        proposed = dt * (0.9 * quotient).clamp(0.2, 5.0)
        # A step that was cut short by an output time says nothing against the longer one that was wanted.
        return torch.where(~ok, dt / 2, torch.where(good, torch.maximum(proposed, wanted.minimum(5 * dt)), proposed))

    def _judge(self, march: March, going: Tensor, good: Tensor, interval: Tensor) -> None:
        """Marks the samples whose steps became too short or too many."""
        short = ~good & (march.dt[going] < self.shortest * interval)
        many = ~good & (march.steps[going] >= self.max_steps)
        march.status[going[short]] = int(Status.BREAKDOWN)
        march.status[going[many & ~short]] = int(Status.MAX_STEPS)
