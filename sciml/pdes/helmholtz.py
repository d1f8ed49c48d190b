"""Helmholtz equation, without and with damping."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import PDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Helmholtz(PDE):
    r"""$-\Delta u - k^2 u = f$: amplitude $u$ of a wave of wave number $k$ that a source $f$ feeds.

    The operator is indefinite as soon as $k^2$ exceeds the lowest eigenvalue of $-\Delta$; where $k^2$ meets an
    eigenvalue there is no solution.

    Args:
        k: default wave number, unit 1 / length; a number or a field.
        f: default source.

    Reference: Ihlenburg (1998), Finite Element Analysis of Acoustic Scattering, section 1.1.
    """

    k: float = 20.0
    f: float = 1.0
    fields = (FieldSpec("u", long_name="amplitude"),)
    parameters = (ParameterSpec("k", unit="m-1", low=0.0, field=True), ParameterSpec("f", field=True))

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -d.laplacian(u["u"]) - p.k**2 * u["u"] - p.f}


@dataclass(frozen=True)
class DampedHelmholtz(PDE):
    r"""$-\Delta h - k^2 (1 + i\delta) h = f$ for $h = u + iv$: the medium takes energy from the wave.

    With $\delta > 0$ there is exactly one solution, whatever $k$. By real parts,
    $-\Delta u - k^2 (u - \delta v) = f$ and $-\Delta v - k^2 (v + \delta u) = 0$.

    Args:
        k: default wave number, unit 1 / length; a number or a field.
        damping: default of $\delta \ge 0$.
        f: default source.

    Reference: Erlangga, Oosterlee & Vuik (2006), SIAM J. Sci. Comput. 27:1471-1492, eq. (1.1).
    """

    k: float = 20.0
    damping: float = 0.05
    f: float = 1.0
    fields = (FieldSpec("u", long_name="amplitude in phase"), FieldSpec("v", long_name="amplitude out of phase"))
    parameters = (
        ParameterSpec("k", unit="m-1", low=0.0, field=True),
        ParameterSpec("damping", low=0.0),
        ParameterSpec("f", field=True),
    )

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        real, imaginary = u["u"] - p.damping * u["v"], u["v"] + p.damping * u["u"]
        return {
            "u": -d.laplacian(u["u"]) - p.k**2 * real - p.f,
            "v": -d.laplacian(u["v"]) - p.k**2 * imaginary,
        }
