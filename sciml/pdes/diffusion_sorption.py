"""Diffusion of a solute that sorbs to its medium."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import EvolutionPDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class DiffusionSorption(EvolutionPDE):
    r"""$R(u)\,u_t = D u_{xx}$ with the retardation $R(u) = 1 + \frac{1-\phi}{\phi} \rho_s k_f n_f |u|^{n_f - 1}$.

    $R$ comes from the Freundlich isotherm and is infinite at $u = 0$ for $n_f < 1$: a front without solute ahead moves
    at a finite speed. The equation is evaluated as $u_t = D u_{xx} / R$, where $1 / R$ is zero at $u = 0$.

    Args:
        diffusivity: default of $D$, unit length^2 / time.
        porosity: default of $\phi$, between 0 and 1.
        density: default of the bulk density $\rho_s$, unit mass / length^3.
        capacity: default of Freundlich's $k_f$.
        exponent: default of Freundlich's $n_f$.

    Reference: Takamoto et al. (2022), PDEBench, NeurIPS Datasets and Benchmarks, appendix D, with these defaults on
    $(0, 1)$ for 500 units of time, $u = 1$ on the left.
    """

    diffusivity: float = 5e-4
    porosity: float = 0.29
    density: float = 2880.0
    capacity: float = 3.5e-4
    exponent: float = 0.874
    fields = (FieldSpec("u", location="cell", long_name="concentration"),)
    parameters = (
        ParameterSpec("diffusivity", unit="m2 s-1", low=0.0),
        ParameterSpec("porosity", low=0.0, high=1.0),
        ParameterSpec("density", unit="kg m-3", low=0.0),
        ParameterSpec("capacity", low=0.0),
        ParameterSpec("exponent", low=0.0),
    )
    dimensions = (1,)
    nonnegative = ("u",)

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        sorbed = (1.0 - p.porosity) / p.porosity * p.density * p.capacity * p.exponent
        # |u|^(1 - n): a power of the square, which every kind of field knows.
        mobile = (u["u"] * u["u"]) ** (0.5 * (1.0 - p.exponent))
        return {"u": p.diffusivity * d(u["u"], "xx") * mobile / (mobile + sorbed)}
