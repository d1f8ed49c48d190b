"""Face averages of the flux against Gauss quadrature of the exact one."""

import dataclasses

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import Grid
from sciml.pdes import Euler, Problem
from sciml.pdes.gas_dynamics import GasDynamics
from sciml.solvers import HLLC, WENOZ
from sciml.solvers.cell_averages import cell_averages
from sciml.solvers.face_flux import BESIDE, FaceFlux
from sciml.solvers.finite_volume import FiniteVolume
from sciml.solvers.weno import REACH

TAU = 2 * torch.pi
#: It varies along the faces, so that their averages are what the error comes from, and less across them.
FLOW = {
    "density": lambda x, y: 1.5 + 0.2 * torch.sin(TAU * y) + 0.02 * torch.sin(TAU * x),
    "velocity_x": lambda x, y: 0.4 + 0.3 * torch.cos(TAU * y) * (1 + 0.1 * torch.sin(TAU * x)),
    "velocity_y": lambda x, y: 0.02 * torch.sin(TAU * x) + 0.3 * torch.cos(TAU * y),
    "pressure": lambda x, y: 1.2 + 0.3 * torch.sin(TAU * y) + 0 * x,
}


def flux_error(n: int, face_flux: FaceFlux) -> float:
    """Largest error of the flux along x, averaged over faces; cells lie around the points of a periodic grid."""
    problem = Problem(Euler(), Grid.periodic(n, n), initial=FLOW, times=[0.0, 1.0])
    problem = dataclasses.replace(problem, initial=cell_averages(problem, 4))
    stepper = FiniteVolume().stepper(problem)
    state = stepper.start(problem.initial_state())
    q = stepper.conserved(state.u, state.memory.values)
    line = stepper.lines(stepper.extended(q, stepper.parameters(state.memory.values)))[0]
    found = face_flux(line, GasDynamics(1.4, 2))[0]
    nodes, weights = np.polynomial.legendre.leggauss(5)
    edge = (torch.arange(n + 1, dtype=torch.float64) - 0.5)[None, :] / n
    exact = torch.zeros_like(found)
    for node, weight in zip(nodes, weights, strict=True):
        y = (torch.arange(n, dtype=torch.float64)[:, None] + 0.5 * node) / n
        rho, u, v, p = (f(edge, y) + 0 * (edge + y) for f in FLOW.values())
        energy = p / 0.4 + 0.5 * rho * (u * u + v * v)
        exact += 0.5 * weight * torch.stack([rho * u, rho * u * u + p, rho * u * v, (energy + p) * u])
    assert found.shape == exact.shape
    return float((found - exact).abs().mean())


def test_face_averages_of_the_flux_are_of_fourth_order_in_two_dimensions():
    counts, face_flux = [32, 64, 128], FaceFlux(WENOZ(), HLLC(), None)
    assert observed_order([flux_error(n, face_flux) for n in counts], counts) == pytest.approx(4, abs=0.1)


def test_without_midpoints_they_are_of_second_order(monkeypatch):
    """What the corrections are for: the flux of an average is not the average of the flux."""
    monkeypatch.setattr("sciml.solvers.face_flux.SMOOTH", 0.0)
    counts, face_flux = [32, 64, 128], FaceFlux(WENOZ(), HLLC(), None)
    assert observed_order([flux_error(n, face_flux) for n in counts], counts) == pytest.approx(2, abs=0.1)


def test_nothing_is_corrected_across_a_jump():
    rho = torch.ones(1, 1, 2 * BESIDE + 6, 2 * REACH + 8, dtype=torch.float64)
    rho[:, :, 5:] = 0.1
    q = torch.cat([rho, 0 * rho, 0 * rho, 2.5 * rho], dim=1)
    flux = FaceFlux(WENOZ(), HLLC(), None)(q, GasDynamics(1.4, 2))
    # At rest, the momentum flux is the pressure of each line; a second difference across the jump would change it.
    expected = rho[:, 0, BESIDE:-BESIDE, :1].expand_as(flux[:, 1])
    torch.testing.assert_close(flux[:, 1], expected, rtol=1e-13, atol=0)
