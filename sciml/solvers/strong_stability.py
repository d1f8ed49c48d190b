"""Strong-stability-preserving Runge–Kutta methods: convex combinations of Euler steps."""

from abc import ABC
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor

from sciml.describe import Described

#: Rate of change of a state, given it and the length of the Euler step that has to keep it admissible.
Rate = Callable[[Tensor, Tensor], Tensor]


class StrongStabilityPreserving(Described, ABC):
    r"""$q^{(i)} = \sum_{k<i} \alpha_{ik} q^{(k)} + \beta_{ik} \Delta t\, L(q^{(k)})$, the last stage being the step.

    What an Euler step of length $\Delta t$ keeps (a convex set), the method keeps for steps up to `coefficient` times
    as long, as all $\alpha_{ik} \ge 0$ and $\beta_{ik} \ge 0$.
    """

    order: ClassVar[int]
    alpha: ClassVar[tuple[tuple[float, ...], ...]]
    beta: ClassVar[tuple[tuple[float, ...], ...]]

    @property
    def coefficient(self) -> float:
        r"""$\min \alpha_{ik} / \beta_{ik}$."""
        pairs = [(a, b) for row in zip(self.alpha, self.beta, strict=True) for a, b in zip(*row, strict=True) if b > 0]
        return min(a / b for a, b in pairs)

    @property
    def weights(self) -> tuple[float, ...]:
        """Share of each stage's rate in the whole step."""
        return self._rows[-1]

    @property
    def times(self) -> tuple[float, ...]:
        """Times of the stages, in steps."""
        return tuple(sum(row) for row in self._rows[:-1])

    @property
    def _rows(self) -> tuple[tuple[float, ...], ...]:
        """Shares of the rates in each stage, and in the step."""
        rows: list[list[float]] = [[0.0] * len(self.alpha)]
        for alpha, beta in zip(self.alpha, self.beta, strict=True):
            row = [sum(a * rows[k][j] for k, a in enumerate(alpha)) for j in range(len(self.alpha))]
            rows.append([r + (beta[j] if j < len(beta) else 0.0) for j, r in enumerate(row)])
        return tuple(map(tuple, rows))

    def step(self, q: Tensor, dt: Tensor, rate: Rate) -> Tensor:
        """One step of each sample.

        Args:
            q: `(b, c, *s)`.
            dt: length of the step, `(b, 1, ...)`.
            rate: $L$; it is called once per stage.
        """
        stages, rates = [q], list[Tensor]()
        for alpha, beta in zip(self.alpha, self.beta, strict=True):
            rates.append(rate(stages[-1], dt / self.coefficient))
            parts = [a * stage for a, stage in zip(alpha, stages, strict=True) if a]
            parts += [(b * dt) * slope for b, slope in zip(beta, rates, strict=True) if b]
            stages.append(sum(parts[1:], start=parts[0]))
        return stages[-1]


class SSPRK3(StrongStabilityPreserving):
    """Three stages, third order.

    Reference: Shu & Osher (1988), J. Comput. Phys. 77:439-471, eq. (2.18).
    """

    order = 3
    alpha = ((1.0,), (3 / 4, 1 / 4), (1 / 3, 0.0, 2 / 3))
    beta = ((1.0,), (0.0, 1 / 4), (0.0, 0.0, 2 / 3))


class SSPRK54(StrongStabilityPreserving):
    """Five stages, fourth order, steps 1.508 times as long as Euler's.

    Reference: Spiteri & Ruuth (2002), SIAM J. Numer. Anal. 40:469-491, SSP(5,4), whose table has ten good digits; here
    those of Gottlieb, Ketcheson & Shu (2009), J. Sci. Comput. 38:251-289, section 4.1.
    """

    order = 4
    alpha = (
        (1.0,),
        (0.444370493651235, 0.555629506348765),
        (0.620101851488403, 0.0, 0.379898148511597),
        (0.178079954393132, 0.0, 0.0, 0.821920045606868),
        # The printed digits add up to 1 + 1e-15; the first of them makes up for it, so that nothing is gained.
        (0.0, 0.0, 1 - 0.096059710526147 - 0.386708617503269, 0.096059710526147, 0.386708617503269),
    )
    beta = (
        (0.391752226571890,),
        (0.0, 0.368410593050371),
        (0.0, 0.0, 0.251891774271694),
        (0.0, 0.0, 0.0, 0.544974750228521),
        (0.0, 0.0, 0.0, 0.063692468666290, 0.226007483236906),
    )
