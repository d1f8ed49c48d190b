"""Energies: exact solutions make them stationary, and networks find their minima."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.fields import Ball, Box, SpatialRegion
from sciml.nn import MLP
from sciml.numerics.quadrature import GaussLegendre, QuasiMonteCarlo
from sciml.pinn import DeepRitz, HardBoundary
from sciml.pinn.deep_ritz import DirichletEnergy, Energy, MinimalSurfaceEnergy, PLaplaceEnergy, ReactionEnergy

PI = math.pi
SQUARE = Box((0.0, 0.0), (1.0, 1.0))
FORCING = "2*pi**2*sin(pi*x)*sin(pi*y)"


class Given(nn.Module):
    """A function of the coordinates in place of a network."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z[..., 0:1], z[..., 1:2])


def energy_of(objective: DeepRitz, network: nn.Module) -> Tensor:
    return objective.terms(network, Batch())["energy"].scalar()


def product(x: Tensor, y: Tensor) -> Tensor:
    return torch.sin(PI * x) * torch.sin(PI * y)


def scherk(x: Tensor, y: Tensor) -> Tensor:
    """A minimal surface over (0, 1)^2, where cosines are positive."""
    return torch.log(torch.cos(x)) - torch.log(torch.cos(y))


def radial(p: float):
    """$-\\nabla\\cdot(|\\nabla u|^{p-2} \\nabla u) = 1$ in the unit disc."""
    q = p / (p - 1)
    return lambda x, y: (1 - (x * x + y * y + 1e-30) ** (q / 2)) * (0.5 ** (1 / (p - 1)) / q)


STATIONARY = {
    "Poisson": (DirichletEnergy(FORCING), SQUARE, product),
    "p = 3": (PLaplaceEnergy(1.0, exponent=3.0), Ball((0.0, 0.0), 1.0), radial(3.0)),
    "p = 1.5": (PLaplaceEnergy(1.0, exponent=1.5), Ball((0.0, 0.0), 1.0), radial(1.5)),
    "minimal surface": (MinimalSurfaceEnergy(), SQUARE, scherk),
    "reaction": (
        # V = u^4 / 4, so that f = -Laplacian u + u^3.
        ReactionEnergy(lambda x, y: 2 * PI**2 * product(x, y) + product(x, y) ** 3, potential=lambda u: u**4 / 4),
        SQUARE,
        product,
    ),
}


@pytest.mark.parametrize("name", STATIONARY)
def test_the_exact_solution_is_a_minimum(name: str) -> None:
    energy, region, solution = STATIONARY[name]
    rule = GaussLegendre() if isinstance(region, Box) else QuasiMonteCarlo(2**15)
    objective = DeepRitz(energy, region, rule)

    def shifted(size: float, x: Tensor, y: Tensor) -> Tensor:
        bump = region.bubble(torch.cat([x, y], dim=-1))[..., None] * (1 + x - 0.5 * y)
        return solution(x, y) + size * bump

    step = 1e-3
    low, middle, high = (
        float(energy_of(objective, Given(lambda x, y, s=s: shifted(s, x, y)))) for s in (-step, 0.0, step)
    )
    slope, curvature = (high - low) / (2 * step), (low + high - 2 * middle) / step**2
    assert curvature > 0
    # The minimum along the line lies at -slope / curvature; quasi-random points have an error of their own.
    assert abs(slope / curvature) < (1e-5 if isinstance(region, Box) else 1e-3)


def test_the_energy_of_the_exact_solution_is_that_of_the_anchor() -> None:
    assert float(energy_of(DeepRitz(DirichletEnergy(FORCING), SQUARE), Given(product))) == pytest.approx(
        -(PI**2) / 4, abs=1e-12
    )
    # At a minimum of |grad u|^p / p - u the first integral equals that of u: E = (1/p - 1) int u.
    for p in (1.5, 3.0):
        q = p / (p - 1)
        integral = PI * 0.5 ** (1 / (p - 1)) / q * (1 - 2 / (q + 2))
        rule = QuasiMonteCarlo(2**15)
        found = energy_of(DeepRitz(PLaplaceEnergy(1.0, exponent=p), Ball((0.0, 0.0), 1.0), rule), Given(radial(p)))
        assert float(found) == pytest.approx((1 / p - 1) * integral, rel=1e-3)


def minimised(
    energy: Energy, region: SpatialRegion, rule: GaussLegendre, steps: int, normalized: bool = False
) -> tuple[nn.Module, list[float]]:
    torch.manual_seed(0)
    network = HardBoundary(MLP(2, 1, width=16, depth=2), region, normalized=normalized).double()
    objective = DeepRitz(energy, region, rule)
    tolerances = {"tolerance_grad": 0.0, "tolerance_change": 0.0}
    optimizer = torch.optim.LBFGS(
        network.parameters(), max_iter=steps, max_eval=4 * steps, line_search_fn="strong_wolfe", **tolerances
    )
    energies = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = energy_of(objective, network)
        loss.backward()
        energies.append(float(loss.detach()))
        return loss

    optimizer.step(closure)
    return network, energies


@pytest.mark.slow
def test_a_network_finds_the_minimum_and_never_a_lower_one() -> None:
    network, energies = minimised(DirichletEnergy(FORCING), SQUARE, GaussLegendre(8, 3), 150)
    assert energies[-1] == pytest.approx(-(PI**2) / 4, abs=1e-4)
    assert min(energies) > -(PI**2) / 4 - 1e-6
    centre = network(torch.tensor([0.5, 0.5], dtype=torch.float64)).detach()
    assert float(centre) == pytest.approx(1.0, abs=5e-3)


@pytest.mark.slow
def test_a_network_finds_the_torsion_of_a_square() -> None:
    # In the corners the solution behaves like r^2 log r; the distance function, unlike the product, fits that.
    network, energies = minimised(DirichletEnergy(1.0), SQUARE, GaussLegendre(8, 4), 500, normalized=True)
    assert energies[-1] == pytest.approx(-0.0175721, abs=1e-5)
    assert min(energies) > -0.0175721 - 1e-6
    centre = network(torch.tensor([0.5, 0.5], dtype=torch.float64)).detach()
    assert float(centre) == pytest.approx(0.0736713, abs=2e-4)


def test_random_points_are_renewed_and_survive_a_checkpoint() -> None:
    objective = DeepRitz(DirichletEnergy(1.0), Ball((0.0, 0.0), 1.0), QuasiMonteCarlo(64), every=2, seed=3)
    drawn = []
    for step in range(5):
        objective.advance(step, 0)
        drawn.append(objective.points.clone())
    assert [torch.equal(a, b) for a, b in pairwise(drawn)] == [True, False, True, False]
    twin = build(describe(objective))
    twin.load_state_dict(objective.state_dict())
    for each in (objective, twin):
        each.advance(5, 0)
    assert torch.equal(twin.points, objective.points)


def test_the_energy_differentiates_in_the_weights_at_the_precision_of_the_network() -> None:
    objective = DeepRitz(ReactionEnergy(1.0), SQUARE, GaussLegendre(3, 1))
    network = HardBoundary(MLP(2, 1, width=8, depth=1), SQUARE)
    term = objective.terms(network, Batch())["energy"]
    assert term.values.shape == (9,)
    assert term.values.dtype == torch.float32
    term.scalar().backward()
    assert all(float(p.grad.abs().sum()) > 0 for p in network.parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PLaplaceEnergy(exponent=1.0), "exponent=1.0"),
        (lambda: PLaplaceEnergy(regularization=-1.0), "regularization=-1.0"),
        (lambda: DeepRitz(DirichletEnergy(), SQUARE, every=0), "every=0"),
        (lambda: DeepRitz(DirichletEnergy(), SQUARE).terms(MLP(2, 3), Batch()), "3 channels"),
    ],
)
def test_a_wrong_argument_is_named(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
