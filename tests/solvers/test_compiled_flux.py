"""Compiled loops against the tensor operations that they stand for."""

import pytest
import torch

from sciml.fields import Grid
from sciml.pdes import Euler, Problem
from sciml.pdes.gas_dynamics import GasDynamics
from sciml.solvers import HLLC, HLLE, WENOJS, WENOZ, FiniteVolume, PositivityLimiter
from sciml.solvers.compiled_flux import CompiledFaceFlux
from sciml.solvers.face_flux import FaceFlux

pytest.importorskip("numba")


def rough(*shape: int, dimensions: int, tracers: int = 0, samples: int = 2) -> torch.Tensor:
    """Random conserved states, with jumps of a factor of fifty and velocities of either sign."""
    g = torch.Generator().manual_seed(0)
    rho, p = (0.02 + torch.rand(2, samples, *shape, generator=g, dtype=torch.float64)).unbind(0)
    v = 6 * torch.rand(dimensions, samples, *shape, generator=g, dtype=torch.float64) - 3
    carried = torch.rand(tracers, samples, *shape, generator=g, dtype=torch.float64)
    energy = p / 0.4 + 0.5 * rho * (v * v).sum(0)
    return torch.stack([rho, *(rho * v), energy, *(rho * carried)], dim=1)


@pytest.mark.parametrize("positivity", [PositivityLimiter(), PositivityLimiter(floor=0.3), None])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(("shape", "dimensions", "tracers"), [((21,), 1, 0), ((21,), 2, 1), ((11, 17), 2, 0)])
def test_the_fluxes_are_equal_to_rounding(shape, dimensions, tracers, power, positivity):
    q = rough(*shape, dimensions=dimensions, tracers=tracers)
    # Smooth rows as well, which the correction along the faces acts on.
    q[1] = q[1].mean(dim=tuple(range(1, q[1].ndim)), keepdim=True) + 0.01 * q[1]
    gamma = torch.tensor([1.4, 1.2], dtype=torch.float64).view(2, *[1] * len(shape))
    waves, parts = GasDynamics(gamma, dimensions, tracers), (WENOZ(power=power), HLLC(), positivity)
    if positivity is None:
        q[0] = q[1] * 1.1
    expected, found = FaceFlux(*parts)(q, waves), CompiledFaceFlux(*parts)(q, waves)
    assert found.shape == expected.shape
    assert bool(torch.isfinite(expected).all())
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("parts", [(WENOJS(), HLLC(), None), (WENOZ(), HLLE(), None)])
def test_other_schemes_take_the_tensor_operations(parts):
    q, waves = 1 + 0.1 * rough(20, dimensions=1), GasDynamics(1.4, 1)
    assert torch.equal(CompiledFaceFlux(*parts)(q, waves), FaceFlux(*parts)(q, waves))


def test_gradients_go_through_the_tensor_operations():
    q, waves = (1 + 0.1 * rough(20, dimensions=1)).requires_grad_(), GasDynamics(1.4, 1)
    assert CompiledFaceFlux(WENOZ(), HLLC(), None)(q, waves).requires_grad


def test_a_whole_solution_is_equal_to_rounding():
    g = torch.Generator().manual_seed(1)
    u = 0.3 + torch.rand(2, 4, 10, 9, generator=g, dtype=torch.float64)
    problem = Problem(Euler(), Grid.periodic(10, 9), u, times=[0.0, 0.05])
    with_it, without = (FiniteVolume(compiled=c).solve(problem).u for c in (True, False))
    torch.testing.assert_close(with_it, without, rtol=1e-11, atol=1e-11)
