"""A linear part that lets short waves grow without bound is refused when the problem is made."""

import inspect
import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

import sciml.pdes
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.pdes import Burgers, Equation, Problem, SemilinearPDE
from sciml.pdes.wellposed import WavePolynomials


def pose(pde: SemilinearPDE, dimensions: int = 1, **arguments) -> Problem:
    initial = dict.fromkeys(
        pde.names(dimensions), {1: lambda x: x, 2: lambda x, y: x, 3: lambda x, y, z: x}[dimensions]
    )
    return Problem(pde, Grid.periodic(*[8] * dimensions), **{"initial": initial, "times": [0.0, 1.0], **arguments})


class Coupled(Equation):
    """Terms of other fields are linear too."""

    couples = True


ILL = [
    ("-0.1*u_xx", 1, "0.1 k^2"),
    ("u_xxxx", 1, "1 k^4"),
    ("-u_xx + u_xxx + u", 1, "1 k^2"),
    ("-u_xxxxxx + u_xxxxxxxx", 1, "1 k^8"),
    ("-1e-9*u_xx - u", 1, "1e-09 k^2"),
    ("u_xx - 0.5*u_yy", 2, "0.5 k^2"),
    ("u_xx + u_yy - 2.5*u_xy", 2, "0.25 k^2"),
    ("laplacian(u) - 2*u_zz", 3, "1 k^2"),
    ("-laplacian(u) - u*u_x", 2, "1 k^2"),
]
WELL = [
    ("0.1*u_xx", 1),
    ("-u_xx - 1e-9*u_xxxx", 1),
    ("u_xxx - u_xxxxx", 1),
    ("1e9*u + u_x", 1),
    ("u_xx + u_yy - 1.5*u_xy", 2),
    ("-laplacian(u) - laplacian(laplacian(u))", 3),
    ("0.1*u_xx + 0.2*u_xx - 0.3*u_xx", 1),
    ("0*u_xx", 1),
    ("(u**2 - 1)*u_xx", 1),  # the nonlinear part may damp
]


@pytest.mark.parametrize(("text", "dimensions", "growth"), ILL)
def test_growth_without_bound_is_refused_in_one_line_that_names_it(text, dimensions, growth):
    with pytest.raises(ValueError) as caught:
        pose(Equation({"u": text}, dimensions=dimensions), dimensions)
    assert f"waves of wave number k in u grow at the rate {growth}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "dimensions"), WELL)
def test_bounded_growth_is_accepted(text, dimensions):
    pose(Equation({"u": text}, dimensions=dimensions), dimensions)


@pytest.mark.parametrize(
    ("right", "growth"),
    [
        (("v_xx", "u_xx"), "1 k^2"),
        (("v_x", "-u_x"), "1 k^1"),
        (("v", "-4*u_xx"), "2 k^1"),
        (("v", "u_x"), "0.707 k^0.5"),
        (("u_xx - 3*v_xx", "v_xx - 3*u_xx"), "2 k^2"),
        (("-1e-6*u_xx - u + v", "1000*v_xx - u"), "1e-06 k^2"),
    ],
)
def test_growth_that_only_the_coupling_of_fields_brings_is_refused(right, growth):
    with pytest.raises(ValueError, match=f"in u, v grow at the rate {growth}".replace("^", r"\^")):
        pose(Coupled(dict(zip("uv", right, strict=True))))


@pytest.mark.parametrize(
    "right",
    [
        ("v", "u_xx"),  # waves
        ("v", "-u_xxxx"),  # a beam
        ("-v_xx", "u_xx"),  # the Schroedinger equation
        ("v_x", "4*u_x"),
        ("u_xx + 5*v_xx", "v_xx"),  # not normal
        ("1e-6*u_xx - u + v", "1000*v_xx - u"),
        ("100*u - 3*v + u_xx", "5*u + 20*v + 1e-3*v_xx"),
        ("1e-30*u_xx - u + v", "v_xx - u"),
        ("1e-300*u_xx - u + v", "1e300*v_xx - u"),
    ],
)
def test_coupled_fields_with_bounded_growth_are_accepted(right):
    pose(Coupled(dict(zip("uv", right, strict=True))))


def test_the_verdict_is_that_of_the_eigenvalues_at_large_wave_numbers():
    """Random systems of second order: growth as numpy finds it at k = 1e4 against the refusal."""
    random, verdicts = np.random.default_rng(0), []
    for _ in range(60):
        second, first, zeroth = random.integers(-2, 3, (3, 2, 2)).astype(float)
        k = 1e4
        growth = [np.linalg.eigvals(-second * q**2 + 1j * first * q + zeroth).real.max() for q in (k, -k, 2 * k)]
        right = {
            name: " + ".join(
                f"{m[i, j]}*{other}{suffix}"
                for m, suffix in ((second, "_xx"), (first, "_x"), (zeroth, ""))
                for j, other in enumerate("uv")
            )
            for i, name in enumerate("uv")
        }
        grows = max(growth) > 50.0
        verdicts.append(grows)
        if grows:
            with pytest.raises(ValueError, match="ill-posed"):
                pose(Coupled(right))
        else:
            pose(Coupled(right))
    assert 5 < sum(verdicts) < 55


def test_the_worst_sample_of_a_batch_decides():
    pde = Equation({"u": "nu*u_xx"}, {"nu": 1.0})
    pose(pde, parameters={"nu": torch.tensor([0.5, 0.0, 2.0])})
    with pytest.raises(ValueError, match=r"rate 0\.25 k\^2"):
        pose(pde, parameters={"nu": torch.tensor([0.5, -0.25, 2.0])})
    with pytest.raises(ValueError, match=r"rate 0\.25 k\^2"):
        pose(pde, parameters={"nu": nn.Parameter(torch.tensor(-0.25))})


def test_an_equation_written_by_hand_is_protected_as_well():
    @dataclass(frozen=True)
    class Diffusion(SemilinearPDE):
        rate: float = 1.0
        fields = (FieldSpec("u"),)
        parameters = (ParameterSpec("rate"),)

        def linear(self, u, d, p):
            return {"u": p.rate * d.laplacian(u["u"])}

    pose(Diffusion(), 2)
    with pytest.raises(ValueError, match=r"Diffusion is ill-posed.*rate 2 k\^2"):
        pose(Diffusion(-2.0), 2)
    with pytest.raises(ValueError, match="Diffusion is ill-posed"):
        Problem(Diffusion(-2.0), Grid.nodes(8), lambda x: x, Boundaries.dirichlet(), times=[0.0, 1.0])
    # Without a symbol nothing is said.
    pose(Diffusion(), parameters={"rate": lambda x: 1.0 + x})


@pytest.mark.parametrize(
    "cls",
    [
        c
        for name in sciml.pdes.__all__
        if inspect.isclass(c := getattr(sciml.pdes, name))
        and issubclass(c, SemilinearPDE)
        and not inspect.isabstract(c)
    ],
)
def test_every_semilinear_equation_is_well_posed_with_its_defaults(cls):
    pde = cls.example() if hasattr(cls, "example") else cls()
    for dimensions in pde.dimensions:
        pose(pde, dimensions)


def test_waves_are_differentiated_exactly_in_every_direction():
    d = WavePolynomials(("x", "y"))
    powers = d(d.one(), "xxy").unflatten(-1, (len(d.directions), -1))
    x, y = d.directions.T
    assert torch.equal(powers.sum(-1)[0], -1j * x**2 * y)
    assert torch.equal(d.inverse_laplacian(d.laplacian(d.one())).real.round(decimals=12), d.one().real)
    pairs = {tuple(v) for v in d.directions.int().tolist()}
    assert {(1, 0), (0, 1), (1, 1), (1, -1)} <= pairs
    assert not any((-a, -b) in pairs for a, b in pairs)
    assert all(a * v != b * u for (a, b), (u, v) in itertools.combinations(pairs, 2))


def test_a_problem_that_is_well_posed_costs_no_gradient_and_no_change():
    nu = nn.Parameter(torch.tensor(0.1))
    problem = pose(Burgers(), parameters={"viscosity": nu})
    assert problem.parameters["viscosity"] is nu
    assert nu.grad is None
