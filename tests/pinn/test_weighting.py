"""Balancing of terms against what can be computed by hand."""

import pytest
import torch
from torch import Tensor, nn

from sciml.objective import GradNormWeights, Term
from sciml.pinn import AugmentedLagrangian, CausalWeights, NTKWeights, ResidualAttention, SelfAdaptive
from sciml.pinn.weighting.ntk import mean_trace


class Line(nn.Module):
    """$r(z) = a z + b$."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(1.5).double()), nn.Parameter(torch.tensor(-0.4).double())

    def forward(self, z: Tensor) -> Tensor:
        return self.a * z + self.b


def residual_term(residual: Tensor, points: Tensor | None = None) -> Term:
    return Term(residual.square(), points, residuals=residual)


def test_grad_norm_weights_of_gradients_in_ratio_ten_are_in_ratio_ten() -> None:
    line = Line()
    terms = {"g": Term(line.a.expand(2)), "ten": Term(10 * line.a.expand(2))}
    weighting = GradNormWeights(["g", "ten"]).double()
    weighting(terms, line)
    assert float(weighting.weights[0] / weighting.weights[1]) == pytest.approx(10)


def test_the_trace_of_the_tangent_kernel_is_that_of_the_jacobian() -> None:
    line, z = Line(), torch.linspace(-1, 2, 7).double()
    jacobian = torch.stack([z, torch.ones(7)], dim=1)
    assert float(mean_trace(residual_term(line(z)), list(line.parameters()), 7)) == pytest.approx(
        float(jacobian.square().sum(1).mean())
    )


def test_tangent_kernel_weights_balance_the_traces() -> None:
    line, z = Line(), torch.linspace(-1, 2, 7).double()
    weighting = NTKWeights(["one", "three"], points=7).double()
    weighting({"one": residual_term(line(z)), "three": residual_term(3 * line(z))}, line)
    assert float(weighting.weights[0] / weighting.weights[1]) == pytest.approx(9)


def test_attention_approaches_its_limit_at_the_largest_residual_and_less_elsewhere() -> None:
    weighting, points = ResidualAttention(decay=0.9, rate=0.1), torch.zeros(2, 1).double()
    term = residual_term(torch.tensor([1.0, 0.25]).double(), points)
    for _ in range(200):
        total = weighting({"pde": term}, nn.Identity())
    assert float(total) == pytest.approx((1.0**2 * 1 + 0.25**2 * 0.25**2) / 2, rel=1e-6)


def test_self_adaptive_weights_climb_where_the_residual_is_large() -> None:
    weighting, points = SelfAdaptive(rate=0.5), torch.zeros(2, 1).double()
    term = residual_term(torch.tensor([1.0, 0.0]).double(), points)
    weighting({"pde": term}, nn.Identity())
    assert weighting.state.of("pde", term).tolist() == [2.0, 1.0]


@pytest.mark.parametrize("cls", [ResidualAttention, SelfAdaptive])
def test_weights_of_points_start_anew_with_new_points(cls: type) -> None:
    weighting = cls()
    residual = torch.tensor([1.0, 0.5]).double()
    first = weighting({"pde": residual_term(residual, torch.zeros(2, 1).double())}, nn.Identity())
    weighting({"pde": residual_term(residual, torch.zeros(2, 1).double())}, nn.Identity())
    again = weighting({"pde": residual_term(residual, torch.ones(2, 1).double())}, nn.Identity())
    assert float(first) == float(again)


def test_the_augmented_lagrangian_finds_the_constrained_minimum() -> None:
    """Minimise x^2 + y^2 under x + y = 2: x = y = 1, multiplier -2."""
    x = nn.Parameter(torch.zeros(2).double())
    weighting = AugmentedLagrangian(["sum"], penalty=10.0, growth=1.0, every=1)
    optimizer = torch.optim.SGD([x], lr=0.04)
    for _ in range(10):
        for _ in range(12):
            optimizer.zero_grad()
            constraint = residual_term((x.sum() - 2).view(1), torch.zeros(1, 1).double())
            weighting.train(False)
            weighting({"loss": Term(2 * x.square()), "sum": constraint}, nn.Identity()).backward()
            optimizer.step()
        weighting.train(True)
        constraint = residual_term((x.sum() - 2).view(1), torch.zeros(1, 1).double())
        weighting({"loss": Term(2 * x.square()), "sum": constraint}, nn.Identity())
    assert torch.allclose(x.detach(), torch.ones(2).double(), atol=1e-6)
    assert float(weighting.multipliers.of("sum", constraint)) == pytest.approx(-2, abs=1e-5)


def test_causal_weights_hand_on_to_another_weighting() -> None:
    line, z = Line(), torch.linspace(0, 1, 8).double()[:, None]
    terms = {"pde": residual_term(line(z)[:, 0], z), "x-": residual_term(2 * line(z)[:, 0], z)}
    inner = NTKWeights(["pde", "x-"], points=8).double()
    total = CausalWeights(slices=4, tolerances=[0.1], weighting=inner)(terms, line)
    assert float(inner.weights[0] / inner.weights[1]) == pytest.approx(4)
    assert bool(torch.isfinite(total))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResidualAttention(decay=1.0), "decay=1.0"),
        (lambda: SelfAdaptive(power=0.5), "power=0.5"),
        (lambda: NTKWeights(["a"], points=0), "points=0"),
        (lambda: AugmentedLagrangian([]), r"constraints=\[\]"),
    ],
)
def test_bad_arguments_are_named(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
