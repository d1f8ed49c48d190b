"""Reconstructions: exactness, order, and what happens at a jump."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.pdes.gas_dynamics import GasDynamics
from sciml.solvers import WENOJS, WENOZ

SCHEMES = pytest.mark.parametrize("scheme", [WENOZ(), WENOZ(power=2), WENOJS()], ids=["Z1", "Z2", "JS"])


def averages(primitive, n: int) -> torch.Tensor:
    """Averages over cells of a function with the given antiderivative, three ghost cells at both ends; `[0, 1]`."""
    edges = torch.arange(-3, n + 4, dtype=torch.float64) / n
    return primitive(edges).diff() * n


@SCHEMES
def test_a_parabola_is_reproduced_whatever_the_weights(scheme):
    q = averages(lambda x: x**3 - x**2 + 0.5 * x, 1)
    a, b, c, d, _ = q[1:].diff().unbind()
    value = q[3] + scheme.correction(*(x[None] for x in (q[1:6].diff())))
    assert float(value) == pytest.approx(3 - 2 + 0.5, abs=1e-12)
    assert len({float(x) for x in (a, b, c, d)}) > 1


@SCHEMES
def test_face_values_of_smooth_states_are_of_fifth_order(scheme):
    """Monotone data: at a critical point the classical weights lose an order, and so says their theory."""

    def error(n: int) -> float:
        rho = averages(lambda x: 2 * x + 0.5 * torch.exp(x), n)
        q = torch.stack([rho, 0 * rho + 0.3, 3 * rho])[None]
        left, right = scheme.faces(q, GasDynamics(1.4, 1))
        x = torch.arange(n + 1, dtype=torch.float64) / n
        exact = 2 + 0.5 * torch.exp(x)
        return float((left[0, 0] - exact).abs().max()) + float((right[0, 0] - exact).abs().max())

    counts = [10, 20, 40]
    assert observed_order([error(n) for n in counts], counts) == pytest.approx(scheme.order, abs=0.15)


@SCHEMES
def test_a_uniform_state_is_kept_to_the_last_bit(scheme):
    q = torch.tensor([1.1, 0.3, -0.7, 2.3], dtype=torch.float64).view(1, 4, 1, 1).expand(1, 4, 2, 12)
    left, right = scheme.faces(q, GasDynamics(1.4, 2))
    assert torch.equal(left, q[..., :7])
    assert torch.equal(right, q[..., :7])


@SCHEMES
def test_the_right_value_is_the_left_one_of_the_mirrored_cells(scheme):
    g = torch.Generator().manual_seed(0)
    rho = 1 + torch.rand(12, dtype=torch.float64, generator=g)
    q = torch.stack([rho, 0.2 * rho.flip(0), 3 * rho])[None]
    mirror = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64).view(1, 3, 1)
    _, right = scheme.faces(q, GasDynamics(1.4, 1))
    other, _ = scheme.faces((mirror * q).flip(-1), GasDynamics(1.4, 1))
    torch.testing.assert_close(right, (mirror * other).flip(-1), rtol=1e-13, atol=1e-13)


@SCHEMES
def test_a_jump_is_not_overshot_by_more_than_a_trace(scheme):
    rho = torch.ones(16, dtype=torch.float64)
    rho[8:] = 0.125
    q = torch.stack([rho, 0 * rho, rho])[None]
    for side in scheme.faces(q, GasDynamics(1.4, 1)):
        assert float(side[0, 0].max()) <= 1 + 1e-3
        assert float(side[0, 0].min()) >= 0.125 - 1e-3


def test_the_weights_of_the_z_scheme_are_closer_to_the_optimal_ones():
    x = torch.linspace(0.1, 0.2, 6, dtype=torch.float64)
    roughness = [torch.sin(k * x).diff().square() for k in (1.0, 1.1, 1.2)]

    def distance(scheme) -> float:
        weights = torch.stack(scheme.weights(*roughness))
        return float((weights / weights.sum(0) - torch.tensor(scheme.optimal).double()[:, None]).abs().max())

    assert distance(WENOZ(power=2)) < distance(WENOZ()) < distance(WENOJS(epsilon=1e-40))


def test_a_power_that_is_neither_one_nor_two_is_refused():
    with pytest.raises(ValueError, match="power=3"):
        WENOZ(power=3)
    assert math.isfinite(WENOZ().epsilon)
