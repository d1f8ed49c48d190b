"""Quadratic elements on a grid of nodes: exact quadratics, orders, one matrix, linearity, bounds, refusals."""

import dataclasses
import sys

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann
from sciml.linalg import CG
from sciml.numerics import FiniteDifferences
from sciml.pdes import HeatedPlate, Poisson, Problem
from sciml.solvers import FiniteElementPlate
from sciml.solvers.heated_plate import plate_mesh
from sciml.status import SampleError

pytest.importorskip("skfem")

GIVEN = Boundaries({"all": Dirichlet(float("nan"))})
#: Rectangles along x and y, in sixteenths of the sides; together the hole has the shape of an L.
HOLES = (((4, 8), (6, 10)), ((4, 6), (6, 12)))


def plate(n: int, holes=HOLES) -> torch.Tensor:
    """Where a square plate of `n` nodes per side is, `(n, n)`."""
    inside = torch.zeros(n, n, dtype=torch.float64)
    inside[1:-1, 1:-1] = 1.0
    sixteenth = (n - 1) // 16
    for (x0, x1), (y0, y1) in holes:
        inside[x0 * sixteenth : x1 * sixteenth + 1, y0 * sixteenth : y1 * sixteenth + 1] = 0.0
    return inside


def problem(inside: torch.Tensor, g: torch.Tensor, grid: Grid | None = None) -> Problem:
    grid = grid or Grid.nodes(*inside.shape[-2:])
    return Problem(HeatedPlate(), grid, boundary=GIVEN, parameters={"inside": inside, "g": g})


def solved(case: Problem) -> np.ndarray:
    trajectory = FiniteElementPlate().solve(case)
    assert not trajectory.status.any()
    assert float(trajectory.residual.max()) < 1e-12
    return trajectory.u[:, 0, 0].numpy()


def test_a_harmonic_quadratic_is_reproduced_to_rounding_and_g_means_nothing_inside():
    """x^2 - y^2 + 3xy - x solves Laplace's equation, and the elements contain it; spacings differ."""
    grid, inside = Grid.nodes(33, 49, high=(1.0, 2.0)), torch.zeros(33, 49, dtype=torch.float64)
    inside[1:-1, 1:-1] = 1.0
    inside[8:17, 12:31] = 0.0
    x, y = grid.meshgrid()
    exact = x**2 - y**2 + 3 * x * y - x
    u = solved(problem(inside, torch.where(inside == 1, 7.0, exact), grid))
    np.testing.assert_allclose(u[0], exact, rtol=0, atol=1e-12)


def test_third_order_in_l2_and_fourth_at_the_nodes_on_a_harmonic_function():
    r"""$u = e^{3x}\sin 3y$ is smooth at the corners of the hole as well; on a uniform mesh nodes are better."""
    l2, nodal, sizes = [], [], [17, 33, 65, 129]
    for n in sizes:
        grid, inside = Grid.nodes(n, n), plate(n)
        x, y = grid.meshgrid()
        exact = torch.exp(3 * x) * torch.sin(3 * y)
        (u,) = solved(problem(inside, exact))
        mesh = plate_mesh(grid, inside.bool().numpy().tobytes())
        l2.append(mesh.elements.error(u[mesh.nodes], lambda x, y: np.exp(3 * x) * np.sin(3 * y)))
        nodal.append(np.sqrt(np.mean((u - exact.numpy()) ** 2)))
    assert observed_order(l2, [n - 1 for n in sizes]) == pytest.approx(3.0, abs=0.1)
    assert observed_order(nodal, [n - 1 for n in sizes]) == pytest.approx(4.0, abs=0.1)


def test_a_corner_that_points_into_the_plate_leaves_the_order_four_thirds():
    r"""$r^{2/3}\sin(2\theta/3)$ is harmonic in the square without a quadrant, and zero on the sides of the corner."""
    errors, sizes = [], [17, 33, 65, 129]
    for n in sizes:
        grid = Grid.nodes(n, n, low=-1.0)
        x, y = grid.meshgrid()
        exact = (x**2 + y**2) ** (1 / 3) * torch.sin(torch.remainder(torch.atan2(y, x), 2 * torch.pi) * 2 / 3)
        inside = plate(n, holes=[((8, 16), (0, 8))])
        (u,) = solved(problem(inside, exact, grid))
        errors.append(np.sqrt(np.mean((u - exact.numpy()) ** 2)))
    assert observed_order(errors, [n - 1 for n in sizes]) == pytest.approx(4 / 3, abs=0.1)


def numbers(rim: float, hole: float, n: int = 33) -> torch.Tensor:
    g = torch.full((n, n), rim, dtype=torch.float64)
    g[1:-1, 1:-1] = hole
    return g


def test_the_temperature_is_linear_in_the_two_numbers_and_stays_between_them():
    cases = [(1.0, 0.0), (0.0, 1.0), (-70.0, 40.0)]
    rim, hole, both = solved(problem(plate(33), torch.stack([numbers(*case) for case in cases])))
    np.testing.assert_allclose(both, -70.0 * rim + 40.0 * hole, rtol=0, atol=1e-11)
    np.testing.assert_allclose(rim + hole, 1.0, rtol=0, atol=1e-13)
    assert both.min() == -70.0
    assert both.max() == 40.0
    inner = both[plate(33).numpy() == 1]
    assert -70.0 < inner.min() < inner.max() < 40.0


def test_samples_of_one_shape_share_one_matrix_and_others_have_their_own():
    other = plate(33, holes=HOLES[:1])
    inside, g = torch.stack([plate(33), other, plate(33)]), torch.stack([numbers(-1.0, k) for k in (1.0, 2.0, 3.0)])
    first, second, third = FiniteElementPlate().systems(problem(inside, g))
    assert first[0] is third[0]
    assert second[0].size > first[0].size
    ((later, _),) = FiniteElementPlate().systems(problem(plate(33), numbers(-5.0, 5.0)))
    assert later is first[0]


def test_a_sample_has_the_bits_that_it_has_alone():
    inside, g = (
        torch.stack([plate(17), plate(17, HOLES[:1])]),
        torch.stack([numbers(-3.0, 1.0, 17), numbers(-1, 2, 17)]),
    )
    together = solved(problem(inside, g))
    for i in range(2):
        np.testing.assert_array_equal(together[i], solved(problem(inside[i], g[i]))[0])


def test_an_iterative_solver_finds_the_same_temperature_and_keeps_the_given_ones():
    case = problem(plate(33), numbers(-20.0, 60.0))
    u = FiniteElementPlate(CG(tol=1e-12)).solve(case).u[0, 0, 0].numpy()
    np.testing.assert_allclose(u, solved(case)[0], rtol=0, atol=1e-9)
    edge = plate(33).numpy() == 0
    np.testing.assert_array_equal(u[edge], numbers(-20.0, 60.0).numpy()[edge])


def test_the_text_of_the_equation_vanishes_on_the_solution():
    """By differences of second order, whose error at 129 nodes is what is left; nothing is left where g is given."""
    grid, inside = Grid.nodes(129, 129), plate(129)
    x, y = grid.meshgrid()
    case = problem(inside, torch.exp(x) * torch.sin(y))
    u = torch.from_numpy(solved(case))
    r = case.residual({"u": u}, FiniteDifferences(grid, order=2))["u"][0]
    assert float(r[inside == 0].abs().max()) == 0.0
    assert float(r.abs().max()) < 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pde": Poisson(), "parameters": {}}, "Poisson is another equation"),
        ({"domain": Grid.nodes(32, 33)}, "axis 'x' must have uniform nodes, an odd number"),
        ({"domain": Grid.uniform(33, 33, kind="cells")}, "axis 'x' must have uniform nodes"),
        ({"boundary": Boundaries({"all": GIVEN.on("x-"), "y+": Neumann()})}, "face 'y\\+' has Neumann.*'given'"),
        ({"boundary": Boundaries.dirichlet(1.0)}, "face 'x-' has Dirichlet.*'given'"),
        ({"forcing": {"u": lambda x, y: x}}, "no forcing"),
    ],
)
def test_a_problem_of_another_kind_is_refused_in_one_line(change, message):
    case = dataclasses.replace(problem(plate(33), numbers(0.0, 1.0)), **change)
    with pytest.raises(ValueError, match=message):
        FiniteElementPlate().systems(case)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((8, 12), 1.0, r"inside at node \(8, 12\) does not fit"),
        ((3, 3), 0.0, r"inside at node \(\d, \d\) does not fit"),
        ((5, 7), 0.5, "inside at node \\(5, 7\\) is 0.5; it must be 0 or 1"),
        ((), 0.0, "there is no plate"),
    ],
)
def test_a_shape_that_is_none_is_named_with_its_sample_and_node(place, value, message):
    inside = torch.stack([plate(33), plate(33)])
    inside[1][place] = value
    with pytest.raises(SampleError, match=f"sample 1: .*{message}"):
        FiniteElementPlate().systems(problem(inside, numbers(0.0, 1.0)))


def test_a_temperature_that_is_not_finite_is_named():
    g = numbers(0.0, 1.0)
    g[4, 5] = float("nan")
    with pytest.raises(SampleError, match=r"temperature at cell \(4, 5\) is nan; it must be finite"):
        FiniteElementPlate().systems(problem(plate(33), g))


def test_without_scikit_fem_the_refusal_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skfem", None)
    assert "pip install 'sciml[solvers]'" in FiniteElementPlate().refuses(problem(plate(33), numbers(0.0, 1.0)))
