"""Gray–Scott against an integrator and a differentiation that share nothing with ours."""

import numpy as np
import torch
from scipy.integrate import solve_ivp

from sciml.fields import Grid
from sciml.pdes import GrayScott, Problem
from sciml.solvers import ETDRK4

N, LENGTH = 96, 2.5


def initial_u(x):
    return 1 - 0.5 * torch.exp(-20 * (x - 1.25) ** 2)


def initial_v(x):
    return 0.25 * torch.exp(-20 * (x - 1.2) ** 2)


def independent(pde: GrayScott, u0: np.ndarray, v0: np.ndarray, t: float) -> np.ndarray:
    """Method of lines with a dense Fourier differentiation matrix, DOP853."""
    k = np.fft.fftfreq(N, LENGTH / (2 * np.pi * N))
    second = np.real(np.fft.ifft(-(k[:, None] ** 2) * np.fft.fft(np.eye(N), axis=0), axis=0))

    def rate(_, w):
        u, v = w[:N], w[N:]
        du = pde.diffusivity_u * second @ u - u * v * v + pde.feed * (1 - u)
        dv = pde.diffusivity_v * second @ v + u * v * v - (pde.feed + pde.kill) * v
        return np.concatenate([du, dv])

    return solve_ivp(rate, (0, t), np.concatenate([u0, v0]), method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]


def test_a_trajectory_equals_that_of_an_independent_integrator():
    pde = GrayScott(diffusivity_u=2e-3, diffusivity_v=1e-3, feed=0.04, kill=0.06)
    problem = Problem(pde, Grid.periodic(N, high=LENGTH), {"u": initial_u, "v": initial_v}, times=[0.0, 10.0])
    u = ETDRK4(dt=0.05).solve(problem).u[0, -1]
    (x,) = problem.domain.meshgrid()
    other = independent(pde, initial_u(x).numpy(), initial_v(x).numpy(), 10.0)
    assert float(np.abs(u.numpy().ravel() - other).max()) < 1e-8
