"""Butcher tableaux: the numbers that make a Runge–Kutta method, as objects that a solver takes."""

import math
from dataclasses import dataclass
from typing import ClassVar

Row = tuple[float, ...]


@dataclass(frozen=True)
class Tableau:
    r"""A Runge–Kutta method whose stages depend on earlier ones, and on themselves at most.

    The stages are $y_i = u + \Delta t \sum_{j \le i} a_{ij} f(t + c_j \Delta t, y_j)$, the step is
    $u + \Delta t \sum_j b_j f(t + c_j \Delta t, y_j)$. Subclasses give the numbers:

    - `a`: the rows of the lower triangle, row $i$ with $i$ entries where the method is explicit, else with $i + 1$;
    - `b`: weights of the step, of order `order`;
    - `embedded`: weights of a second step from the same stages, of order `embedded_order`, to estimate the error.
    """

    a: ClassVar[tuple[Row, ...]]
    b: ClassVar[Row]
    order: ClassVar[int]
    embedded: ClassVar[Row | None] = None
    embedded_order: ClassVar[int] = 0

    @property
    def stages(self) -> int:
        return len(self.b)

    @property
    def c(self) -> Row:
        """Times of the stages, in steps."""
        return tuple(math.fsum(row) for row in self.a)

    @property
    def is_explicit(self) -> bool:
        return all(len(row) == i for i, row in enumerate(self.a))

    @property
    def is_stiffly_accurate(self) -> bool:
        """Whether the last stage is the step: an L-stable method then damps stiff components wholly."""
        return self.padded[-1] == self.b

    @property
    def padded(self) -> tuple[Row, ...]:
        """`a` as a square matrix."""
        return tuple((*row, *[0.0] * (self.stages - len(row))) for row in self.a)

    @property
    def error(self) -> Row | None:
        """Weights of the difference of both steps."""
        return None if self.embedded is None else tuple(p - q for p, q in zip(self.b, self.embedded, strict=True))


class RK4(Tableau):
    """The classical method of fourth order.

    Reference: Kutta (1901), Z. Math. Phys. 46:435-453.
    """

    a = ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0))
    b = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
    order = 4


class SSPRK2(Tableau):
    """Heun's method: the optimal strong-stability-preserving one of two stages; a convex sum of Euler steps.

    Reference: Shu & Osher (1988), J. Comput. Phys. 77:439-471, eq. (2.16).
    """

    a = ((), (1.0,))
    b = (1 / 2, 1 / 2)
    order = 2


class SSPRK3(Tableau):
    """The optimal strong-stability-preserving method of three stages: a convex sum of Euler steps.

    Reference: Shu & Osher (1988), J. Comput. Phys. 77:439-471, eq. (2.18).
    """

    a = ((), (1.0,), (1 / 4, 1 / 4))
    b = (1 / 6, 1 / 6, 2 / 3)
    order = 3


class BogackiShampine32(Tableau):
    """Third order with an embedded second; the last stage is the first of the next step.

    Reference: Bogacki & Shampine (1989), Appl. Math. Lett. 2:321-325.
    """

    a = ((), (1 / 2,), (0.0, 3 / 4), (2 / 9, 1 / 3, 4 / 9))
    b = (2 / 9, 1 / 3, 4 / 9, 0.0)
    order = 3
    embedded = (7 / 24, 1 / 4, 1 / 3, 1 / 8)
    embedded_order = 2


class DormandPrince54(Tableau):
    """Fifth order with an embedded fourth; the last stage is the first of the next step.

    Reference: Dormand & Prince (1980), J. Comput. Appl. Math. 6:19-26, table 2.
    """

    a = (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    )
    b = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0)
    order = 5
    embedded = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)
    embedded_order = 4


_ALEXANDER = 1.0 - 1.0 / math.sqrt(2.0)


class SDIRK2(Tableau):
    """Two implicit stages with one diagonal entry; L-stable.

    Reference: Alexander (1977), SIAM J. Numer. Anal. 14:1006-1021, section 2.
    """

    a = ((_ALEXANDER,), (1.0 - _ALEXANDER, _ALEXANDER))
    b = (1.0 - _ALEXANDER, _ALEXANDER)
    order = 2


class SDIRK43(Tableau):
    """Five implicit stages with one diagonal entry, fourth order with an embedded third; L-stable.

    Reference: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, table 6.5.
    """

    a = (
        (1 / 4,),
        (1 / 2, 1 / 4),
        (17 / 50, -1 / 25, 1 / 4),
        (371 / 1360, -137 / 2720, 15 / 544, 1 / 4),
        (25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4),
    )
    b = (25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4)
    order = 4
    embedded = (59 / 48, -17 / 96, 225 / 32, -85 / 12, 0.0)
    embedded_order = 3


class ESDIRK43(Tableau):
    """An explicit and five implicit stages, fourth order with an embedded third; L-stable, stage order two.

    Reference: Kennedy & Carpenter (2003), Appl. Numer. Math. 44:139-181, appendix C, the implicit part of
    ARK4(3)6L[2]SA.
    """

    a = (
        (0.0,),
        (1 / 4, 1 / 4),
        (8611 / 62500, -1743 / 31250, 1 / 4),
        (5012029 / 34652500, -654441 / 2922500, 174375 / 388108, 1 / 4),
        (15267082809 / 155376265600, -71443401 / 120774400, 730878875 / 902184768, 2285395 / 8070912, 1 / 4),
        (82889 / 524892, 0.0, 15625 / 83664, 69875 / 102672, -2260 / 8211, 1 / 4),
    )
    b = (82889 / 524892, 0.0, 15625 / 83664, 69875 / 102672, -2260 / 8211, 1 / 4)
    order = 4
    embedded = (
        4586570599 / 29645900160,
        0.0,
        178811875 / 945068544,
        814220225 / 1159782912,
        -3700637 / 11593932,
        61727 / 225920,
    )
    embedded_order = 3


class _KennedyCarpenterExplicit(Tableau):
    a = (
        (),
        (1 / 2,),
        (13861 / 62500, 6889 / 62500),
        (
            -116923316275 / 2393684061468,
            -2731218467317 / 15368042101831,
            9408046702089 / 11113171139209,
        ),
        (
            -451086348788 / 2902428689909,
            -2682348792572 / 7519795681897,
            12662868775082 / 11960479115383,
            3355817975965 / 11060851509271,
        ),
        (
            647845179188 / 3216320057751,
            73281519250 / 8382639484533,
            552539513391 / 3454668386233,
            3354512671639 / 8306763924573,
            4040 / 17871,
        ),
    )
    b, embedded = ESDIRK43.b, ESDIRK43.embedded
    order, embedded_order = 4, 3


class _AscherRuuthSpiteriExplicit(Tableau):
    a = ((), (1 / 2,), (11 / 18, 1 / 18), (5 / 6, -5 / 6, 1 / 2), (1 / 4, 7 / 4, 3 / 4, -7 / 4))
    b = (1 / 4, 7 / 4, 3 / 4, -7 / 4, 0.0)
    order = 3


class _AscherRuuthSpiteriImplicit(Tableau):
    a = (
        (0.0,),
        (0.0, 1 / 2),
        (0.0, 1 / 6, 1 / 2),
        (0.0, -1 / 2, 1 / 2, 1 / 2),
        (0.0, 3 / 2, -3 / 2, 1 / 2, 1 / 2),
    )
    b = (0.0, 3 / 2, -3 / 2, 1 / 2, 1 / 2)
    order = 3


@dataclass(frozen=True)
class AdditiveTableau:
    r"""An explicit and an implicit method of the same stage times, for $u_t = f_E(u) + f_I(u)$.

    `order` holds for the sum: conditions that couple both methods are among those a test checks.
    """

    explicit: ClassVar[Tableau]
    implicit: ClassVar[Tableau]
    order: ClassVar[int]
    embedded_order: ClassVar[int] = 0

    @property
    def stages(self) -> int:
        return self.implicit.stages

    @property
    def c(self) -> Row:
        return self.implicit.c


class ARS443(AdditiveTableau):
    """Four implicit and four explicit stages, third order; the implicit part is L-stable.

    Reference: Ascher, Ruuth & Spiteri (1997), Appl. Numer. Math. 25:151-167, section 2.8.
    """

    explicit, implicit = _AscherRuuthSpiteriExplicit(), _AscherRuuthSpiteriImplicit()
    order = 3


class ARK436L2SA(AdditiveTableau):
    """ARK4(3)6L[2]SA: six stages, fourth order with an embedded third; the implicit part is L-stable.

    Reference: Kennedy & Carpenter (2003), Appl. Numer. Math. 44:139-181, appendix C.
    """

    explicit, implicit = _KennedyCarpenterExplicit(), ESDIRK43()
    order, embedded_order = 4, 3
