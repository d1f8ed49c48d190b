"""Values carried through faces: order on smooth fields, bounds on rough ones."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.describe import build, describe
from sciml.solvers import CentralTransport, LimitedTransport, Transport


def face_values(transport: Transport, q: torch.Tensor, sign: float) -> torch.Tensor:
    return transport.values(q, torch.full_like(q[3:], sign), 0)


@pytest.mark.parametrize(("transport", "order"), [(CentralTransport(), 2), (LimitedTransport(), 2)])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_values_of_a_monotone_field_are_of_second_order(transport: Transport, order: int, sign: float) -> None:
    """Against point values; against means over cells the limited ones are of third order."""
    counts, errors = [64, 128, 256], []
    for n in counts:
        x = torch.arange(n, dtype=torch.float64) / n
        exact = torch.exp(x[1:-2] + 0.5 / n)
        errors.append(float((face_values(transport, torch.exp(x), sign) - exact).abs().max()))
    assert observed_order(errors, counts) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_limited_values_from_cell_means_are_of_third_order(sign: float) -> None:
    counts, errors = [16, 32, 64], []
    for n in counts:
        edges = torch.arange(n + 1, dtype=torch.float64) / n
        means = n * torch.exp(edges).diff()
        errors.append(float((face_values(LimitedTransport(), means, sign) - torch.exp(edges[2:-2])).abs().max()))
    assert observed_order(errors, counts) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_limited_values_lie_between_the_cells_beside_the_face(sign: float) -> None:
    q = torch.randn(200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = face_values(LimitedTransport(), q, sign)
    low, high = torch.minimum(q[1:-2], q[2:-1]), torch.maximum(q[1:-2], q[2:-1])
    assert bool(((found >= low - 1e-14) & (found <= high + 1e-14)).all())
    central = face_values(CentralTransport(), q, sign)
    assert torch.allclose(central, 0.5 * (q[1:-2] + q[2:-1]))


def test_upstream_follows_the_sign_of_the_speed() -> None:
    q = torch.tensor([0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    assert float(face_values(LimitedTransport(), q, 1.0)) == 0.0
    assert float(face_values(LimitedTransport(), q, -1.0)) == 1.0
    assert math.isclose(float(face_values(CentralTransport(), q, 1.0)), 0.5)


@pytest.mark.parametrize("transport", [CentralTransport(), LimitedTransport()])
def test_a_transport_survives_its_description(transport: Transport) -> None:
    assert type(build(describe(transport))) is type(transport)
