"""An independent look at a computed flow: the defect of the equation's own text along it."""

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.numerics import FiniteDifferences
from sciml.pdes import EvolutionPDE, Problem, grid_fields
from sciml.pdes.parameters import call_with_coordinates
from sciml.pdes.problem import of_clocks
from sciml.solvers.base import State
from sciml.solvers.projection_stepper import FlowMemory, ProjectionStepper

#: Part of the stability limit that the two steps take, over which the time derivative is measured.
PROBE = 0.125


class FlowDefect:
    r"""A stepper of a flow that looks at itself at each output time: $\|Pr\| / (\|u_t\| + \|u_t - r\|)$.

    $r = u_t - F(u)$ is the residual without the pressure, of the equation's text by finite differences of fourth order;
    $P$ removes its gradient part, and the pressure with it. $u_t$ is the central difference of two short steps onwards.
    It shows the error of the scheme in space as well.

    Args:
        stepper: what advances.
        problem: the equation and the output times.
    """

    def __init__(self, stepper: ProjectionStepper, problem: Problem) -> None:
        self.stepper, self.problem, self.spec = stepper, problem, stepper.spec
        self.largest: Tensor | None = None
        self._times = torch.as_tensor(problem.times, dtype=torch.float64).cpu()

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        return self.stepper.start(u0, t=t, params=params, generator=generator)

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        state = self.stepper.step(state, dt, inputs)
        if bool(torch.isclose(self._times, state.t[:1].cpu(), rtol=1e-9, atol=1e-12).any()):
            with torch.no_grad():
                defect = self._defect(state)
            self.largest = defect if self.largest is None else torch.maximum(self.largest, defect)
        return state

    def _defect(self, state: State) -> Float[Tensor, " b"]:
        probe = PROBE * self.stepper.limit(state).clamp_max(float(self._times.diff().min()))
        middle = self.stepper.advance(state, probe)
        last = self.stepper.advance(middle, probe)
        rate = (last.u - state.u) / (2.0 * probe).view(-1, *[1] * (state.u.ndim - 1))
        off = rate - self._right_side(middle)
        return torch.stack([self._relative(r, m, middle.memory) for r, m in zip(off, rate, strict=True)])

    def _right_side(self, state: State) -> Float[Tensor, "b c *s"]:
        """$F(u)$ without the pressure, forcing included."""
        d = FiniteDifferences(
            self.problem.domain, 4 if min(self.problem.domain.shape) >= 7 else 2, device=state.u.device
        )
        fields = grid_fields(state.u, self.problem.names, d)
        fields["pressure"] = torch.zeros_like(state.u[:, 0])
        assert isinstance(self.problem.pde, EvolutionPDE)
        right = self.problem.pde.rhs(fields, d, state.memory.rates.parameters)
        clock = {**d.coordinates(), "t": state.t.view(-1, *[1] * d.grid.dimensions)}
        for name, force in (self.problem.forcing or {}).items():
            right[name] = right[name] + call_with_coordinates(of_clocks(force, state.t), clock)
        return torch.stack([right[name].expand_as(fields[name]) for name in self.problem.names], dim=1)

    def _relative(self, off: Tensor, rate: Tensor, memory: FlowMemory) -> Tensor:
        """Of one sample, so that the order of its sums does not depend on the batch."""
        staggered = memory.rates.staggered
        faces, _ = memory.project(staggered.free(staggered.to_faces(off[None, :-1])))
        solenoidal = torch.cat([staggered.to_cells(faces)[0], off[-1:]])
        return solenoidal.norm() / (rate.norm() + (rate - off).norm()).clamp_min(torch.finfo(off.dtype).tiny)
