"""Riemann solvers: consistency, mirror symmetry, upwinding, contacts, and the exact flux."""

import pytest
import torch
from helpers import observed_order

from sciml.pdes.exact import ExactRiemann, Side
from sciml.pdes.gas_dynamics import GasDynamics
from sciml.solvers import HLLC, HLLE, Rusanov

WAVES = GasDynamics(1.4, 2)
SOLVERS = pytest.mark.parametrize("solver", [HLLC(), HLLE(), Rusanov()], ids=lambda s: type(s).__name__)


def state(rho: float, u: float, v: float, p: float) -> torch.Tensor:
    return torch.tensor([rho, rho * u, rho * v, p / 0.4 + 0.5 * rho * (u * u + v * v)], dtype=torch.float64).view(
        1, 4, 1
    )


def exact_flux(q: torch.Tensor) -> torch.Tensor:
    return WAVES.flux(q, WAVES.flow(q))


@SOLVERS
@pytest.mark.parametrize("u", [-3.0, -0.2, 0.0, 0.2, 3.0])
def test_equal_states_give_their_own_flux(solver, u):
    q = state(1.2, u, -0.4, 0.8)
    torch.testing.assert_close(solver.flux(q, q, WAVES), exact_flux(q), rtol=1e-14, atol=1e-14)


@SOLVERS
def test_a_mirrored_problem_has_the_mirrored_flux(solver):
    left, right = state(1.0, 0.3, 0.2, 1.0), state(0.3, -0.5, -0.1, 0.2)
    mirror = torch.tensor([1.0, -1.0, 1.0, 1.0], dtype=torch.float64).view(1, 4, 1)
    flux = solver.flux(left, right, WAVES)
    torch.testing.assert_close(
        solver.flux(mirror * right, mirror * left, WAVES), -mirror * flux, rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("solver", [HLLC(), HLLE()], ids=lambda s: type(s).__name__)
def test_supersonic_flow_takes_the_flux_from_upstream(solver):
    left, right = state(1.0, 4.0, 0.2, 1.0), state(0.9, 4.2, -0.1, 1.1)
    torch.testing.assert_close(solver.flux(left, right, WAVES), exact_flux(left), rtol=1e-14, atol=1e-14)
    back = [state(1.0, -4.0, 0.2, 1.0), state(0.9, -4.2, -0.1, 1.1)]
    torch.testing.assert_close(solver.flux(*back, WAVES), exact_flux(back[1]), rtol=1e-14, atol=1e-14)


def test_hllc_keeps_a_contact_and_a_shear_layer_at_rest_and_hlle_smears_them():
    left, right = state(1.0, 0.0, 1.0, 0.7), state(0.2, 0.0, -1.0, 0.7)
    kept, smeared = (s.flux(left, right, WAVES)[0, :, 0] for s in (HLLC(), HLLE()))
    torch.testing.assert_close(kept, torch.tensor([0.0, 0.7, 0.0, 0.0], dtype=torch.float64), rtol=0, atol=1e-15)
    assert float(smeared[0].abs()) > 0.1


@pytest.mark.parametrize(("solver", "order"), [(HLLC(), 2), (HLLE(), 1), (Rusanov(), 1)])
def test_between_close_states_the_flux_of_hllc_is_exact_to_first_order_and_the_others_smear(solver, order):
    def error(jump: float) -> float:
        left, right = (1.0, 0.1, 1.0), (1 - jump, 0.1 - 0.5 * jump, 1 - 0.3 * jump)
        exact = ExactRiemann(Side(*left), Side(*right))
        rho, u, p = exact(torch.zeros(1, dtype=torch.float64), 1.0)[:, 0].tolist()
        found = solver.flux(state(left[0], left[1], 0.0, left[2]), state(right[0], right[1], 0.0, right[2]), WAVES)
        return float((found - exact_flux(state(rho, u, 0.0, p))).abs().max())

    sizes = [10, 20, 40, 80]
    assert observed_order([error(1 / n) for n in sizes], sizes) == pytest.approx(order, abs=0.15)
