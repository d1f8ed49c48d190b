"""The exact Riemann solver against published star states and the jump conditions."""

import pytest
import torch

from sciml.pdes.exact import ExactRiemann, Side

#: Data and, between the outer waves, pressure, velocity and the densities left and right of the contact:
#: Toro (2009), tables 4.1 and 4.2.
TORO = [
    ((1.0, 0.0, 1.0), (0.125, 0.0, 0.1), (0.30313, 0.92745, 0.42632, 0.26557)),
    ((1.0, -2.0, 0.4), (1.0, 2.0, 0.4), (0.00189, 0.0, 0.02185, 0.02185)),
    ((1.0, 0.0, 1000.0), (1.0, 0.0, 0.01), (460.894, 19.5975, 0.57506, 5.99924)),
    ((1.0, 0.0, 0.01), (1.0, 0.0, 100.0), (46.0950, -6.19633, 5.99242, 0.57511)),
    ((5.99924, 19.5975, 460.894), (5.99242, -6.19633, 46.0950), (1691.64, 8.68975, 14.2823, 31.0426)),
]


@pytest.mark.parametrize(("left", "right", "star"), TORO)
def test_the_star_states_of_toros_five_tests_are_met(left, right, star):
    exact = ExactRiemann(Side(*left), Side(*right))
    found = (*exact.star(), *exact.star_densities())
    assert found == pytest.approx(star, rel=1e-5, abs=5e-6)


@pytest.mark.parametrize(("left", "right", "star"), TORO)
def test_mass_momentum_and_energy_change_by_what_enters(left, right, star):
    """An independent check of the whole profile, fans and shocks included, by its integrals."""
    exact, t, half, n = ExactRiemann(Side(*left), Side(*right)), 0.01, 1.0, 400_000
    x = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 * half - half

    def conserved(u: torch.Tensor) -> torch.Tensor:
        rho, v, p = u
        return torch.stack([rho, rho * v, p / 0.4 + 0.5 * rho * v * v])

    def flux(rho: float, v: float, p: float) -> torch.Tensor:
        energy = p / 0.4 + 0.5 * rho * v * v
        return torch.tensor([rho * v, rho * v * v + p, (energy + p) * v], dtype=torch.float64)

    change = (conserved(exact(x, t)) - conserved(exact(x, 0.0))).sum(1) * (2 * half / n)
    entered = t * (flux(*left) - flux(*right))
    scale = conserved(exact(x, 0.0)).abs().amax(1)
    # A shock lies somewhere within one of the 400 000 cells.
    assert float(((change - entered) / scale.clamp_min(1.0)).abs().max()) < 4 * 2 * half / n * 8


def test_the_solution_mirrors_its_data():
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)
    one = ExactRiemann(Side(1.0, 0.3, 1.0), Side(0.125, -0.1, 0.1))(x, 0.3)
    other = ExactRiemann(Side(0.125, 0.1, 0.1), Side(1.0, -0.3, 1.0))(-x, 0.3)
    torch.testing.assert_close(one, other * torch.tensor([[1.0], [-1.0], [1.0]], dtype=torch.float64))


def test_vacuum_and_nonpositive_states_are_refused():
    with pytest.raises(ValueError, match="vacuum"):
        ExactRiemann(Side(1.0, -20.0, 0.4), Side(1.0, 20.0, 0.4))
    with pytest.raises(ValueError, match="left=Side"):
        ExactRiemann(Side(0.0, 0.0, 1.0), Side(1.0, 0.0, 1.0))
