"""The longest stable step of an explicit treatment, from the stiffness of the equation at a state."""

import functools
import math

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.solvers.base import State
from sciml.solvers.spectral_stepper import Memory
from sciml.solvers.spectral_system import SpectralSystem
from sciml.solvers.tableaux import Tableau


def step_limit(state: State, safety: float = 0.9) -> Float[Tensor, " b"]:
    r"""The longest stable step of each sample, $s R / \rho$.

    $\rho$ is the spectral radius of the Jacobian of what the method treats explicitly (the nonlinear part, or the whole
    right side), $R$ the radius of its stability region in the left half plane. Infinite where nothing is explicit.

    Args:
        state: of a pseudo-spectral stepper, from its `start` or `step`.
        safety: $s$, for the part of $\rho$ that a few iterations do not find.

    Reference: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, section IV.2.
    """
    memory: Memory = state.memory
    v, _ = memory.spectrum(state)
    radius = spectral_radius(memory.formula.system, v, state.t)
    return safety * stability_radius(memory.formula.explicit) / radius


def spectral_radius(
    system: SpectralSystem, v: Complex[Tensor, "b c *k"], t: Float[Tensor, " b"], iterations: int = 24
) -> Float[Tensor, " b"]:
    """Spectral radius of the Jacobian of a system's rate at each sample, by power iteration.

    Its products with vectors are central differences, which are exact for products of two fields. Eigenvalues come in
    conjugate pairs, between which the vectors turn; the growth of the norm over the last third of the iterations does
    not see that. It is a lower bound where the Jacobian is normal.

    Args:
        system: whose rate is differentiated.
        v: where.
        t: when.
        iterations: products in all.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(v.shape[1:], dtype=torch.complex128, generator=generator).to(v.device)
    direction = noise.expand(v.shape).contiguous()
    # A spectrum of real values: nothing else occurs, and the Jacobian is linear over the reals alone.
    direction = system.forward(system.backward(direction))
    size, growth = 1e-4 * (system.norm(v) + system.norm(direction)), []
    for _ in range(iterations):
        direction = direction * (size / system.norm(direction).clamp_min(1e-300)).view(-1, *[1] * (v.ndim - 1))
        direction = 0.5 * (system.rate(v + direction, t) - system.rate(v - direction, t))
        growth.append(system.norm(direction) / size)
    last = torch.stack(growth[-(iterations // 3) :])
    return last.clamp_min(1e-300).log().mean(dim=0).exp()


@functools.cache
def stability_radius(tableau: Tableau, angles: int = 181) -> float:
    r"""Largest $R$ with $|P(z)| \le 1$ for all $|z| \le R$, $\mathrm{Re}\, z \le 0$, of an explicit method.

    $P(z) = 1 + z b^T (1 - zA)^{-1} e$ is what a step multiplies a mode with. Growth by less than $10^{-3}$ per step is
    let pass on the imaginary axis, where several methods of high order are unstable by less than their error.
    """
    a, b, one = np.array(tableau.padded), np.array(tableau.b), np.ones(tableau.stages)
    moments = [1.0]
    for _ in range(tableau.stages):
        moments.append(float(b @ one))
        one = a @ one
    directions = np.exp(1j * np.linspace(0.5 * math.pi, math.pi, angles))
    radii = np.linspace(0.0, 2.0 * tableau.stages, 4001)[1:]
    grown = np.abs(np.polyval(moments[::-1], radii[:, None] * directions)).max(axis=1) > 1.0 + 1e-3
    return float(radii[int(np.argmax(grown)) - 1]) if grown.any() else float(radii[-1])
