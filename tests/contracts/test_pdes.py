"""Every exported equation: jets, reverse mode, grid and symbol are one and the same text."""

import dataclasses
import inspect
from typing import Any

import pytest
import torch
from torch import nn

import sciml.pdes
from sciml.fields import Boundaries, Grid
from sciml.numerics import FiniteDifferences, ReverseMode, SpectralDerivatives, TaylorMode, value
from sciml.pdes import PDE, Problem, SemilinearPDE, grid_fields

EQUATIONS = [
    cls
    for name in sciml.pdes.__all__
    if inspect.isclass(cls := getattr(sciml.pdes, name)) and issubclass(cls, PDE) and not inspect.isabstract(cls)
]


def example(cls: type[PDE]) -> PDE:
    """With defaults, or the example of a class whose arguments are the equation itself."""
    return cls.example() if hasattr(cls, "example") else cls()


CASES = [(cls, n) for cls in EQUATIONS for n in example(cls).dimensions if n <= 2]


def coefficient(**axes: Any) -> Any:
    return 1.5 + 0.3 * torch.sin(sum(axes.values()))


def problem(cls: type[PDE], dimensions: int) -> Problem:
    pde = example(cls)
    names = ("x", "y", "z")[:dimensions]
    callables = {
        1: lambda x: coefficient(x=x),
        2: lambda x, y: coefficient(x=x, y=y),
    }
    parameters = {s.name: callables[dimensions] for s in pde.parameters if s.field}
    evolving: dict[str, Any] = {"times": torch.linspace(0, 1, 5)} if pde.evolves else {}
    if pde.evolves:
        evolving["initial"] = dict.fromkeys(pde.names(dimensions), callables[dimensions])
    assert names
    return Problem(pde, Grid.periodic(*[17] * dimensions, high=2 * torch.pi), parameters=parameters, **evolving)


@pytest.mark.parametrize(("cls", "dimensions"), CASES)
def test_jets_equal_reverse_mode_on_the_residual(cls: type[PDE], dimensions: int) -> None:
    case = problem(cls, dimensions)
    torch.manual_seed(0)
    d = len(case.axes)
    net = nn.Sequential(
        nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, len(case.unknowns))
    ).double()
    points = torch.rand(11, d, dtype=torch.float64)
    taylor = TaylorMode(points, case.axes, case.requests)
    reverse = ReverseMode(points, case.axes)
    ours = case.residual(taylor.evaluate(net, case.unknowns), taylor)
    oracle = case.residual(reverse.evaluate(net, case.unknowns), reverse)
    # One equation per unknown; those of a conservation law bear the names of what is conserved.
    assert set(ours) == set(oracle)
    assert len(ours) == len(case.unknowns)
    for name in oracle:
        assert float(((value(ours[name]) - oracle[name]).abs().max() / oracle[name].abs().max()).detach()) <= 1e-10
    assert torch.equal(case.network_residual(net, points)[name], value(ours[name]))


@pytest.mark.parametrize(("cls", "dimensions"), CASES)
def test_the_grid_residual_equals_the_pointwise_one(cls: type[PDE], dimensions: int) -> None:
    """A band-limited function that is also a network: the grid differentiates it exactly, so both residuals agree."""
    case = problem(cls, dimensions)

    class Waves(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            total = torch.sin(z[..., 0])
            for i in range(1, len(case.axes)):
                total = total * torch.cos(z[..., i] + 0.3)
            # Positive, as densities are: a power of a function that changes sign is not smooth.
            return torch.stack([1.5 + total + 0.1 * j for j in range(len(case.unknowns))], dim=-1)

    times = torch.linspace(0, 0.1, 41, dtype=torch.float64) if case.pde.evolves else None
    d = SpectralDerivatives(case.domain, times=times)
    coords = torch.broadcast_tensors(*(d.coordinates()[a] for a in case.axes))
    points = torch.stack(coords, dim=-1).reshape(-1, len(case.axes))
    u = Waves()(points).T.reshape(len(case.unknowns), *coords[0].shape)
    on_grid = case.residual(dict(zip(case.unknowns, u, strict=True)), d)
    at_points = case.network_residual(Waves(), points)
    # Products of the nonlinear terms stay below the Nyquist wave number; coefficients are resolved to rounding by 17
    # points; the time derivative of order four at dt = 0.0025 leaves 1e-9.
    for name, r in at_points.items():
        assert float((on_grid[name].reshape(-1) - r).abs().max()) < 1e-8


@pytest.mark.parametrize("cls", [c for c in EQUATIONS if issubclass(c, SemilinearPDE)])
@pytest.mark.parametrize("n", [16, 17])
def test_the_derived_symbol_equals_the_grid_operator(cls: type[SemilinearPDE], n: int) -> None:
    case = problem(cls, example(cls).dimensions[0])
    case = dataclasses.replace(case, domain=case.domain.resized(*[n] * case.domain.dimensions))
    d = SpectralDerivatives(case.domain)
    dims = tuple(range(-case.domain.dimensions, 0))
    u = {
        m: torch.randn(case.domain.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(i))
        for i, m in enumerate(case.names)
    }
    direct = case.pde.linear(u, d, case.bind(d))
    spectrum = torch.stack([torch.fft.rfftn(u[m], dim=dims) for m in case.names])
    product = torch.einsum("ij...,j...->i...", case.pde.symbol(case.domain, case.bind(d))[0], spectrum)
    for name, component in zip(case.names, product, strict=True):
        through = torch.fft.irfftn(component, s=case.domain.shape, dim=dims)
        exact = direct.get(name, torch.zeros_like(through))
        assert float((through - exact).abs().max() / (exact.abs().max() + 1e-300)) <= 1e-10


@pytest.mark.parametrize("cls", EQUATIONS)
def test_an_equation_is_constructible_with_defaults_and_names_its_parameters(cls: type[PDE]) -> None:
    pde = example(cls)
    arguments = {f.name for f in dataclasses.fields(pde)} if dataclasses.is_dataclass(pde) else set()
    assert arguments <= {s.name for s in pde.parameters}
    assert all(isinstance(getattr(pde, s.name), int | float) for s in pde.parameters)
    assert pde.fields
    assert "$" in (inspect.getdoc(cls) or "")


def test_burgers_residual_of_the_exact_travelling_wave_vanishes() -> None:
    r"""$u = c - a \tanh(a (x - ct) / 2\nu)$ solves the viscous Burgers equation."""
    nu, a, c = 0.3, 0.8, 0.4

    class Wave(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return c - a * torch.tanh((z[..., 0:1] - c * z[..., 1:2]) * (a / (2 * nu)))

    grid = Grid.nodes(9)
    case = Problem(sciml.pdes.Burgers(nu), grid, lambda x: x, Boundaries.dirichlet(), times=(0.0, 1.0))
    points = torch.rand(50, 2, dtype=torch.float64)
    assert float(case.network_residual(Wave(), points)["u"].abs().max()) < 1e-12


def test_darcy_residual_of_a_manufactured_solution_vanishes() -> None:
    r"""$u = \sin \pi x \sin \pi y$, $a = e^{xy}$, $f = -\nabla\cdot(a \nabla u)$."""
    pi = torch.pi

    def source(x, y):
        sx, cx, sy, cy = torch.sin(pi * x), torch.cos(pi * x), torch.sin(pi * y), torch.cos(pi * y)
        return torch.exp(x * y) * (2 * pi**2 * sx * sy - pi * y * cx * sy - pi * x * sx * cy)

    class Solution(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return torch.sin(pi * z[..., 0:1]) * torch.sin(pi * z[..., 1:2])

    parameters = {"a": lambda x, y: torch.exp(x * y), "f": source}
    case = Problem(sciml.pdes.Darcy(), Grid.cells(8, 8), boundary=Boundaries.dirichlet(), parameters=parameters)
    points = torch.rand(50, 2, dtype=torch.float64)
    assert float(case.network_residual(Solution(), points)["u"].abs().max()) < 1e-11


def test_per_sample_parameters_reach_every_sample_on_a_grid() -> None:
    grid = Grid.periodic(16, high=2 * torch.pi)
    nu = torch.tensor([0.1, 0.2], dtype=torch.float64)
    case = Problem(sciml.pdes.Burgers(), grid, lambda x: torch.sin(x), parameters={"viscosity": nu}, times=(0.0, 1.0))
    d = FiniteDifferences(grid, 4)
    u = case.initial_state().expand(2, 1, 16)
    rhs = case.pde.linear(grid_fields(u, case.names, d), d, case.bind(d))["u"]
    assert torch.allclose(rhs[1], 2 * rhs[0])
    assert case.pde.symbol(grid, case.bind(d)).shape == (2, 1, 1, 9)
