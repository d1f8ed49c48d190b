"""Fast Poisson solver: exact for constant coefficients whatever the walls; scaled, it follows a coefficient."""

import itertools

import numpy as np
import pytest
from linalg_systems import diffusion

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann
from sciml.linalg import CG, GMRES, FastPoisson, MeanFree, PoissonPreconditioner, SparseMatrix, Stencil
from sciml.linalg.poisson_preconditioner import fast_poisson_of
from sciml.numerics.random_fields import PeriodicField
from sciml.solvers.diffusion import Diffusion
from sciml.status import Status

WALLS = [w for w in itertools.product([True, False], repeat=4) if any(w)]


def constant(shape, walls, a=2.0, c=0.0) -> Stencil:
    faces = [f"{axis}{side}" for axis in "xyz"[: len(shape)] for side in "-+"]
    conditions = {face: Dirichlet(0.0) if wall else Neumann(0.0) for face, wall in zip(faces, walls, strict=True)}
    return Diffusion(Grid.cells(*shape), Boundaries(conditions)).assemble(np.full(shape, a), np.ones(shape), c)[0]


@pytest.mark.parametrize("walls", WALLS)
@pytest.mark.parametrize("c", [0.0, 7.0])
def test_it_inverts_the_finite_volumes_for_every_kind_of_walls(walls, c):
    a = constant((6, 9), walls, c=c)
    poisson = fast_poisson_of(a)
    assert poisson.walls == (walls[:2], walls[2:])
    assert poisson.shift == pytest.approx(c, abs=1e-9)
    np.testing.assert_allclose(poisson.diagonal, a.diagonal, rtol=1e-12)
    x = np.random.default_rng(0).standard_normal((6, 9))
    np.testing.assert_allclose(poisson.apply_inverse(a.apply(x.ravel()).reshape(6, 9)), x, atol=1e-11)


@pytest.mark.parametrize(
    ("shape", "walls"), [((12,), (True, False)), ((4, 5, 6), (True, True, False, True, False, False))]
)
def test_it_inverts_in_one_and_three_dimensions(shape, walls):
    a = constant(shape, walls)
    x = np.random.default_rng(0).standard_normal(shape)
    np.testing.assert_allclose(fast_poisson_of(a).apply_inverse(a.apply(x.ravel()).reshape(shape)), x, atol=1e-11)


def test_a_complex_shift_and_a_complex_right_side():
    a = Stencil(np.full((5, 6), 4.0 - (1.1 + 0.3j)), constant((5, 6), (False,) * 3 + (True,), a=1.0).faces)
    a = Stencil(
        FastPoisson((5, 6), (1.0, 2.0), ((True, True),) * 2, 0.3 - 0.5j).diagonal,
        (np.ones((4, 6)), np.full((5, 5), 2.0)),
    )
    x = np.random.default_rng(0).standard_normal((5, 6, 2)) @ np.array([1.0, 1j])
    np.testing.assert_allclose(fast_poisson_of(a).apply_inverse(a.apply(x.ravel()).reshape(5, 6)), x, atol=1e-12)


def test_without_walls_the_mean_is_left_at_zero_and_mean_free_solves():
    poisson = FastPoisson((6, 7), (1.0, 2.0), ((False, False),) * 2)
    a = Stencil(poisson.diagonal, (np.ones((5, 7)), np.full((6, 6), 2.0)))
    assert poisson.singular
    x = np.random.default_rng(0).standard_normal((6, 7))
    back = poisson.apply_inverse(a.apply(x.ravel()).reshape(6, 7))
    np.testing.assert_allclose(back, x - x.mean(), atol=1e-12)
    b = a.apply(x.ravel())
    assert "null space" in CG(max_iterations=99).solve(a, b + 1.0).message
    for solver in (CG(), CG(preconditioner=PoissonPreconditioner(scaled=False)), GMRES()):
        solution = MeanFree(solver).solve(a, b + 1.0)
        assert solution.status is Status.SUCCESS
        np.testing.assert_allclose(solution.x, (x - x.mean()).ravel(), atol=1e-6)
    assert MeanFree(CG()).solve(a, np.full(42, 0.1)).iterations == 0


def test_mean_free_takes_no_factorisation():
    from sciml.linalg import SparseDirect

    with pytest.raises(ValueError, match="SparseDirect"):
        MeanFree(SparseDirect())


def test_a_shift_that_is_an_eigenvalue_is_an_outcome():
    poisson = FastPoisson((8,), (1.0,), ((True, True),))
    shift = -float(poisson.eigenvalues[2])
    a = Stencil(FastPoisson((8,), (1.0,), ((True, True),), shift).diagonal, (np.ones(7),))
    solution = GMRES(preconditioner=PoissonPreconditioner(scaled=False)).solve(a, np.ones(8))
    assert solution.status is Status.BREAKDOWN
    assert "eigenvalue" in solution.message


@pytest.mark.parametrize("scaled", [True, False])
def test_a_constant_coefficient_takes_one_iteration(scaled):
    a = constant((16, 12), (True, True, False, True))
    assert CG(preconditioner=PoissonPreconditioner(scaled)).solve(a, np.ones(192)).iterations == 1


def lognormal(n: int, deviation: float) -> tuple[Stencil, np.ndarray]:
    grid = Grid.cells(n, n)
    g = PeriodicField(alpha=2.5, tau=7.0, modes=n // 2).sample([np.random.default_rng(0)], grid)[0]
    return Diffusion(grid, Boundaries.dirichlet()).assemble(np.exp(deviation / g.std() * g), np.ones((n, n)))


def test_the_scaling_saves_iterations_and_the_count_does_not_grow_with_the_grid():
    counts = {}
    for n in (32, 64):
        a, b = lognormal(n, 0.2)
        counts[n] = [CG(preconditioner=PoissonPreconditioner(s)).solve(a, b).iterations for s in (True, False)]
    assert counts[64][0] < counts[64][1]
    assert counts[64][0] <= counts[32][0] + 1 <= 13


def test_a_contrast_of_a_thousand_is_still_solved():
    a, b = lognormal(64, 1.5)
    assert CG(preconditioner=PoissonPreconditioner()).solve(a, b).iterations < 50


def test_what_it_has_no_transform_for_is_refused():
    with pytest.raises(ValueError, match="Stencil"):
        PoissonPreconditioner().prepare(SparseMatrix(np.eye(4)))
    with pytest.raises(ValueError, match="axis 0"):
        PoissonPreconditioner().prepare(Stencil(np.ones(3), (np.array([1.0, -1.0]),)))
    indefinite = Stencil(diffusion((6, 6)).diagonal - 1e4, diffusion((6, 6)).faces)
    solution = CG(preconditioner=PoissonPreconditioner()).solve(indefinite, np.ones(36))
    assert solution.status is Status.BREAKDOWN
    assert "scaled=False" in solution.message


def rough(n: int, scale: float) -> Stencil:
    k = np.exp(scale * PeriodicField(2.5, 7.0, modes=12).sample([np.random.default_rng(1)], Grid.cells(n, n))[0])
    return Diffusion(Grid.cells(n, n), Boundaries.dirichlet()).assemble(k, np.ones((n, n)))[0]


def test_single_precision_reaches_the_tolerances_of_double():
    for scale, most in ((1.0, 1.0), (8.0, 1.25)):
        a, b = rough(40, scale), np.random.default_rng(0).standard_normal(1600)
        double = CG(1e-11, preconditioner=PoissonPreconditioner()).solve(a, b)
        single = CG(1e-11, preconditioner=PoissonPreconditioner(single=True)).solve(a, b)
        assert single.status is Status.SUCCESS
        assert single.iterations <= most * double.iterations
        np.testing.assert_allclose(single.x, double.x, atol=1e-8 * np.abs(double.x).max())


def test_single_precision_is_that_of_the_transforms_whatever_the_units():
    a, b = rough(24, 2.0), np.random.default_rng(0).standard_normal(576)
    double, single = (PoissonPreconditioner(single=s).prepare(a)(b) for s in (False, True))
    error = np.abs(single - double).max() / np.abs(double).max()
    assert 1e-9 < error < 1e-6
    for unit in (1e-60, 1e60):
        scaled = Stencil(unit * a.diagonal, tuple(unit * t for t in a.faces))
        found = PoissonPreconditioner(single=True).prepare(scaled)(unit * b)
        np.testing.assert_allclose(found, double, atol=1e-6 * np.abs(double).max())


def test_a_constant_coefficient_is_inverted_in_double_precision_all_the_same():
    a = constant((12, 10), (True,) * 4)
    x = np.random.default_rng(0).standard_normal(120)
    np.testing.assert_allclose(PoissonPreconditioner(single=True).prepare(a)(a.apply(x)), x, atol=1e-11)
