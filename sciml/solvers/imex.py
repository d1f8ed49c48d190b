"""Fourier pseudo-spectral integration in time by additive Runge–Kutta: the linear part implicit, the rest explicit."""

from torch import Tensor

from sciml.solvers.formula import Formula, Lengths, Step, combine
from sciml.solvers.pseudospectral import PseudoSpectral
from sciml.solvers.spectral_system import SpectralSystem
from sciml.solvers.symbols import LinearMap
from sciml.solvers.tableaux import ARK436L2SA, AdditiveTableau


class IMEX(PseudoSpectral):
    r"""Additive Runge–Kutta for $u_t = Lu + N(u) + g(x, t)$, pseudo-spectral in space.

    $L$ is implicit: its symbol, or its matrix per wave number, is inverted; $N$ is explicit.

    Args:
        tableau: the pair of methods; fourth order with an embedded third if `None`.
        dt: longest step, in the problem's time unit; `None` leaves it to an estimate of the error.
        dealias: fraction of the modes per axis that the state keeps; products are free of aliasing up to degree two
            for 2/3, three for 1/2.

    Raises:
        ValueError: a step that is not positive, a fraction outside (0, 1], no step and no embedded method.

    Reference: Kennedy & Carpenter (2003), Appl. Numer. Math. 44:139-181, eq. (3)-(4).
    """

    def __init__(self, tableau: AdditiveTableau | None = None, dt: float | None = None, dealias: float = 2 / 3) -> None:
        super().__init__(dt, dealias)
        self.tableau = tableau or ARK436L2SA()
        if dt is None and not self.tableau.embedded_order:
            raise ValueError(f"dt=None needs a tableau with embedded weights; {type(self.tableau).__name__} has none.")

    @property
    def order(self) -> int:  # type: ignore[override]
        return self.tableau.order

    def formula(self, system: SpectralSystem) -> "IMEXFormula":
        return IMEXFormula(system, self.tableau)


class IMEXFormula(Formula):
    """A step of an additive method, with the error of the embedded one.

    Args:
        system: what is advanced.
        tableau: the pair of methods; the last stage of the implicit one is its step.
    """

    def __init__(self, system: SpectralSystem, tableau: AdditiveTableau) -> None:
        super().__init__(system)
        if not tableau.implicit.is_stiffly_accurate:
            raise ValueError(f"tableau={type(tableau).__name__} has an implicit part that is not stiffly accurate.")
        self.tableau, self.embedded_order, self.explicit = tableau, tableau.embedded_order, tableau.explicit
        self.linear = system.symbol.map(lambda values: values)

    def bound_to(self, system: SpectralSystem) -> "IMEXFormula":
        return IMEXFormula(system, self.tableau)

    def advance(self, v: Tensor, t: Tensor, dt: Lengths, rate: Tensor) -> Step:
        explicit, implicit, length = self.tableau.explicit, self.tableau.implicit, dt.like(v)
        inverse = self.maps(dt, self._inverses)
        rates, pulls, stage = [rate], [self.linear(v)], v
        for i in range(1, self.tableau.stages):
            right = v + length * combine([*explicit.a[i], *implicit.a[i][:-1]], [*rates, *pulls])
            stage = inverse[str(implicit.a[i][i])](right)
            pulls.append(self.linear(stage))
            rates.append(self.system.rate(stage, t + implicit.c[i] * dt.each))
        # The implicit part of the step is that of the last stage, which spares the cancellation of stiff terms.
        rest = [b - a for b, a in zip(explicit.b, explicit.padded[-1], strict=True)]
        new = stage + length * combine(rest, rates)
        if implicit.error is None or explicit.error is None:
            return Step(new)
        weights = [*explicit.error, *implicit.error]
        return Step(new, lambda: (length * combine(weights, [*rates, *pulls]), None))

    def _inverses(self, dt: float) -> dict[str, LinearMap]:
        symbol, diagonal = self.system.symbol, {row[-1] for row in self.tableau.implicit.a[1:]}
        return {str(a): symbol.map_of(symbol.resolvent(a * dt)) for a in diagonal}
