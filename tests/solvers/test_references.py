"""Published and independently computed solutions: what the pseudo-spectral solvers have to meet."""

import math

import numpy as np
import pytest
import torch
from helpers import benchmark_file, data_file

from sciml.fields import Grid
from sciml.pdes import AllenCahn, KuramotoSivashinsky, Problem, Schroedinger
from sciml.solvers import ETDRK4


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.slow
def test_schroedinger_meets_the_published_solution_at_its_own_modes():
    """At the first sixth of its times; `solver_references.py` goes on to the end."""
    import scipy.io

    data = scipy.io.loadmat(benchmark_file("schroedinger_NLS.mat"))
    times, published = data["tt"].ravel()[:34], data["uu"].T[:34]
    problem = Problem(
        Schroedinger(),
        Grid.periodic(256, low=-5.0, high=5.0),
        {"u": lambda x: 2 / torch.cosh(x), "v": lambda x: 0 * x},
        times=torch.from_numpy(times),
    )
    u = ETDRK4(dt=1e-4, dealias=1.0).solve(problem).u[0].numpy()
    assert relative(u[:, 0] + 1j * u[:, 1], published) < 1e-9


@pytest.mark.slow
def test_allen_cahn_meets_the_stored_solution():
    data = np.load(data_file("pinn", "allen_cahn_ref.npz"))
    problem = Problem(
        AllenCahn(diffusivity=1e-4, rate=5.0),
        Grid.periodic(2048, low=-1.0, high=1.0),
        lambda x: x**2 * torch.cos(math.pi * x),
        times=torch.from_numpy(data["t"]),
    )
    u = ETDRK4(dt=1e-3, dealias=0.5).solve(problem).u[0, :, 0, ::4].numpy()
    assert relative(u, data["u"]) < 6e-7


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pde", "grid", "initial", "bound"),
    [
        (
            "ks_regular_ref.npz",
            KuramotoSivashinsky(5.0, 0.5, 0.005),
            Grid.periodic(256, low=-1.0, high=1.0),
            lambda x: -torch.sin(math.pi * x),
            1e-6,
        ),
        (
            "ks_chaotic_ref.npz",
            KuramotoSivashinsky(100 / 16, 100 / 16**2, 100 / 16**4),
            Grid.periodic(256, low=0.0, high=2 * math.pi),
            lambda x: torch.cos(x) * (1 + torch.sin(x)),
            1e-6,
        ),
    ],
    ids=["regular", "chaotic"],
)
def test_kuramoto_sivashinsky_meets_the_stored_solution(name, pde, grid, initial, bound):
    data = np.load(data_file("pinn", name))
    # Half of its times: the chaos has begun.
    problem = Problem(pde, grid, initial, times=torch.from_numpy(data["t"][:126]))
    u = ETDRK4(dt=4e-4).solve(problem).u[0, :, 0].numpy()
    assert relative(u, data["u"][:126]) < bound
