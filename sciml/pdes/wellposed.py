r"""Whether the linear part of an equation lets short waves grow without bound, in which case no problem is well posed.

On a wave $e^{i\kappa\theta\cdot x}$ a linear part of constant coefficients is a matrix of polynomials in $\kappa$; the
real parts of its eigenvalues must be bounded above as $\kappa \to \infty$, in every direction $\theta$.

This condition of Petrovskii is necessary, and for a single equation sufficient.

Reference: Kreiss & Lorenz (1989), Initial-Boundary Value Problems and the Navier-Stokes Equations, chapter 2.
"""

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.numerics import Derivatives, required
from sciml.pdes.base import SemilinearPDE

if TYPE_CHECKING:
    from sciml.pdes.problem import Problem

#: Powers of the wave number that are told apart; the negative ones come from inverse Laplacians.
LOWEST, POWERS = -8, 40


class WavePolynomials(Derivatives):
    r"""Differentiation of $e^{i\kappa\theta\cdot x}$ for many directions $\theta$ at once.

    A field is a polynomial in $\kappa$ per direction, complex128, flattened into the last of as many axes as there are
    dimensions, so that parameters `(b,)` enter as they do on a grid.

    Args:
        axes: names of the space axes.
    """

    def __init__(self, axes: Sequence[str]) -> None:
        super().__init__(axes)
        reach = range(-3, 4) if len(self.axes) < 3 else range(-2, 3)
        vectors = list(itertools.product(reach, repeat=len(self.axes)))
        # One of each pair of opposite vectors, none twice; whole numbers keep every power of them exact.
        kept = [v for v in vectors if v > (0,) * len(v) and math.gcd(*v) == 1]
        self.directions, self.device = torch.tensor(kept, dtype=torch.float64), "cpu"

    def one(self) -> Tensor:
        wave = torch.zeros(len(self.directions), POWERS, dtype=torch.complex128)
        wave[:, -LOWEST] = 1.0
        return wave.view(*[1] * (len(self.axes) - 1), -1)

    def derivative(self, u: Tensor, counts: tuple[int, ...]) -> Tensor:
        factor = (self.directions ** torch.tensor(counts)).prod(dim=1) * 1j ** sum(counts)
        return self._raised(u, sum(counts), factor)

    def inverse_laplacian(self, f: Tensor) -> Tensor:
        return self._raised(f, -2, -1.0 / self.directions.square().sum(dim=1))

    def _raised(self, u: Tensor, order: int, factor: Tensor) -> Tensor:
        """A polynomial times `factor` $\\kappa^{order}$."""
        powers = u.unflatten(-1, (len(self.directions), POWERS))
        return (torch.roll(powers, order, dims=-1) * factor[:, None]).flatten(-2)

    def coordinates(self) -> dict[str, Tensor]:
        """None: a symbol exists for constant coefficients only."""
        return {}


def check_well_posed(problem: "Problem") -> None:
    """Refuses a semilinear problem whose linear part amplifies ever shorter waves ever faster.

    A nonlinear part with derivatives of as high an order may damp them; then nothing can be said here.

    Raises:
        ValueError: one line with the components at fault, and their growth as a power of the wave number.
    """
    pde, given = problem.pde, problem.parameters
    numbers = [given[s.name] for s in pde.parameters if s.name in given and not s.field]
    # A number that somebody made a function of space has no symbol.
    if not isinstance(pde, SemilinearPDE) or any(callable(v) and not isinstance(v, Tensor) for v in numbers):
        return
    d = WavePolynomials(problem.domain.names)
    matrix = _matrix(pde, d, problem)
    for block in _blocks(matrix):
        order, rate = fastest_growth(matrix[:, :, block][..., block, :], d.directions)
        if order > 0 and order > _nonlinear_order(pde, problem):
            names = ", ".join(problem.names[i] for i in block)
            raise ValueError(
                f"{type(pde).__name__} is ill-posed: its linear part makes waves of wave number k in {names} grow at"
                f" the rate {rate:.3g} k^{order:.3g}, without bound (a negative diffusion needs damping by a derivative"
                " of higher order)."
            )


def _matrix(pde: SemilinearPDE, d: WavePolynomials, problem: "Problem") -> Complex[Tensor, "b r c c powers"]:
    """The linear part on waves, per sample and direction; see `SemilinearPDE.symbol`."""
    wave, p, columns = d.one(), problem.bind(d), []
    with torch.no_grad():
        for active in problem.names:
            image = pde.linear({n: wave if n == active else 0 * wave for n in problem.names}, d, p)
            parts = [(image.get(n, 0.0) + 0 * wave).reshape(-1, len(d.directions), POWERS) for n in problem.names]
            columns.append(torch.stack(torch.broadcast_tensors(*parts), dim=2))
    return torch.stack(torch.broadcast_tensors(*columns), dim=3)


def _blocks(matrix: Complex[Tensor, "b r c c powers"]) -> list[list[int]]:
    """Components that depend on each other in a circle; the eigenvalues are those of the blocks."""
    count = matrix.shape[2]
    reach = (matrix != 0).any(dim=-1).flatten(0, 1).any(dim=0) | torch.eye(count, dtype=torch.bool)
    for _ in range(count):
        reach = (reach.double() @ reach.double()) > 0
    mutual = reach & reach.T
    return [row.nonzero().flatten().tolist() for i, row in enumerate(mutual) if int(row.nonzero()[0]) == i]


def _nonlinear_order(pde: SemilinearPDE, problem: "Problem") -> int:
    """Highest order of a derivative in space that the nonlinear part holds."""
    indices = required(lambda u, d: pde.nonlinear(u, d, problem.bind(d)), problem.unknowns, problem.axes)
    return max(sum(index[: problem.domain.dimensions]) for index in indices)


def fastest_growth(block: Complex[Tensor, "b r c c powers"], directions: Float[Tensor, "r d"]) -> tuple[float, float]:
    """Growth at the rate `rate` $k^{order}$ of the highest order among samples and directions; order 0 if bounded.

    Args:
        block: components that depend on each other, as polynomials in the wave number.
        directions: what wave number one means, a vector per direction.

    Returns:
        Order and rate, unit length^order / time.
    """
    order, rate = _growth_of_one(block[:, :, 0, 0]) if block.shape[2] == 1 else _growth_of_many(block)
    rate = rate / directions.norm(dim=1) ** order
    highest = order.max()
    return float(highest), float(rate[order == highest].max())


def _growth_of_one(entry: Complex[Tensor, "b r powers"]) -> tuple[Float[Tensor, "b r"], Float[Tensor, "b r"]]:
    """Order and rate; the highest power of the wave number with a real factor decides, and order 0 means bounded."""
    rounding = 4 * torch.finfo(torch.float64).eps * entry.abs().amax(dim=-1, keepdim=True)
    real = torch.where(entry.real.abs() > rounding, entry.real, 0.0)[..., -LOWEST:]
    order = ((real != 0) * torch.arange(real.shape[-1])).amax(dim=-1)
    rate = real.gather(-1, order[..., None])[..., 0]
    return torch.where(rate > 0, order, 0).double(), rate.clamp_min(0.0)


def _growth_of_many(block: Complex[Tensor, "b r c c powers"]) -> tuple[Float[Tensor, "b r"], Float[Tensor, "b r"]]:
    r"""Order and rate from the eigenvalues at two wave numbers so large that the highest powers rule.

    Eigenvalues of a defective matrix are known to the root of the rounding error only; growth below that is not seen.
    """
    k, powers = _asymptotic_wave_number(block), LOWEST + torch.arange(POWERS)
    found = []
    for factor in (1.0, 2.0):
        scale = ((factor * k)[..., None] ** powers)[:, :, None, None]
        values = torch.where(block == 0, 0.0, block * scale).sum(dim=-1)
        # Out of range of the numbers nothing is judged.
        found.append(torch.linalg.eigvals(torch.where(torch.isfinite(values), values, 0.0)))
    size = found[0].abs()
    certain = (found[0].real > 1e-7 * size) & (found[0].real > 1e-12 * size.amax(dim=-1, keepdim=True))
    first = torch.where(certain, found[0].real, 0.0).amax(dim=-1)
    order = torch.log2(found[1].real.amax(dim=-1) / first)
    # A characteristic root grows like a power of at least 1/c of the wave number.
    grows = (first > 0) & (order > 0.5 / block.shape[2])
    order = torch.where(grows, order, 0.0)
    return order, torch.where(grows, first / k**order, 0.0)


def _asymptotic_wave_number(block: Complex[Tensor, "b r c c powers"]) -> Float[Tensor, "b r"]:
    """A thousand times the wave number at which the smallest entry of a power catches up with those of lower powers."""
    size = block.abs().flatten(2, 3)
    largest, smallest = size.amax(dim=2), torch.where(size > 0, size, math.inf).amin(dim=2)
    k = torch.zeros(size.shape[:2], dtype=torch.float64)
    used = (largest > 0).flatten(0, 1).any(dim=0).nonzero().flatten().tolist()
    for low, high in itertools.combinations(used, 2):
        k = torch.maximum(k, (largest[..., low] / smallest[..., high]) ** (1.0 / (high - low)))
    return 1e3 * torch.where(k > 0, k, 1.0)
