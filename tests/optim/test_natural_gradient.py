"""Damped Gauss-Newton against the dense solution, on problems with known answers, and where trials fail."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from sciml.optim import NaturalGradient, jacobian


class Fit:
    """Sum of squares of given residuals of one parameter; the Jacobian by reverse mode."""

    def __init__(self, residuals, x: Tensor, **options) -> None:
        self.residuals, self.x, self.values = residuals, nn.Parameter(x), []
        self.optimizer = NaturalGradient([self.x], **options)
        self.optimizer.bind(self.linearize)

    def linearize(self) -> tuple[Tensor, Tensor]:
        x = self.x.detach()
        return self.residuals(x), torch.func.jacrev(self.residuals)(x)

    def closure(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.residuals(self.x).square().sum()
        loss.backward()
        self.values.append(float(loss.detach()))
        return loss

    def step(self) -> None:
        self.optimizer.step(self.closure)

    def now(self) -> float:
        return float(self.residuals(self.x.detach()).square().sum())


def matrix(rows: int, columns: int) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(("rows", "columns"), [(12, 5), (5, 12), (6, 6)])
def test_the_first_step_is_the_damped_least_squares_solution(rows, columns):
    a, b = matrix(rows, columns), matrix(rows, 1)[:, 0]
    fit = Fit(lambda x: a @ x - b, torch.zeros(columns, dtype=torch.float64), damping=1e-2)
    fit.step()
    smaller = a @ a.mT if rows < columns else a.mT @ a
    mu = 1e-2 * smaller.diagonal().mean()
    # Independent of both normal forms: the augmented system, by a QR decomposition.
    augmented = torch.cat([a, mu.sqrt() * torch.eye(columns, dtype=torch.float64)])
    right = torch.cat([b, torch.zeros(columns, dtype=torch.float64)])
    expected = torch.linalg.lstsq(augmented, right[:, None], driver="gelsd").solution[:, 0]
    torch.testing.assert_close(fit.x.detach(), expected, rtol=1e-9, atol=1e-11)


def rosenbrock(x: Tensor) -> Tensor:
    return torch.cat([10 * (x[1:] - x[:-1].square()), 1 - x[:-1]])


def test_rosenbrock_is_solved_to_rounding_in_a_few_steps():
    fit = Fit(rosenbrock, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    for _ in range(40):
        fit.step()
    assert fit.now() <= 1e-20


def test_steps_become_those_of_gauss_newton_with_quadratic_convergence():
    t = torch.linspace(0, 1, 20, dtype=torch.float64)
    exact = torch.tensor([2.0, -1.5], dtype=torch.float64)
    fit = Fit(lambda x: x[0] * (x[1] * t).exp() - exact[0] * (exact[1] * t).exp(), torch.ones(2, dtype=torch.float64))
    errors = []
    for _ in range(12):
        fit.step()
        errors.append(float((fit.x.detach() - exact).norm()))
    assert errors[-1] <= 1e-12
    small = next(i for i, e in enumerate(errors) if e < 1e-2)
    assert errors[small + 1] < 1e-2 * errors[small]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_trial_that_is_not_finite_is_halved(bad):
    # Not finite beyond 0.3: the full step to the minimum at 1 from -1 is not possible at once.
    def walled(x: Tensor) -> Tensor:
        return torch.where((x > 0.3) & (x < 0.9), torch.full_like(x, bad), x - 0.2)

    fit = Fit(walled, torch.full((3,), -1.0, dtype=torch.float64), lr=1.5)
    fit.step()
    assert any(not math.isfinite(v) for v in fit.values)
    for _ in range(30):
        fit.step()
    assert fit.now() <= 1e-12


def test_no_step_ends_above_its_beginning():
    # The Jacobian is that of another function: the direction is worth nothing.
    fit = Fit(lambda x: torch.sin(3 * x) + 2, torch.linspace(-1, 1, 4, dtype=torch.float64))
    wrong = matrix(4, 4)
    fit.optimizer.bind(lambda: (torch.sin(3 * fit.x.detach()) + 2, wrong))
    for _ in range(20):
        before = fit.now()
        fit.step()
        assert fit.now() <= before


def test_a_start_that_is_not_finite_stays_where_it_is():
    fit = Fit(lambda x: x * math.nan, torch.ones(3, dtype=torch.float64))
    fit.step()
    assert torch.equal(fit.x, torch.ones(3, dtype=torch.float64))


def test_a_run_goes_on_from_its_state_bit_by_bit():
    one = Fit(rosenbrock, torch.tensor([-1.2, 1.0] * 3, dtype=torch.float64))
    for _ in range(4):
        one.step()
    two = Fit(rosenbrock, one.x.detach().clone())
    two.optimizer.load_state_dict(copy.deepcopy(one.optimizer.state_dict()))
    for _ in range(4):
        one.step()
        two.step()
    assert torch.equal(one.x, two.x)
    assert one.optimizer.state_dict()["state"] == two.optimizer.state_dict()["state"]


def test_a_network_learns_poissons_equation_to_1e_6():
    # -u'' = pi^2 sin(pi x), u(0) = u(1) = 0 built in; the exact solution is sin(pi x).
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    points = torch.linspace(0.01, 0.99, 40, dtype=torch.float64)[:, None]

    def u(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return x * (1 - x) * torch.func.functional_call(network, parameters, (x[None],))[0]

    def residual(parameters: dict[str, Tensor], point: Tensor) -> Tensor:
        second = torch.func.grad(torch.func.grad(lambda x: u(parameters, x)))(point[0])
        return (second + math.pi**2 * torch.sin(math.pi * point[0])) / math.sqrt(len(points))

    def linearize() -> tuple[Tensor, Tensor]:
        return jacobian(residual, dict(network.named_parameters()), points)

    optimizer = NaturalGradient(network.parameters())
    optimizer.bind(linearize)
    each = torch.func.vmap(residual, in_dims=(None, 0))
    for _ in range(60):
        optimizer.step(lambda: each(dict(network.named_parameters()), points).square().sum())
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    found = torch.func.vmap(u, in_dims=(None, 0))({k: p.detach() for k, p in network.named_parameters()}, x)
    exact = torch.sin(math.pi * x)
    assert float((found - exact).norm() / exact.norm()) <= 1e-6


@pytest.mark.parametrize("chunk", [None, 3])
def test_a_jacobian_is_what_reverse_mode_gives_row_by_row(chunk):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    points = torch.randn(7, 2, dtype=torch.float64)
    parameters = dict(network.named_parameters())

    def f(p: dict[str, Tensor], z: Tensor) -> Tensor:
        return torch.func.functional_call(network, p, (z[None],))[0, 0]

    values, rows = jacobian(f, parameters, points, chunk=chunk)
    for value, row, point in zip(values, rows, points, strict=True):
        out = network(point[None])[0, 0]
        expected = torch.cat([g.flatten() for g in torch.autograd.grad(out, list(network.parameters()))])
        torch.testing.assert_close(value, out.detach())
        torch.testing.assert_close(row, expected)
    with pytest.raises(ValueError, match="points is empty"):
        jacobian(f, parameters, points[:0])


def test_a_loss_that_is_not_the_sum_of_squares_is_warned_about(caplog):
    fit = Fit(rosenbrock, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    fit.optimizer.bind(lambda: (2 * fit.linearize()[0], fit.linearize()[1]))
    fit.step()
    fit.step()
    assert caplog.text.count("is not the sum of squared residuals") == 1


def test_mistakes_are_named_in_one_line():
    x = nn.Parameter(torch.zeros(3, dtype=torch.float64))
    for options in ({"lr": 0.0}, {"damping": 1e-16}, {"halvings": -1}, {"attempts": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            NaturalGradient([x], **options)
    with pytest.raises(ValueError, match="call bind"):
        NaturalGradient([x]).step(lambda: x.sum())
    bound = NaturalGradient([x], memory_limit_gb=1e-9)
    bound.bind(lambda: (torch.zeros(4), torch.zeros(4, 2)))
    with pytest.raises(ValueError, match=r"shape \(4, 2\).*need \(4, 3\)"):
        bound.step(lambda: x.sum())
    bound.bind(lambda: (torch.zeros(4), torch.zeros(4, 3)))
    with pytest.raises(ValueError, match="memory_limit_gb"):
        bound.step(lambda: x.sum())
