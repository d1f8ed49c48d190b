"""Modes next to resonance see the actual coefficient: entries, exactness, and what it saves."""

import itertools

import numpy as np
import pytest

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann
from sciml.linalg import GMRES, SQMR, FastPoisson, PoissonPreconditioner, Stencil
from sciml.linalg.poisson_preconditioner import fast_poisson_of
from sciml.numerics.random_fields import PeriodicField
from sciml.solvers.diffusion import Diffusion
from sciml.status import Status

#: The two walls of an axis, and whether they lie at nodes.
ENDS = [((True, True), False), ((True, False), False), ((False, True), False), ((False, False), False)]
ENDS += [((True, True), True)]


def matrix(shape: tuple[int, int], ends, q: np.ndarray) -> Stencil:
    """-laplace u + q u with constant couplings."""
    (first, first_nodal), (second, second_nodal) = ends
    poisson = FastPoisson(shape, (1.3, 0.7), (first, second), 0.0, (first_nodal, second_nodal))
    faces = (np.full((shape[0] - 1, shape[1]), 1.3), np.full((shape[0], shape[1] - 1), 0.7))
    return Stencil(poisson.diagonal + q, faces)


@pytest.mark.parametrize("ends", list(itertools.product(ENDS, ENDS)))
def test_with_all_modes_it_is_the_inverse(ends):
    rng = np.random.default_rng(0)
    a = matrix((7, 8), ends, -0.9 + 0.1 * rng.standard_normal((7, 8)))
    x = rng.standard_normal(56)
    found = PoissonPreconditioner(scaled=False, resonant=56).prepare(a)(a.apply(x))
    np.testing.assert_allclose(found, x, atol=1e-9)


def test_a_complex_coefficient_is_inverted_too():
    rng = np.random.default_rng(0)
    a = matrix((6, 5), (ENDS[4], ENDS[0]), -0.8 + 0.2j + 0.1 * rng.standard_normal((6, 5)))
    x = rng.standard_normal((2, 30)) @ np.eye(30) * 1.0
    x = x[0] + 1j * x[1]
    found = PoissonPreconditioner(scaled=False, resonant=30).prepare(a)(a.apply(x))
    np.testing.assert_allclose(found, x, atol=1e-9)


def test_it_is_the_galerkin_inverse_on_the_chosen_modes_and_symmetric():
    a = matrix((7, 8), (ENDS[0], ENDS[4]), -0.9 + 0.2 * np.random.default_rng(1).standard_normal((7, 8)))
    apply = PoissonPreconditioner(scaled=False, resonant=9).prepare(a)
    inverse = np.stack([apply(e) for e in np.eye(56)], axis=1)
    np.testing.assert_allclose(inverse, inverse.T, atol=1e-11)
    poisson = fast_poisson_of(a)
    phi = np.stack([poisson.transform(e.reshape(7, 8), forward=False).ravel() for e in np.eye(56)], axis=1)
    nearest = np.argsort(np.abs(poisson.eigenvalues), axis=None)[:9]
    galerkin = phi[:, nearest].T @ np.stack([a.apply(v) for v in phi[:, nearest].T], axis=1)
    np.testing.assert_allclose(phi[:, nearest].T @ inverse @ phi[:, nearest], np.linalg.inv(galerkin), atol=1e-10)


def test_it_halves_the_iterations_of_an_indefinite_wave():
    n, k = 40, 16.0
    g = PeriodicField(2.5, 7.0, modes=12).sample([np.random.default_rng(0)], Grid.cells(n, n))[0]
    waves = k * np.exp(0.28 * g)
    poisson = FastPoisson((n, n), ((n + 1.0) ** 2,) * 2, ((True, True),) * 2, 0.0, (True, True))
    faces = (np.full((n - 1, n), (n + 1.0) ** 2), np.full((n, n - 1), (n + 1.0) ** 2))
    a, b = Stencil(poisson.diagonal - waves**2, faces), np.ones(n * n)
    counts = {}
    for method, count in itertools.product((SQMR(), GMRES(80)), (0, 60)):
        method.preconditioner = PoissonPreconditioner(scaled=False, resonant=count)
        solution = method.solve(a, b)
        assert solution.status is Status.SUCCESS
        counts[type(method).__name__, count] = solution.iterations
    assert counts["SQMR", 60] <= 0.5 * counts["SQMR", 0]
    assert counts["GMRES", 60] <= 0.5 * counts["GMRES", 0]


def test_what_it_cannot_serve_is_refused():
    conditions = Boundaries({"x-": Dirichlet(0.0), "x+": Dirichlet(0.0), "y-": Neumann(0.0), "y+": Dirichlet(0.0)})
    rough = np.exp(np.random.default_rng(0).standard_normal((6, 6)))
    varying = Diffusion(Grid.cells(6, 6), conditions).assemble(rough, np.ones((6, 6)))[0]
    with pytest.raises(ValueError, match="constant couplings"):
        PoissonPreconditioner(scaled=False, resonant=4).prepare(varying)
    for scaled, resonant in ((True, 4), (False, -1)):
        with pytest.raises(ValueError, match="resonant"):
            PoissonPreconditioner(scaled=scaled, resonant=resonant)
