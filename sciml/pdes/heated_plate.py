"""Temperature at rest of a plate that need not be a rectangle."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import PDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class HeatedPlate(PDE):
    r"""$-\Delta u = 0$ inside, $u = g$ elsewhere: the temperature at rest of a plate of any shape within a rectangle.

    The shape is a field, so that it is stored and a network sees it.

    Args:
        inside: default of the field that is 1 in the open plate and 0 on its edges, in its holes and beyond.
        g: default temperature of edges and holes; it means nothing where `inside` is 1.

    Reference: Evans (2010), Partial Differential Equations, section 2.2.
    """

    inside: float = 1.0
    g: float = 0.0
    dimensions = (2,)
    fields = (FieldSpec("u", unit="degC", long_name="temperature"),)
    parameters = (
        ParameterSpec("inside", field=True),
        ParameterSpec("g", unit="degC", field=True),
    )

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -p.inside * d.laplacian(u["u"]) + (1.0 - p.inside) * (u["u"] - p.g)}
