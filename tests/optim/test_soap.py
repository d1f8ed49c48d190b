"""SOAP is Adam in a basis: in the identity step for step, and in any other one after a rotation of everything."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sciml.optim import SOAP
from sciml.optim.soap import rotate


def network(dtype=torch.float64) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 1)).to(dtype)


def steps(optimizer: torch.optim.Optimizer, model: nn.Module, count: int = 25, first: int = 0) -> float:
    for k in range(first, first + count):
        x = torch.randn(16, 3, generator=torch.Generator().manual_seed(k), dtype=torch.float64)
        optimizer.zero_grad()
        loss = (model(x)[:, 0] - x.prod(dim=1)).square().mean()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def equal(one: nn.Module, other: nn.Module, **tolerance) -> bool:
    pairs = list(zip(one.parameters(), other.parameters(), strict=True))
    return all(torch.allclose(p, q, **tolerance) if tolerance else torch.equal(p, q) for p, q in pairs)


def test_with_identity_bases_it_is_adam_step_for_step():
    ours, theirs = network(), network()
    adam = torch.optim.Adam(theirs.parameters(), lr=1e-2, betas=(0.9, 0.99))
    soap = SOAP(ours.parameters(), lr=1e-2, betas=(0.9, 0.99), longest=0)
    for k in range(25):
        steps(soap, ours, 1, k)
        steps(adam, theirs, 1, k)
        assert equal(ours, theirs, rtol=0, atol=1e-15)


def test_between_two_refreshes_it_is_adam_on_the_rotated_parameter():
    # f(W) = f(Q_L W' Q_R^T): Adam on W' makes the steps of SOAP on W, as long as the bases stay.
    torch.manual_seed(0)
    weight, target = (torch.randn(4, 3, dtype=torch.float64) for _ in range(2))
    ours = nn.Parameter(weight.clone())
    soap = SOAP([ours], lr=1e-2, refresh=1000)

    def backward(w: Tensor) -> Tensor:
        return ((w - target).square() * torch.arange(1, 13).view(4, 3)).sum()

    def step(optimizer, parameter, matrix) -> None:
        optimizer.zero_grad()
        backward(matrix(parameter)).backward()
        optimizer.step()

    step(soap, ours, lambda w: w)
    state = soap.state[ours]
    left, right = state["rows_basis"].clone(), state["columns_basis"].clone()
    rotated = nn.Parameter(rotate(ours.detach(), state))
    adam = torch.optim.Adam([rotated], lr=1e-2, betas=(0.99, 0.999))
    step(adam, rotated, lambda w: w)  # makes the state, which is then replaced
    with torch.no_grad():
        rotated.copy_(rotate(ours.detach(), state))
    adam.state[rotated].update(exp_avg=state["first"].clone(), exp_avg_sq=state["second"].clone())
    for _ in range(20):
        step(soap, ours, lambda w: w)
        step(adam, rotated, lambda w: left @ w @ right.mT)
    torch.testing.assert_close(ours.detach(), left @ rotated.detach() @ right.mT, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 4), (3, 6, 4)])
def test_a_refresh_leaves_the_first_moment_what_it_was(shape):
    torch.manual_seed(0)
    p = nn.Parameter(torch.randn(shape, dtype=torch.float64))
    optimizer, expected, betas = (
        SOAP([p], refresh=2, betas=(0.9, 0.95)),
        torch.zeros(shape, dtype=torch.float64),
        (0.9, 0.95),
    )
    for _ in range(9):
        p.grad = torch.randn(shape, dtype=torch.float64)
        expected = betas[0] * expected + (1 - betas[0]) * p.grad
        optimizer.step()
        state = optimizer.state[p]
        torch.testing.assert_close(rotate(state["first"], state, back=True), expected, rtol=1e-12, atol=1e-14)
        for side in ("rows", "columns"):
            q = state[f"{side}_basis"]
            torch.testing.assert_close(q.mT @ q, torch.eye(q.shape[-1]).to(q).expand_as(q), rtol=0, atol=1e-12)


def test_the_bases_become_the_eigenvectors_of_the_averages():
    torch.manual_seed(0)
    p = nn.Parameter(torch.zeros(5, 4, dtype=torch.float64))
    left, right = torch.randn(5, 5, dtype=torch.float64), torch.randn(4, 4, dtype=torch.float64)
    optimizer = SOAP([p], refresh=1)
    for _ in range(400):
        p.grad = left @ torch.randn(5, 4, dtype=torch.float64) @ right
        optimizer.step()
    for _ in range(200):
        p.grad = torch.zeros_like(p)  # the averages keep their eigenvectors
        optimizer.step()
    state = optimizer.state[p]
    for side in ("rows", "columns"):
        q, average = state[f"{side}_basis"], state[f"{side}_average"]
        diagonal = q.mT @ average @ q
        assert float((diagonal - diagonal.diag().diag()).abs().max()) <= 1e-6 * float(diagonal.abs().max())


def test_it_falls_faster_than_adam_where_the_axes_are_mixed():
    torch.manual_seed(0)
    a, b = (torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64)).Q for _ in range(2))
    scale = torch.logspace(0, 2, 8, dtype=torch.float64)

    def final(cls, **options) -> float:
        w = nn.Parameter(a.mT @ torch.ones(8, 8, dtype=torch.float64) @ b.mT)  # one off the minimum in every direction
        optimizer = cls([w], lr=1e-2, **options)
        for _ in range(400):
            optimizer.zero_grad()
            loss = ((a @ w @ b) * scale[:, None] * scale).square().mean()
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    assert final(SOAP, betas=(0.9, 0.999)) < 0.1 * final(torch.optim.Adam)


def test_a_run_goes_on_from_its_state_bit_by_bit():
    one, two = network(), network()
    first = SOAP(one.parameters(), refresh=3)
    steps(first, one, 10)
    two.load_state_dict(one.state_dict())
    second = SOAP(two.parameters(), refresh=3)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    steps(first, one, 10, 10)
    steps(second, two, 10, 10)
    assert equal(one, two)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"lr": 0.0}, "lr=0"), ({"betas": (0.9, 1.0)}, "betas="), ({"refresh": 0}, "refresh=0"), ({"longest": -1}, "-1")],
)
def test_arguments_that_cannot_work_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SOAP(network().parameters(), **options)
    with pytest.raises(ValueError, match="complex"):
        SOAP([nn.Parameter(torch.zeros(2, dtype=torch.complex64))])
