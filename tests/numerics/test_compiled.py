"""Compiled residuals: the same numbers and gradients as the eager ones, coefficients included."""

import pytest
import torch
from torch import nn

from sciml.fields import Grid
from sciml.numerics import Compiled, jet_functions
from sciml.pdes import Burgers, Problem


@pytest.mark.slow
def test_a_compiled_residual_has_the_values_and_gradients_of_the_eager_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jet_functions, "LARGE", 16)
    torch.manual_seed(0)
    viscosity = nn.Parameter(torch.tensor(0.3, dtype=torch.float64))
    wave = lambda x: torch.sin(x)  # noqa: E731
    problem = Problem(Burgers(), Grid.periodic(8), wave, parameters={"viscosity": viscosity}, times=[0.0, 1.0])
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    points = torch.rand(5, 2, dtype=torch.float64)
    compiled = Compiled(problem.network_residual)
    for at in (points, 0.5 * points):
        ours, eager = compiled(net, at)["u"], problem.network_residual(net, at)["u"]
        assert torch.allclose(ours, eager, rtol=1e-12, atol=1e-13)
        trained = [viscosity, *net.parameters()]
        found, expected = (torch.autograd.grad(r.square().mean(), trained, allow_unused=True) for r in (ours, eager))
        for a, b in zip(found, expected, strict=True):
            assert (a is None or not a.any()) if b is None else torch.allclose(a, b, rtol=1e-10, atol=1e-13)
