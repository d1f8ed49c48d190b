"""Linear parts that couple components: exact propagation, and the fast path where nothing is coupled."""

import math
from dataclasses import dataclass

import pytest
import torch
from helpers import observed_order

from sciml.fields import FieldSpec, Grid, ParameterSpec
from sciml.pdes import GrayScott, Problem, Schroedinger, SemilinearPDE
from sciml.pdes.exact import EnvelopeSoliton, StandingWave
from sciml.solvers import ETDRK4
from sciml.solvers.spectrum import FourierDerivatives
from sciml.solvers.symbols import Symbol

TAU = 2 * math.pi


@dataclass(frozen=True)
class UniformWave(SemilinearPDE):
    """u_t = v, v_t = c^2 lap(u): at k = 0 a matrix without a second eigenvector."""

    speed: float = 1.0
    fields = (FieldSpec("u"), FieldSpec("v"))
    parameters = (ParameterSpec("speed"),)

    def linear(self, u, d, p):
        return {"u": u["v"] * 1.0, "v": p.speed**2 * d.laplacian(u["u"])}


def test_a_free_wave_packet_spreads_exactly_whatever_the_step():
    """Every mode of i h_t + d h_xx = 0 turns by exp(-i d k^2 t)."""
    n, d, t = 128, 0.5, 3.0
    x = torch.arange(n, dtype=torch.float64) / n * TAU
    h = torch.exp(torch.complex(torch.cos(x) * 3.0, torch.sin(x) * 2.0))
    h = torch.fft.ifft(torch.fft.fft(h) * (torch.fft.fftfreq(n, 1 / n).abs() < n / 3))
    k = torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    exact = torch.fft.ifft(torch.exp(-1j * d * k**2 * t) * torch.fft.fft(h))
    problem = Problem(
        Schroedinger(dispersion=d, focusing=0.0), Grid.periodic(n, high=TAU),
        torch.stack([h.real, h.imag]), times=[0.0, t],
    )  # fmt: skip
    u = ETDRK4(dt=t).solve(problem).u[0, -1]
    assert float((torch.complex(u[0], u[1]) - exact).abs().max() / exact.abs().max()) < 1e-12


def test_a_wave_and_its_drifting_mean_are_exact_whatever_the_step():
    """u = a + bt + sin(kx) cos(ckt): the mean has the defective matrix [[0, 1], [0, 0]]."""
    c, k, t = 1.3, 5.0, 2.7
    problem = Problem(
        UniformWave(c), Grid.periodic(32, high=TAU),
        {"u": lambda x: 0.3 + torch.sin(k * x), "v": lambda x: 0.2 + 0 * x}, times=[0.0, t],
    )  # fmt: skip
    (x,) = problem.domain.meshgrid()
    u, v = ETDRK4(dt=t).solve(problem).u[0, -1]
    phase = c * k * t
    torch.testing.assert_close(u, 0.3 + 0.2 * t + torch.sin(k * x) * math.cos(phase), rtol=0, atol=1e-13)
    torch.testing.assert_close(v, 0.2 - c * k * torch.sin(k * x) * math.sin(phase), rtol=0, atol=1e-12)


def test_a_standing_wave_in_two_dimensions_is_exact():
    exact = StandingWave()
    problem = exact.problem(16, 12)
    uniform = Problem(UniformWave(exact.speed), problem.domain, problem.initial_state(), times=problem.times)
    u = ETDRK4(dt=0.5).solve(uniform).u[0]
    for i, t in enumerate(problem.times.tolist()):
        torch.testing.assert_close(u[i], exact.on(problem.domain, t), rtol=0, atol=1e-12)


def test_a_coupled_equation_converges_at_fourth_order():
    exact, counts = EnvelopeSoliton(), [20, 40, 80]
    problem = exact.problem(256, times=[0.0, 1.0])
    target = exact.on(problem.domain, 1.0)
    errors = [float((ETDRK4(dt=1 / n, dealias=1.0).solve(problem).u[0, -1] - target).norm()) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(ETDRK4.order, abs=0.1)


def test_bits_do_not_depend_on_the_batch_where_components_are_coupled():
    u0 = torch.rand(5, 2, 9, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    strength = torch.linspace(0.5, 1.5, 5, dtype=torch.float64)

    def solve(rows):
        problem = Problem(
            Schroedinger(), Grid.periodic(9, 14), u0[rows],
            parameters={"dispersion": 0.1 * strength[rows], "focusing": strength[rows]}, times=[0.0, 1e-3, 2e-3],
        )  # fmt: skip
        return ETDRK4(dt=5e-4).solve(problem).u

    assert torch.equal(solve(slice(0, 5)), torch.cat([solve(slice(i, i + 1)) for i in range(5)]))


@pytest.mark.parametrize(("pde", "coupled"), [(UniformWave(), True), (Schroedinger(), True), (GrayScott(), False)])
def test_only_what_couples_has_matrices(pde, coupled):
    grid = Grid.periodic(16, 12)
    problem = Problem(pde, grid, torch.zeros(2, 16, 12), times=[0.0, 1.0])
    symbol = Symbol.of(problem, FourierDerivatives(grid, 2 / 3))
    assert symbol.coupled is coupled
    assert not symbol.values.is_complex()
    # Kept are the modes 0 to 3 of the axis y, and -5 to 5 of the axis x; axes are in reverse order.
    assert symbol.values.shape == ((1, 4, 11, 2, 2) if coupled else (1, 2, 4, 11))
