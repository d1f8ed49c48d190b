"""What the equations conserve on periodic domains, and flows in closed form."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.fields import Grid
from sciml.numerics import SpectralDerivatives
from sciml.pdes import Burgers, KortewegDeVries, KuramotoSivashinsky, NavierStokes, Problem, Vorticity
from sciml.pdes.exact import Beltrami, TaylorGreen, TaylorGreenVorticity
from sciml.solvers import ETDRK4, IMEX, RungeKutta
from sciml.solvers.spectral_system import SpectralSystem
from sciml.solvers.spectrum import FourierDerivatives

TAU = 2 * math.pi
METHODS = [ETDRK4(dt=2e-3), IMEX(dt=2e-3), ETDRK4()]


def wavy(*numbers: int):
    generator = torch.Generator().manual_seed(0)
    rough = torch.randn(numbers, dtype=torch.float64, generator=generator)
    spectrum = torch.fft.rfftn(rough, dim=tuple(range(1, len(numbers))))
    for axis, n in enumerate(numbers[1:], start=1):
        last = axis == len(numbers) - 1
        k = torch.fft.rfftfreq(n, 1 / n) if last else torch.fft.fftfreq(n, 1 / n)
        spectrum = spectrum * torch.exp(-(k.double() ** 2) / 4).view(
            [-1 if i == axis else 1 for i in range(len(numbers))]
        )
    return 0.3 + torch.fft.irfftn(spectrum, s=numbers[1:], dim=tuple(range(1, len(numbers))))


@pytest.mark.parametrize("method", METHODS, ids=["ETDRK4", "IMEX", "adaptive"])
@pytest.mark.parametrize("pde", [Burgers(0.02), KuramotoSivashinsky(1.0, 0.01, 1e-6), KortewegDeVries(1.0, 1e-4)])
def test_the_mean_of_a_conservation_form_is_constant(pde, method):
    problem = Problem(pde, Grid.periodic(48), wavy(1, 48), times=[0.0, 0.05, 0.1])
    mean = method.solve(problem, tol=1e-6).u.mean(dim=-1)
    assert float((mean - mean[:, :1]).abs().max()) < 1e-12


@pytest.mark.parametrize("method", METHODS[:2], ids=["ETDRK4", "IMEX"])
def test_momentum_tracer_and_vorticity_keep_their_means(method):
    grid = Grid.periodic(16, 16)
    for pde, components in ((Vorticity(), 2), (NavierStokes(), 3)):
        u0 = wavy(components, 16, 16)
        if components == 3:
            problem = Problem(pde, grid, u0, times=[0.0, 0.1])
            d = SpectralDerivatives(grid)
            fields = pde.project(dict(zip(problem.names, u0[None].unbind(1), strict=True)), d)
            u0 = torch.cat([fields[n] for n in problem.names])
        u = method.solve(Problem(pde, grid, u0, times=[0.0, 0.02])).u.mean(dim=(-2, -1))
        assert float((u[:, 1] - u[:, 0]).abs().max()) < 1e-12


@pytest.mark.parametrize("dealias", [2 / 3])
def test_the_truncated_inviscid_flow_conserves_energy_and_enstrophy_in_space(dealias):
    """The rates of both are inner products with N: they vanish because no product is aliased."""
    grid = Grid.periodic(24, 20)
    problem = Problem(Vorticity(viscosity=0.0), grid, wavy(2, 24, 20), times=[0.0, 1.0])
    d = FourierDerivatives(grid, dealias)
    system = SpectralSystem(problem, d, split=True)
    v = system.forward(problem.initial_state())
    v[..., 0, 0] = 0.0
    rate, w = system.backward(system.rate(v, torch.zeros(1)))[:, 0], system.backward(v)[:, 0]
    stream = -d.inverse_laplacian(w).values
    for weight in (w, stream):
        assert float((weight * rate).sum().abs() / (weight.norm() * rate.norm())) < 1e-13
    aliased = SpectralSystem(problem, FourierDerivatives(grid, 1.0), split=True)
    full = aliased.forward(torch.randn(1, 2, 24, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    rate, w = aliased.backward(aliased.rate(full, torch.zeros(1)))[:, 0], aliased.backward(full)[:, 0]
    assert float((w * rate).sum().abs() / (w.norm() * rate.norm())) > 1e-3


def test_the_energy_of_the_truncated_inviscid_burgers_equation_is_conserved_in_space():
    problem = Problem(Burgers(0.0), Grid.periodic(48), wavy(1, 48), times=[0.0, 1.0])
    system = SpectralSystem(problem, FourierDerivatives(problem.domain, 2 / 3), split=True)
    v = system.forward(problem.initial_state())
    u, rate = system.backward(v), system.backward(system.rate(v, torch.zeros(1)))
    assert float((u * rate).sum().abs() / (u.norm() * rate.norm())) < 1e-13


@pytest.mark.parametrize(
    "exact", [TaylorGreen(), TaylorGreenVorticity(), TaylorGreenVorticity(velocity=0.7)], ids=["u", "w", "w, carried"]
)
def test_vortices_decay_as_in_closed_form_to_rounding(exact):
    """They are eigenvectors of the linear part, which holds the mean flow of the vorticity; nothing else acts."""
    problem = exact.problem(16, 16, times=[0.0, 0.5])
    u = ETDRK4(dt=0.125).solve(problem).u[0, -1]
    assert float((u - exact.on(problem.domain, 0.5)).abs().max()) < 1e-12


@pytest.mark.parametrize("method", [ETDRK4, IMEX, RungeKutta], ids=lambda m: m.__name__)
def test_vortices_that_a_mean_flow_carries_converge_at_the_declared_order(method):
    exact, counts = TaylorGreen(velocity=1.0), [8, 16, 32]
    problem = exact.problem(8, 8, times=[0.0, 0.5])
    target = exact.on(problem.domain, 0.5)
    errors = [float((method(dt=0.5 / n).solve(problem).u[0, -1] - target).norm()) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(method().order, abs=0.25)


def test_a_beltrami_flow_in_three_dimensions_decays_as_in_closed_form():
    exact = Beltrami()
    problem = exact.problem(8, 8, 8, times=[0.0, 0.2])
    u = ETDRK4(dt=0.1).solve(problem).u[0, -1]
    assert float((u - exact.on(problem.domain, 0.2)).abs().max()) < 1e-12
