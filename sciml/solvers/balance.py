"""An independent look at a conservative scheme: what is there, and what has left, is what there was."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.solvers.base import State

if TYPE_CHECKING:
    from sciml.solvers.finite_volume import FiniteVolumeStepper


class Balance:
    r"""A stepper that keeps the books of its trajectory.

    The defect at a time is $|\sum_i (q_i(t) - q_i(0)) V + \int F\,dt| / \max \sum_i |q_i| V$ for each conserved
    quantity, with what has left through the faces, less what sources gave, as $\int F\,dt$; for a vector the
    denominator sums the magnitudes of all components, so that a component that stays zero does not divide by itself. It
    is rounding where the scheme is conservative and says nothing of the distance to the exact solution: a pointwise
    defect of the equation has no meaning at a shock.

    Args:
        stepper: of a conservation law.
    """

    def __init__(self, stepper: "FiniteVolumeStepper") -> None:
        self.stepper, self.spec, self.keeps_positive = stepper, stepper.spec, stepper.keeps_positive
        self.largest: Tensor | None = None

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        state = self.stepper.start(u0, t=t, params=params, generator=generator)
        self._initial, self._scale = self._totals(state)
        return state

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        state = self.stepper.step(state, dt, inputs)
        total, scale = self._totals(state)
        self._scale = torch.maximum(scale, self._scale)
        defect = ((total - self._initial + state.memory.outflow).abs() / self._scale).amax(1)
        self.largest = defect if self.largest is None else torch.maximum(self.largest, defect)
        return state

    def _totals(self, state: State) -> tuple[Tensor, Tensor]:
        """Amount of every conserved quantity and its scale, `(b, c)`."""
        q = self.stepper.conserved(state.u, state.memory.values)
        cell = torch.tensor([axis.h for axis in self.spec.grid.axes], dtype=q.dtype).prod().item()
        # Row by row: the order of a sum must not depend on the batch.
        total = torch.stack([row.flatten(1).sum(1) for row in q])
        sizes = torch.stack([row.abs().flatten(1).sum(1) for row in q])
        start, scales = 0, []
        for spec in self.stepper.law.equations:
            stop = start + len(spec.components(self.stepper.dimensions))
            scales.append(sizes[:, start:stop].sum(1, keepdim=True).expand(-1, stop - start))
            start = stop
        return cell * total, cell * torch.cat(scales, dim=1).clamp_min(torch.finfo(q.dtype).tiny)
