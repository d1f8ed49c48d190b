"""Systems that the tests of linear solvers share."""

import numpy as np

from sciml.linalg import Stencil


def medium(a: np.ndarray) -> Stencil:
    """Finite volumes of -div(a grad u) with zero Dirichlet values on the unit box; symmetric, positive definite."""
    from sciml.fields import Boundaries, Grid
    from sciml.solvers.diffusion import Diffusion

    return Diffusion(Grid.cells(*a.shape), Boundaries.dirichlet()).assemble(a, np.ones(a.shape))[0]


def diffusion(shape: tuple[int, ...], contrast: float = 1.0, seed: int = 0) -> Stencil:
    """A medium with a log-normal coefficient, independent in every cell."""
    return medium(np.exp(contrast * np.random.default_rng(seed).standard_normal(shape)))


def convection(shape: tuple[int, ...], peclet: float = 1.0) -> Stencil:
    """Central differences for -laplace u + v . grad u on the unit grid, cell Peclet number `peclet`; nonsymmetric."""
    d = len(shape)
    ones = tuple(np.ones([n - (i == axis) for i, n in enumerate(shape)]) for axis in range(d))
    return Stencil(
        np.full(shape, 2.0 * d), tuple((1 - peclet / 2) * t for t in ones), tuple((1 + peclet / 2) * t for t in ones)
    )


def helmholtz(shape: tuple[int, ...], wave: complex = 0.5 + 0.5j) -> Stencil:
    """-laplace u - k^2 u on the unit grid with complex k: symmetric, not Hermitian, indefinite."""
    d = len(shape)
    ones = tuple(np.ones([n - (i == axis) for i, n in enumerate(shape)], complex) for axis in range(d))
    return Stencil(np.full(shape, 2.0 * d - wave**2), ones)
