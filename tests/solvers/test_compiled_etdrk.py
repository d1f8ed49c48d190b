"""Compiled loops over spectra against the tensor operations that they stand for."""

import math

import numpy as np
import pytest
import torch

from sciml.fields import Grid
from sciml.pdes import Advection, Burgers, Problem, VectorBurgers
from sciml.solvers import ETDRK4, spectral_system
from sciml.solvers.compiled_etdrk import CompiledETDRK4Formula
from sciml.solvers.etdrk import ETDRK4Formula
from sciml.solvers.formula import Lengths

pytest.importorskip("numba")

TAU = 2 * math.pi


def line() -> Problem:
    """Three samples with viscosities of their own."""
    initial = torch.rand(3, 1, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    nu = torch.tensor([0.02, 0.05, 0.1], dtype=torch.float64)
    return Problem(Burgers(), Grid.periodic(24), initial, parameters={"viscosity": nu}, times=[0.0, 1.0])


def square() -> Problem:
    initial = torch.rand(3, 2, 10, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Problem(VectorBurgers(0.05), Grid.periodic(10, 9), initial, times=[0.0, 1.0])


@pytest.mark.parametrize("dt", [Lengths((0.01,)), Lengths((0.01, 0.02), torch.tensor([1, 0, 1]))])
@pytest.mark.parametrize("problem", [line(), square()], ids=["line", "square"])
def test_a_step_its_error_and_the_states_inside_are_equal_to_rounding(problem, dt):
    system = ETDRK4().stepper(problem).system()
    v = system.forward(problem.initial_state())
    t = torch.zeros(3, dtype=torch.float64)
    ours, oracle = (
        f.advance(v, t, dt, system.rate(v, t)) for f in (CompiledETDRK4Formula(system), ETDRK4Formula(system))
    )
    close = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(ours.v, oracle.v, **close)
    for a, b in zip(ours.estimate(), oracle.estimate(), strict=True):
        torch.testing.assert_close(a, b, **close)
    rows = np.array([0, 2])
    torch.testing.assert_close(ours.inside(4, rows), oracle.inside(4, rows), **close)


@pytest.mark.parametrize("problem", [line(), square()], ids=["line", "square"])
def test_norms_are_equal_to_rounding_and_those_of_the_values(problem, monkeypatch):
    system = ETDRK4(dealias=1.0).stepper(problem).system()
    u = problem.initial_state()
    compiled = system.norm(system.forward(u))
    monkeypatch.setattr(spectral_system, "has_compiler", lambda: False)
    torch.testing.assert_close(compiled, system.norm(system.forward(u)), rtol=1e-13, atol=0)
    points = math.prod(problem.domain.shape)
    expected = u.square().flatten(1).sum(1).div(points).sqrt() * points
    torch.testing.assert_close(compiled, expected, rtol=1e-12, atol=0)


def test_complex_symbols_and_gradients_take_the_tensor_operations():
    wave = Problem(Advection(1.0), Grid.periodic(16), lambda x: torch.sin(TAU * x), times=[0.0, 1.0])
    for problem, asked in ((wave, False), (line(), True)):
        system = ETDRK4().stepper(problem).system()
        v = system.forward(problem.initial_state().requires_grad_(asked))
        t = torch.zeros(len(v), dtype=torch.float64)
        rate = system.rate(v, t)
        ours = CompiledETDRK4Formula(system).advance(v, t, Lengths((0.01,)), rate)
        assert torch.equal(ours.v, ETDRK4Formula(system).advance(v, t, Lengths((0.01,)), rate).v)
        assert ours.v.requires_grad == asked
