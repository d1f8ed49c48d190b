"""Positivity: near vacuum, huge pressure ratios, and no effect where nothing is at stake."""

import pytest
import torch

from sciml.fields import Boundaries, Grid, Outflow
from sciml.pdes import Euler, Problem
from sciml.pdes.exact import EntropyShearWave, ExactRiemann, Side
from sciml.pdes.gas_dynamics import GasDynamics
from sciml.solvers import FiniteVolume, PositivityLimiter
from sciml.status import Status

#: Near vacuum (Toro's second test, then twice as fast apart), and Leblanc's shock tube, ten orders of pressure.
HARD = {
    "double rarefaction": (ExactRiemann(Side(1.0, -2.0, 0.4), Side(1.0, 2.0, 0.4), position=0.5), 0.15),
    "nearly a vacuum": (ExactRiemann(Side(1.0, -3.7, 0.4), Side(1.0, 3.7, 0.4), position=0.5), 0.08),
    "Leblanc": (ExactRiemann(Side(2.0, 0.0, 1e9), Side(1e-3, 0.0, 1.0), position=0.4), 5e-6),
}


def tube(exact: ExactRiemann, time: float, n: int = 50) -> Problem:
    return Problem(
        Euler(gamma=exact.gamma),
        Grid.cells(n),
        exact.initial(),
        boundary=Boundaries({"all": Outflow()}),
        times=[0.0, time],
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", HARD)
def test_density_and_pressure_stay_positive_and_close_to_the_exact_solution(name):
    exact, time = HARD[name]
    problem = tube(exact, time, 100)
    trajectory = FiniteVolume().solve(problem)
    assert trajectory.status.tolist() == [int(Status.SUCCESS)]
    density, _, pressure = trajectory.u[0, -1]
    assert float(density.min()) > 0
    assert float(pressure.min()) > 0
    (x,) = problem.domain.meshgrid()
    error = float((density - exact(x, time)[0]).abs().mean())
    assert error < 0.03 * max(exact.left.density, exact.right.density)


def test_without_the_limiter_a_sample_fails_and_says_where():
    exact, _ = HARD["nearly a vacuum"]
    trajectory = FiniteVolume(positivity=None).solve(tube(exact, 0.02))
    assert trajectory.status.tolist() == [int(Status.NON_FINITE)]
    blowup = trajectory.blowups[0]
    assert blowup.field in ("density", "pressure")
    assert 0 < blowup.time < 0.02
    assert abs(blowup.cell[0] - 25) < 5
    assert blowup.reason == "not positive"


def test_smooth_positive_flow_is_left_alone_to_the_last_bit():
    wave = EntropyShearWave(pressure=1.0)
    problem = wave.problem(12, 12, times=[0.0, 0.02])
    with_it, without = (FiniteVolume(positivity=p).solve(problem).u for p in (PositivityLimiter(), None))
    assert torch.equal(with_it, without)


def test_face_values_are_drawn_to_the_average_no_further_than_positivity_asks_for():
    waves, mean = GasDynamics(1.4, 1), torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64).view(1, 3, 1)
    limiter = PositivityLimiter(floor=1e-3)
    good = torch.tensor([0.5, 0.5, 2.0], dtype=torch.float64).view(1, 3, 1)
    assert torch.equal(limiter.scale(good, mean, waves), mean + (good - mean))
    for bad in ([-1.0, 0.5, 2.0], [1.0, 3.0, 2.0], [1.0, 0.5, -1.0], [-0.1, 5.0, -4.0]):
        face = torch.tensor(bad, dtype=torch.float64).view(1, 3, 1)
        scaled = limiter.scale(face, mean, waves)
        for part, floor in zip(waves.positive(scaled), waves.positive(mean), strict=True):
            assert float(part) >= 1e-3 * float(floor) * (1 - 1e-9)
        share = (scaled - mean) / (face - mean)
        assert 0 < float(share[torch.isfinite(share)].min()) < 1


def test_limited_fluxes_keep_the_halves_of_a_cell_positive_where_wild_ones_do_not():
    g, waves, limiter = torch.Generator().manual_seed(0), GasDynamics(1.4, 1), PositivityLimiter()
    rho, p = 0.01 + torch.rand(2, 40, generator=g, dtype=torch.float64)
    u = 4 * torch.rand(40, generator=g, dtype=torch.float64) - 2
    q = torch.stack([rho, rho * u, p / 0.4 + 0.5 * rho * u * u])[None]
    wild = 5 * torch.randn(1, 3, 39, generator=g, dtype=torch.float64)
    flow = waves.flow(q)
    ratio = torch.full((1, 1), 0.5 / float((flow.velocity.abs() + flow.sound).max()), dtype=torch.float64)

    def after(flux: torch.Tensor) -> torch.Tensor:
        return q[..., 1:-1] - ratio[:, None] * flux.diff(dim=-1)

    assert not bool(waves.admissible(after(wild)))
    assert bool(waves.admissible(after(limiter.fluxes(wild, q, ratio, waves))))


def test_a_floor_outside_the_unit_interval_is_refused():
    with pytest.raises(ValueError, match=r"floor=1\.5"):
        PositivityLimiter(floor=1.5)
