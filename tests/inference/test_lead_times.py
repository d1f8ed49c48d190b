"""Lead-time networks with the semigroup property: one long step, many short ones and unequal ones agree."""

import math

import pytest
import torch
from torch import Tensor, nn

from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.inference import Surrogate, SurrogateSpec


class HeatPropagator(nn.Module):
    r"""The exact solution map of $u_t = \kappa\Delta u$ on a periodic square of side 1: $S(s)\,S(t) = S(s + t)$."""

    accepts = frozenset({"time"})

    def __init__(self, conductivity: float) -> None:
        super().__init__()
        self.conductivity = nn.Parameter(torch.tensor(conductivity, dtype=torch.float64))

    def forward(self, u: Tensor, *, time: Tensor) -> Tensor:
        n = u.shape[-1]
        k = 2 * math.pi * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
        decay = torch.exp(-self.conductivity * (k[:, None] ** 2 + k[None] ** 2) * time[:, None, None, None])
        return torch.fft.ifft2(torch.fft.fft2(u) * decay).real


def surrogate() -> Surrogate:
    grid = Grid.periodic(16, 16, low=0.0, high=1.0)
    spec = SurrogateSpec((FieldSpec("u"),), grid, Boundaries.periodic(), dt=0.1, any_dt=True, shortest=0.001)
    return Surrogate(HeatPropagator(0.02), spec)


def initial() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 1, 16, 16, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_direct_and_autoregressive_inference_agree(steps: int) -> None:
    model, u = surrogate(), initial()
    direct = model(u, lead=0.1)
    trajectory = model.rollout(u, torch.linspace(0.0, 0.1, steps + 1, dtype=torch.float64))
    assert (trajectory.u[:, -1] - direct).abs().max() <= 1e-12


def test_an_explicit_list_of_unequal_steps_agrees_too_and_shows_each_time() -> None:
    model, u = surrogate(), initial()
    times = [0.0, 0.01, 0.04, 0.05, 0.1]
    trajectory = model.rollout(u, times)
    assert trajectory.u.shape[1] == len(times)
    for k, time in enumerate(times[1:], start=1):
        assert (trajectory.u[:, k] - model(u, lead=time)).abs().max() <= 1e-12


def test_steps_that_were_not_trained_are_refused() -> None:
    with pytest.raises(ValueError, match=r"dt=0.2 lies outside the lead times of the training, 0.001 to 0.1"):
        surrogate()(initial(), lead=0.2)
