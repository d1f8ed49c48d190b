"""Newton's method on systems whose roots are known, and Jacobians against dense ones."""

import pytest
import torch

from sciml.fields import Boundaries, FieldSpec, Grid, Neumann
from sciml.linalg import GMRES
from sciml.numerics import BoundedDifferences
from sciml.solvers import BandedJacobian, KrylovJacobian, Newton
from sciml.solvers.jacobian import Jacobian

FIELDS = (FieldSpec("u"), FieldSpec("v"))


class Reaction:
    """Two coupled fields with fluxes of both, samples with their own coefficient."""

    def __init__(self, grid: Grid, samples: int = 3) -> None:
        boundaries = Boundaries.periodic() if grid.is_periodic else Boundaries({"all": Neumann(0.3)})
        self.d, self.grid = BoundedDifferences(grid, boundaries, FIELDS), grid
        self.k = 0.5 + torch.arange(samples, dtype=torch.float64)

    def __call__(self, w: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        d, k = self.d, self.k[rows].view(-1, *[1] * self.grid.dimensions)
        f = d.extend({"u": w[:, 0], "v": w[:, 1]})
        flux = [(1 + f["u"] ** 2) * d(f["v"], (i,)) for i in range(self.grid.dimensions)]
        right = (
            1e-3 * d.div(flux) - k * f["u"] * f["v"],
            1e-3 * d.laplacian(f["u"]) - f["v"] + 0.1 * d(f["v"] ** 2, "x"),
        )
        return w - 0.3 * torch.stack([d.restrict(r) for r in right], dim=1)


def state(grid: Grid, samples: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(samples, 2, *grid.shape, dtype=torch.float64, generator=generator)


def dense(equations: Reaction, u: torch.Tensor, i: int) -> torch.Tensor:
    row = torch.tensor([i])
    full = torch.autograd.functional.jacobian(lambda w: equations(w, row), u[i : i + 1])
    return full.reshape(u[i].numel(), u[i].numel())


@pytest.mark.parametrize("n", [3, 7, 10, 12, 13])
@pytest.mark.parametrize("kind", ["cells", "nodes", "periodic"])
def test_the_banded_solution_is_that_of_the_dense_matrix(kind: str, n: int) -> None:
    grid = Grid.uniform(n, kind=kind)
    equations, u = Reaction(grid), state(grid)
    right = torch.randn(u.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = BandedJacobian().solve(Jacobian(equations, u, torch.arange(3), grid), right)
    for i in range(3):
        exact = torch.linalg.solve(dense(equations, u, i), right[i].reshape(-1)).view_as(right[i])
        assert float((found[i] - exact).abs().max()) < 1e-11


@pytest.mark.parametrize("grid", [Grid.cells(9), Grid.cells(5, 4), Grid.periodic(5, 4)], ids=lambda g: str(g.shape))
def test_the_krylov_solution_is_that_of_the_dense_matrix(grid: Grid) -> None:
    equations, u = Reaction(grid), state(grid)
    right = torch.randn(u.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    solver = KrylovJacobian(GMRES(tol=1e-12))
    found = solver.solve(Jacobian(equations, u, torch.arange(3), grid), right)
    for i in range(3):
        exact = torch.linalg.solve(dense(equations, u, i), right[i].reshape(-1)).view_as(right[i])
        assert float((found[i] - exact).abs().max()) < 1e-9


def test_the_banded_method_refuses_two_dimensions_in_one_line() -> None:
    assert "one dimension; the grid has 2" in str(BandedJacobian().refuses(Grid.cells(3, 3)))
    assert Newton(jacobian_solver=BandedJacobian()).refuses(Grid.cells(3, 3)) == BandedJacobian().refuses(
        Grid.cells(3, 3)
    )


def pointwise(function):
    """Equations without coupling, for which the number of the sample is a parameter."""
    return lambda u, rows: function(u, rows.view(-1, 1, 1).double())


def solve(newton: Newton, equations, u: torch.Tensor, nonnegative: bool = False):
    grid = Grid.cells(u.shape[-1])
    return newton.solve(equations, u, grid, torch.ones(u.shape[:2]).double(), torch.tensor([nonnegative]))


def test_roots_are_found_per_sample() -> None:
    u, done = solve(Newton(), pointwise(lambda u, k: u**3 - (k + 1)), torch.full((3, 1, 4), 2.0).double())
    assert done.tolist() == [True] * 3
    assert torch.allclose(u[:, 0, 0], torch.tensor([1.0, 2.0, 3.0]).double() ** (1 / 3), rtol=1e-11)


def test_convergence_is_quadratic_where_the_jacobian_is_exact() -> None:
    errors, start = [], torch.full((1, 1, 2), 2.0).double()
    for steps in (1, 2, 3):
        u, _ = solve(Newton(tol=1e-14, max_iterations=steps), pointwise(lambda u, k: u**2 - 2), start)
        errors.append(abs(float(u[0, 0, 0]) - 2**0.5))
    assert errors[1] < errors[0] ** 2
    assert errors[2] < errors[1] ** 2


def test_the_line_search_finds_a_root_that_whole_steps_miss() -> None:
    start = torch.full((1, 1, 2), 3.0).double()
    equations = pointwise(lambda u, k: torch.atan(u))
    assert not bool(solve(Newton(halvings=0), equations, start)[1].any())
    u, done = solve(Newton(), equations, start)
    assert bool(done.all())
    assert float(u.abs().max()) < 1e-10


def test_an_iterate_that_is_not_finite_is_stepped_back_from() -> None:
    """`log u = -3` from 5: the first whole step leads below zero."""
    u, done = solve(Newton(), pointwise(lambda u, k: torch.log(u) + 3), torch.full((1, 1, 2), 5.0).double())
    assert bool(done.all())
    assert torch.allclose(u, torch.exp(torch.tensor(-3.0).double()), rtol=1e-9)


def test_a_component_that_stays_above_zero_takes_the_root_above_zero() -> None:
    equations = pointwise(lambda u, k: u * (u + 1) * (u - 1) - 1e-3)
    free, _ = solve(Newton(), equations, torch.full((1, 1, 2), 0.4).double())
    kept, done = solve(Newton(), equations, torch.full((1, 1, 2), 0.9).double(), nonnegative=True)
    assert float(free.min()) < 0
    assert bool(done.all())
    assert float(kept.min()) > 0.9


def test_systems_without_a_root_or_a_regular_matrix_are_told_and_spoil_no_other() -> None:
    equations = pointwise(lambda u, k: torch.where(k == 1, u**2 + 1, torch.where(k == 2, 0 * u + 1, u - 5)))
    u, done = solve(Newton(), equations, torch.full((3, 1, 2), 0.5).double())
    assert done.tolist() == [True, False, False]
    assert torch.equal(u[0], torch.full((1, 2), 5.0).double())
    with pytest.raises(ValueError, match="tol=0 must lie in"):
        Newton(tol=0)
