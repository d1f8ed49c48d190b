"""One Runge–Kutta step of a batch, explicit or diagonally implicit, every sample with its own length."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sciml.solvers.newton import Newton
from sciml.solvers.semidiscrete import SemiDiscrete
from sciml.solvers.tableaux import Tableau

#: Part of the scale by which a component that has to stay above zero may fall below it by rounding.
ROUNDING = 1e-10


@dataclass(frozen=True)
class StepResult:
    """Outcome of one step.

    Args:
        u: the new states, `(b, c, *s)`.
        error: largest relative difference of both embedded methods, `(b,)`; zero where the tableau has one method.
        ok: whether the stages were solved, all is finite and nothing that has to stay above zero fell below.
    """

    u: Float[Tensor, "b c *s"]
    error: Float[Tensor, " b"]
    ok: Bool[Tensor, " b"]


@dataclass(frozen=True)
class RungeKuttaStep:
    r"""$U_i = u + \Delta t \sum_{j \le i} a_{ij} K_j$, $K_i = F(t + c_i \Delta t, U_i)$, $u \leftarrow u + \Delta t
    \sum_i b_i K_i$.

    The step is made of the rates $K_i$ themselves and not of the stages, so that what the differences conserve is
    conserved to rounding whatever is left of Newton's residual.

    Args:
        system: the semi-discrete problem.
        tableau: the method.
        newton: solves the implicit stages.
        nonnegative: components that stay above zero.

    Reference: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, section IV.6.
    """

    system: SemiDiscrete
    tableau: Tableau
    newton: Newton
    nonnegative: Bool[Tensor, " c"]

    def __call__(
        self, u: Float[Tensor, "b c *s"], t: Float[Tensor, " b"], dt: Float[Tensor, " b"], rows: Int[Tensor, " b"]
    ) -> StepResult:
        """A step of length `dt` of the samples with the numbers `rows`."""
        length = dt.view(-1, *[1] * (u.ndim - 1))
        scale = self._scale(u, t, dt, rows)
        ok = torch.ones(len(u), dtype=torch.bool, device=u.device)
        rates: list[Tensor] = []
        stage = u
        for row, c in zip(self.tableau.padded, self.tableau.c, strict=True):
            at, weight = t + c * dt, row[len(rates)]
            known = u + length * _combined(row, rates) if rates else u
            if weight:
                stage, found = self._implicit(known, stage, weight * length, at, scale, rows)
                ok = ok & found
            else:
                stage = self.system.impose(known, at)
            rates.append(self.system.rate(stage, at, rows))
        new = self.system.impose(u + length * _combined(self.tableau.b, rates), t + dt)
        new, above = self._above_zero(new, scale)
        finite = torch.isfinite(new).flatten(1).all(1)
        return StepResult(new, self._error(u, new, length, rates), ok & above & finite)

    def _scale(self, u: Tensor, t: Tensor, dt: Tensor, rows: Tensor) -> Float[Tensor, "b c"]:
        """Size of each component and of its change; that of the others counts a little, where one is zero."""
        change = dt[:, None] * _largest(self.system.rate(u, t, rows))
        size = torch.maximum(_largest(u), torch.nan_to_num(change, nan=0.0, posinf=0.0))
        return torch.maximum(size, 1e-4 * size.amax(1, keepdim=True)).clamp_min(torch.finfo(u.dtype).tiny)

    def _implicit(
        self, known: Tensor, guess: Tensor, weight: Tensor, at: Tensor, scale: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Solves $U = \\text{known} + a_{ii} \\Delta t\\,F(t_i, U)$."""
        known, guess = self.system.impose(known, at), self.system.impose(guess, at)

        def equations(v: Tensor, of: Tensor) -> Tensor:
            return v - known[of] - weight[of] * self.system.rate(v, at[of], rows[of])

        return self.newton.solve(equations, guess, self.system.grid, scale, self.nonnegative)

    def _above_zero(self, u: Tensor, scale: Tensor) -> tuple[Tensor, Bool[Tensor, " b"]]:
        """States without what rounding left below zero, and which had no more than that."""
        if not bool(self.nonnegative.any()):
            return u, torch.ones(len(u), dtype=torch.bool, device=u.device)
        kept = self.nonnegative.view(-1, *[1] * (u.ndim - 2))
        lowest = torch.where(kept, u, 0.0).flatten(2).amin(2)
        return torch.where(kept, u.clamp_min(0.0), u), (lowest >= -ROUNDING * scale).all(1)

    def _error(self, u: Tensor, new: Tensor, length: Tensor, rates: list[Tensor]) -> Float[Tensor, " b"]:
        if self.tableau.error is None:
            return torch.zeros(len(u), dtype=u.dtype, device=u.device)
        size = torch.maximum(_largest(u), _largest(new)).clamp_min(torch.finfo(u.dtype).tiny)
        return (_largest(length * _combined(self.tableau.error, rates)) / size).amax(1)


def _combined(weights: tuple[float, ...], rates: list[Tensor]) -> Tensor:
    parts = [w * k for w, k in zip(weights, rates, strict=False) if w]
    return sum(parts[1:], start=parts[0]) if parts else torch.zeros_like(rates[0])


def _largest(u: Tensor) -> Float[Tensor, "b c"]:
    """Largest absolute value of each component: a maximum does not depend on the order of its terms."""
    return u.flatten(2).abs().amax(2)
