"""Fourier pseudo-spectral integration in time by explicit Runge–Kutta, for any evolution equation on a torus."""

from torch import Tensor

from sciml.solvers.formula import Formula, Lengths, Step, combine
from sciml.solvers.pseudospectral import PseudoSpectral
from sciml.solvers.spectral_system import SpectralSystem
from sciml.solvers.tableaux import DormandPrince54, Tableau


class RungeKutta(PseudoSpectral):
    r"""Explicit Runge–Kutta for $u_t = F(u) + g(x, t)$, pseudo-spectral in space.

    It needs no linear part with constant coefficients, and its step is limited by the stiffest mode (`step_limit`).

    Args:
        tableau: the method; Dormand–Prince 5(4) if `None`.
        dt: longest step, in the problem's time unit; `None` leaves it to an estimate of the error.
        dealias: fraction of the modes per axis that the state keeps; products are free of aliasing up to degree two
            for 2/3, three for 1/2.

    Raises:
        ValueError: a step that is not positive, a fraction outside (0, 1], an implicit method, no step and no embedded
            method.
    """

    split = False

    def __init__(self, tableau: Tableau | None = None, dt: float | None = None, dealias: float = 2 / 3) -> None:
        super().__init__(dt, dealias)
        self.tableau = tableau or DormandPrince54()
        name = type(self.tableau).__name__
        if not self.tableau.is_explicit:
            raise ValueError(f"tableau={name} is implicit; RungeKutta takes an explicit one.")
        if dt is None and self.tableau.embedded is None:
            raise ValueError(f"dt=None needs a tableau with embedded weights; {name} has none.")

    @property
    def order(self) -> int:  # type: ignore[override]
        return self.tableau.order

    def formula(self, system: SpectralSystem) -> "RungeKuttaFormula":
        return RungeKuttaFormula(system, self.tableau)


class RungeKuttaFormula(Formula):
    """A step of an explicit method, with the error of the embedded one.

    Args:
        system: what is advanced.
        tableau: an explicit method.
    """

    def __init__(self, system: SpectralSystem, tableau: Tableau) -> None:
        super().__init__(system)
        self.tableau, self.embedded_order, self.explicit = tableau, tableau.embedded_order, tableau

    def bound_to(self, system: SpectralSystem) -> "RungeKuttaFormula":
        return RungeKuttaFormula(system, self.tableau)

    def advance(self, v: Tensor, t: Tensor, dt: Lengths, rate: Tensor) -> Step:
        tableau, length, rates, stage = self.tableau, dt.like(v), [rate], v
        for row, c in zip(tableau.a[1:], tableau.c[1:], strict=True):
            stage = v + length * combine(row, rates)
            rates.append(self.system.rate(stage, t + c * dt.each))
        # Where the last stage is the step, its rate is the first one of the next.
        new, last = (
            (stage, rates[-1]) if tableau.is_stiffly_accurate else (v + length * combine(tableau.b, rates), None)
        )
        if tableau.error is None:
            return Step(new)
        error = tableau.error
        return Step(new, lambda: (length * combine(error, rates), last))
