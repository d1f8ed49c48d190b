"""The Lorenz system."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import EvolutionPDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Lorenz(EvolutionPDE):
    r"""$X' = \sigma(Y - X)$, $Y' = X(\rho - Z) - Y$, $Z' = XY - \beta Z$: ordinary, and chaotic for the defaults.

    Args:
        sigma, rho, beta: defaults of the parameters.

    Reference: Lorenz (1963), J. Atmos. Sci. 20:130-141, eqs. (25)-(27).
    """

    sigma: float = 10.0
    rho: float = 28.0
    beta: float = 8.0 / 3.0
    fields = (FieldSpec("X"), FieldSpec("Y"), FieldSpec("Z"))
    parameters = (ParameterSpec("sigma"), ParameterSpec("rho"), ParameterSpec("beta"))
    dimensions = (0,)

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        x, y, z = u["X"], u["Y"], u["Z"]
        return {"X": p.sigma * (y - x), "Y": x * (p.rho - z) - y, "Z": x * y - p.beta * z}
