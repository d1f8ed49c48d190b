"""Rough random flows, and flows that have evolved for a while before they are recorded."""

import functools

import numpy as np
import torch

from sciml.datagen.shear import spectrum_of
from sciml.datagen.vortices import VorticitySampler, flow_of
from sciml.fields import Grid
from sciml.pdes import Problem, Vorticity
from sciml.solvers import ETDRK4


class BrownianBridge(VorticitySampler):
    r"""The part without divergence of $u_l = \sum_k |k|^{-3/2} \sum_{m,n} \alpha_k^{mnl} e_m(k_1 x)\, e_n(k_2 y)$.

    $k_1, k_2 = 0, ..., K$ but for $k = 0$, $e_0(kx) = \cos 2\pi k \xi$, $e_1(kx) = \sin 2\pi k \xi$, $l$ counts the two
    components. Published (Poseidon's NS-BB): random combinations of sines and cosines in Fourier space that decay like
    $|k|^{-3/2}$, $\alpha \in [-1, 1]$ uniform; the state that is recorded first has evolved from this one for half a
    unit of time (see `EvolvedFlow`). Our reading of what is not in what we follow: the products above, no further
    factor, $K = 42$, which is what a grid of 128 points keeps free of aliasing, and the projection.

    Args:
        modes: $K$.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(self, modes: int = 42) -> None:
        if modes < 1:
            raise ValueError(f"modes={modes} must be at least 1.")
        self.modes = modes

    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        p = self.modes
        alpha = generator.uniform(-1.0, 1.0, size=(2, p + 1, p + 1, 2, 2))
        squares = np.arange(p + 1)[:, None] ** 2 + np.arange(p + 1) ** 2
        alpha *= np.where(squares > 0, np.maximum(squares, 1) ** -0.75, 0.0)[:, :, None, None]
        u, v = (waves_to_exponentials(part) for part in alpha)
        k = np.arange(-p, p + 1)
        kx, ky = np.ix_(*(2 * np.pi * k / axis.length for axis in grid.axes))
        # The rotation of the field knows nothing of its divergence.
        return flow_of((1j * kx * v - 1j * ky * u, (k, k)), grid)


def waves_to_exponentials(alpha: np.ndarray) -> np.ndarray:
    r"""Coefficients of $e^{2\pi i (k \xi_x + l \xi_y)}$, `(2p+1, 2p+1)`, of a sum of products of cosines and sines.

    Args:
        alpha: by wave number per axis and kind (cosine, sine) per axis, `(p+1, p+1, 2, 2)`.
    """
    p = len(alpha) - 1
    one = np.zeros((p + 1, 2, 2 * p + 1), dtype=complex)
    number = np.arange(p + 1)
    for sign in (1, -1):
        one[number, 0, p + sign * number] += 0.5
        one[number, 1, p + sign * number] -= 0.5j * sign
    return np.einsum("klmn,kma,lnb->ab", alpha, one, one, optimize=True)


class EvolvedFlow(VorticitySampler):
    r"""A flow as it is after a while: the solution of `Vorticity` at the time `duration`, started from another flow.

    It is computed on a grid of its own and known by its Fourier series everywhere, so that a draw is one function on
    every grid. The default is what Poseidon's NS-BB is recorded from on.

    Args:
        first: the flow that it starts from; `BrownianBridge()` when left out.
        duration: how long it evolves.
        viscosity: $\nu \ge 0$.
        points: of the grid that it evolves on, per axis.
        dt: step.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(
        self,
        first: VorticitySampler | None = None,
        duration: float = 0.5,
        viscosity: float = 4e-4,
        points: int = 128,
        dt: float = 0.0025,
    ) -> None:
        if not (duration > 0 and dt > 0):
            raise ValueError(f"duration={duration} and dt={dt} must be positive.")
        if points < 8:
            raise ValueError(f"points={points} must be at least 8.")
        self.first, self.duration, self.viscosity, self.points, self.dt = first, duration, viscosity, points, dt

    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        own = grid.resized(self.points, self.points)
        start = (self.first or BrownianBridge()).components(generator, own)["vorticity"]
        return flow_of(spectrum_of(_evolved(start.tobytes(), own, self.duration, self.viscosity, self.dt)), grid)


# A recipe draws its first sample whenever it is read, and one function is wanted on more than one grid.
@functools.lru_cache(maxsize=4)
def _evolved(start: bytes, grid: Grid, duration: float, viscosity: float, dt: float) -> np.ndarray:
    """The vorticity after a while, from the bytes of the one at first."""
    vorticity = np.frombuffer(start).reshape(grid.shape)
    problem = Problem(
        Vorticity(viscosity=viscosity),
        grid,
        initial=torch.from_numpy(np.stack([vorticity, np.zeros_like(vorticity)])),
        times=(0.0, duration),
    )
    return ETDRK4(dt=dt).solve(problem).check().u[0, -1, 0].numpy()
