"""Self-scaled Broyden against its published behaviour, its defining equations, and everything that may go wrong."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from sciml.optim import BFGS, LogLoss, RootLoss, SSBroyden, StrongWolfe

EIGENVALUES = torch.logspace(0, 6, 50, dtype=torch.float64)


def quadratic(x: Tensor) -> Tensor:
    return 0.5 * (EIGENVALUES * x.square()).sum()


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1].square()).square() + (1 - x[:-1]).square()).sum()


def ones() -> nn.Parameter:
    return nn.Parameter(torch.ones(50, dtype=torch.float64))


def valley() -> nn.Parameter:
    return nn.Parameter(torch.tensor([-1.2, 1.0] * 5, dtype=torch.float64))


class Problem:
    """A function of one parameter as a closure that remembers what it saw."""

    def __init__(self, function, x: nn.Parameter, cls=SSBroyden, **options) -> None:
        self.function, self.x, self.values = function, x, []
        self.optimizer = cls([x], **options)

    def closure(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.function(self.x)
        loss.backward()
        self.values.append(float(loss.detach()))
        return loss

    def step(self) -> Tensor:
        return self.optimizer.step(self.closure)

    def gradient(self) -> Tensor:
        return torch.autograd.grad(self.function(self.x), self.x)[0]

    def now(self) -> float:
        return float(self.function(self.x.detach()))


def test_a_quadratic_of_condition_1e6_is_solved_in_250_iterations():
    problem = Problem(quadratic, ones(), iterations=249)
    problem.step()
    assert float(problem.gradient().norm()) <= 1e-7


def test_rosenbrock_is_solved_in_150_iterations():
    problem = Problem(rosenbrock, valley(), iterations=149)
    problem.step()
    assert problem.now() <= 1e-9


@pytest.mark.parametrize("transform", [LogLoss(), RootLoss()])
def test_rosenbrock_is_solved_through_a_transform_too(transform):
    problem = Problem(rosenbrock, valley(), iterations=149, transform=transform)
    problem.step()
    assert problem.now() <= 1e-8


@pytest.mark.parametrize("cls", [SSBroyden, BFGS])
@pytest.mark.parametrize(("function", "start"), [(quadratic, ones), (rosenbrock, valley)])
def test_the_secant_equation_holds_after_every_update(function, start, cls):
    problem = Problem(function, start(), cls, iterations=1)
    updates = 0
    for _ in range(60):
        x, g = problem.x.detach().clone(), problem.gradient()
        problem.step()
        s, y, h = problem.x.detach() - x, problem.gradient() - g, problem.optimizer.inverse_hessian
        if problem.optimizer.state[problem.x]["updates"] == updates:
            continue
        updates += 1
        assert float((h @ y - s).norm()) <= 1e-10 * float(s.norm())
        assert float((h - h.mT).abs().max()) <= 1e-12 * float(h.abs().max())
        assert float(torch.linalg.eigvalsh((h + h.mT) / 2).min()) > 0
    assert updates >= 50


def literal(h, s, y, g, alpha, first):
    """The update as it is printed, with whole matrices."""
    n = len(s)
    ys, yhy = y @ s, y @ h @ y
    hh, b = yhy / ys, -alpha * (s @ g) / ys
    a = hh * b - 1
    c = (a.abs() / (1 + a)).sqrt()
    low = torch.minimum(torch.ones(()), hh * (1 - c))
    theta = torch.maximum((low - 1) / a, torch.minimum(1 / low, (1 - b) / b))
    sigma = 1 + theta * a
    phi = (1 - theta) / sigma
    power = sigma.abs() ** (1 / (1 - n))
    if first:
        tau = hh / sigma
    elif theta > 0:
        tau = torch.minimum(torch.ones(()), 1 / b) * torch.minimum(power, 1 / theta)
    else:
        tau = torch.minimum(torch.minimum(torch.ones(()), 1 / b) * power, sigma)
    v = s / ys - h @ y / yhy
    change = -torch.outer(h @ y, h @ y) / yhy + phi * yhy * torch.outer(v, v)
    return (h + change) / tau + torch.outer(s, s) / ys


def test_every_update_is_the_printed_one():
    problem = Problem(rosenbrock, valley(), iterations=1)
    for k in range(40):
        x, g, h = problem.x.detach().clone(), problem.gradient(), problem.optimizer.inverse_hessian.clone()
        problem.step()
        s, y = problem.x.detach() - x, problem.gradient() - g
        alpha = s.norm() / (h @ g).norm()
        torch.testing.assert_close(
            problem.optimizer.inverse_hessian, literal(h, s, y, g, alpha, k == 0), rtol=1e-8, atol=1e-10
        )


@pytest.mark.parametrize("h", [1e-12, 0.3, 1.0, 1e12])
@pytest.mark.parametrize("excess", [0.0, 1e-18, 1e-3, 1.0, 1e20])
def test_the_update_stays_positive_definite_for_any_curvature(h, excess):
    # H is positive definite as long as phi > -1 / (h b - 1), tau > 0, and both are finite.
    optimizer, b = SSBroyden([ones()]), (1 + excess) / h
    for size, first in ((1, False), (2, False), (50, False), (50, True)):
        member = optimizer._member(h, b, size, first)
        assert 0 < member.tau < math.inf
        assert math.isfinite(member.phi)
        assert member.phi * excess > -1


def test_many_iterations_in_one_call_are_as_many_calls():
    one, many = Problem(rosenbrock, valley(), iterations=1), Problem(rosenbrock, valley(), iterations=20)
    for _ in range(20):
        one.step()
    many.step()
    # Rounding apart: within a call, changes wait before they are written into the matrix.
    torch.testing.assert_close(one.x, many.x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(one.optimizer.inverse_hessian, many.optimizer.inverse_hessian, rtol=1e-7, atol=1e-9)


def test_bfgs_is_the_textbook_update():
    problem = Problem(rosenbrock, valley(), BFGS, iterations=1)
    for k in range(20):
        x, g, h = problem.x.detach().clone(), problem.gradient(), problem.optimizer.inverse_hessian.clone()
        problem.step()
        s, y = problem.x.detach() - x, problem.gradient() - g
        h = h * (y @ s) / (y @ y) if k == 0 else h
        left = torch.eye(10, dtype=torch.float64) - torch.outer(s, y) / (y @ s)
        expected = left @ h @ left.mT + torch.outer(s, s) / (y @ s)
        torch.testing.assert_close(problem.optimizer.inverse_hessian, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("where", ["value", "gradient"])
def test_trials_that_are_not_finite_shrink_the_step_and_the_minimum_is_found(where):
    def walled(x: Tensor) -> Tensor:
        # Below 0.9 the logarithm is not a number, or has no gradient; the minimum is at 1.
        edge = x.min().detach() < 0.9
        bad = (x - x.detach()).abs().sqrt().sum() if where == "gradient" else torch.tensor(math.nan)
        return (EIGENVALUES[:20] * (x - 1).square()).sum() + (bad if edge else 0.0)

    problem = Problem(walled, nn.Parameter(torch.full((20,), 30.0, dtype=torch.float64)), iterations=400)
    problem.step()
    assert problem.now() <= 1e-9
    if where == "value":
        assert any(math.isnan(v) for v in problem.values)


@pytest.mark.parametrize("function", [quadratic, lambda x: (x.sin() * EIGENVALUES).sum()])
def test_no_call_ends_above_its_beginning(function):
    # The function changes between the calls, as it does when points are drawn anew: the curvature is of no use then.
    generator = torch.Generator().manual_seed(0)
    x = ones()
    problem = Problem(function, x, iterations=3)
    for _ in range(30):
        shift = torch.randn(50, generator=generator, dtype=torch.float64)
        problem.function = lambda z, shift=shift: function(z - shift)
        before = problem.now()
        problem.step()
        assert problem.now() <= before


def test_a_start_that_is_not_finite_stays_where_it_is():
    problem = Problem(lambda x: quadratic(x) * math.nan, ones())
    assert problem.step().isnan()
    assert torch.equal(problem.x, torch.ones(50, dtype=torch.float64))
    assert len(problem.values) == 1


def test_a_minimum_is_left_as_it_is():
    problem = Problem(quadratic, nn.Parameter(torch.zeros(50, dtype=torch.float64)))
    problem.step()
    assert torch.equal(problem.x, torch.zeros(50, dtype=torch.float64))


def test_a_spoilt_inverse_hessian_is_begun_again():
    problem = Problem(quadratic, ones(), iterations=5)
    problem.step()
    problem.optimizer.inverse_hessian.neg_()
    before = problem.now()
    problem.step()
    assert problem.now() < before
    assert problem.optimizer.state[problem.x]["updates"] == 5


def test_a_search_that_finds_nothing_lower_leaves_the_inverse_hessian_for_the_next_points():
    problem = Problem(quadratic, ones(), iterations=5)
    problem.step()
    kept = problem.optimizer.inverse_hessian.clone()
    x = problem.x.detach().clone()
    # The value never falls, whatever the gradient says.
    problem.function = lambda z: 1 + quadratic(z) - quadratic(z).detach()
    problem.step()
    assert torch.equal(problem.x, x)
    assert torch.equal(problem.optimizer.inverse_hessian, kept)


def test_a_run_goes_on_from_its_state_bit_by_bit():
    one = Problem(rosenbrock, valley(), iterations=7)
    one.step()
    two = Problem(rosenbrock, nn.Parameter(one.x.detach().clone()), iterations=7)
    two.optimizer.load_state_dict(copy.deepcopy(one.optimizer.state_dict()))
    for problem in (one, two):
        problem.step()
    assert torch.equal(one.x, two.x)
    assert torch.equal(one.optimizer.inverse_hessian, two.optimizer.inverse_hessian)
    assert one.optimizer.state[one.x]["evaluations"] == two.optimizer.state[two.x]["evaluations"]


def test_the_memory_that_is_missing_is_named_before_it_is_taken():
    # 10^6 parameters would need 8 TB, which nothing here could give.
    with pytest.raises(ValueError, match=r"1000000 parameters needs 8e\+03 GB, more than memory_limit_gb=8"):
        SSBroyden([nn.Parameter(torch.zeros(1000, 1000, dtype=torch.float64))])


def test_single_precision_is_warned_about_and_works(caplog):
    problem = Problem(rosenbrock, nn.Parameter(valley().detach().float()), iterations=149)
    problem.step()
    assert "float64" in caplog.text
    assert problem.now() <= 1e-5
    assert problem.optimizer.inverse_hessian.dtype == torch.float32


@pytest.mark.parametrize(
    ("params", "options", "message"),
    [
        ([torch.zeros(2)], {"iterations": 0}, "iterations=0"),
        ([torch.zeros(2)], {"lr": 0.0}, "lr=0"),
        ([torch.zeros(2), torch.zeros(2, dtype=torch.float64)], {}, "float32 on cpu, torch.float64 on cpu"),
        ([torch.zeros(2, dtype=torch.complex64)], {}, "complex64"),
    ],
)
def test_arguments_that_cannot_work_are_refused(params, options, message):
    with pytest.raises(ValueError, match=message) as raised:
        SSBroyden([nn.Parameter(p) for p in params], **options)
    assert "\n" not in str(raised.value)


def test_several_groups_are_one_vector():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1)).double()
    x = torch.randn(40, 2, dtype=torch.float64)
    groups = [{"params": list(network[0].parameters())}, {"params": list(network[2].parameters())}]
    optimizer = SSBroyden(groups, iterations=300, search=StrongWolfe(c2=0.5))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (network(x)[:, 0] - x[:, 0] * x[:, 1]).square().mean()
        loss.backward()
        return loss

    first = float(optimizer.step(closure).detach())
    assert float(closure().detach()) < 1e-3 * first
