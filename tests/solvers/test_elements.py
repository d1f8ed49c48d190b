"""Quadratic elements on a plate with a hole: what they represent is exact, the order, one factor for many systems."""

import sys

import numpy as np
import pytest
from helpers import observed_order

from sciml.linalg import CG, IC0, SparseDirect
from sciml.solvers.elements import QuadraticElements, plate_with_hole
from sciml.status import ConfigError, Status

pytest.importorskip("skfem")

OUTER = ("left", "right", "bottom", "top")


def everywhere(function) -> dict:
    return dict.fromkeys((*OUTER, "hole"), function)


def solved(elements: QuadraticElements, values: dict, source=0.0) -> np.ndarray:
    solution = SparseDirect().solve(*elements.system(values, source))
    assert solution.status is Status.SUCCESS
    return elements.field(solution.x, values)


def test_a_quadratic_solution_is_reproduced_to_rounding():
    """Laplace's equation has the solution x^2 - y^2 + 3xy - x; the elements contain it."""

    def exact(x, y):
        return x**2 - y**2 + 3 * x * y - x

    elements = QuadraticElements(plate_with_hole(10))
    u = solved(elements, everywhere(exact))
    np.testing.assert_allclose(u, exact(*elements.nodes.T), rtol=0, atol=1e-13)
    assert elements.error(u, exact) < 1e-13


def test_third_order_is_observed_where_everything_varies():
    """u = sin(3x) exp(y) with a = 1 + xy."""

    def exact(x, y):
        return np.sin(3 * x) * np.exp(y)

    def source(x, y):
        return np.exp(y) * (8 * (1 + x * y) * np.sin(3 * x) - 3 * y * np.cos(3 * x) - x * np.sin(3 * x))

    errors, sizes = [], [10, 20, 40]
    for cells in sizes:
        elements = QuadraticElements(plate_with_hole(cells), lambda x, y: 1 + x * y)
        errors.append(elements.error(solved(elements, everywhere(exact), source), exact))
    assert observed_order(errors, sizes) == pytest.approx(3.0, abs=0.1)


def test_a_part_without_values_lets_no_flux_through():
    """Between two kept ends and insulated sides and hole, what enters on the left leaves on the right."""
    elements, values = QuadraticElements(plate_with_hole(20)), {"left": 1.0, "right": 0.0}
    flux = elements.stiffness @ solved(elements, values)
    left, right = (elements.basis.get_dofs(part).all() for part in ("left", "right"))
    assert flux[left].sum() == pytest.approx(-flux[right].sum(), rel=1e-10)
    inside = np.ones(len(flux), bool)
    inside[left] = inside[right] = False
    assert np.abs(flux[inside]).max() < 1e-12
    # The hole is in the way: the plate conducts less than without it.
    assert 0.5 < flux[left].sum() < 1.0


def test_one_factor_serves_all_right_sides():
    elements, state, rng = QuadraticElements(plate_with_hole(20)), None, np.random.default_rng(0)
    factors = []
    for _ in range(3):
        values = {part: rng.uniform(-100, 0) for part in OUTER} | {"hole": rng.uniform(0, 100)}
        solution = SparseDirect().solve(*elements.system(values), state=state)
        assert solution.status is Status.SUCCESS
        state = solution.state
        factors.append(state)
        u = elements.field(solution.x, values)
        assert min(values.values()) - 1e-9 <= u.min() <= u.max() <= max(values.values()) + 1e-9
    assert factors[0] is factors[1] is factors[2]


def test_an_iterative_solver_finds_the_same_solution():
    elements, values = QuadraticElements(plate_with_hole(16)), everywhere(lambda x, y: x * y)
    a, b = elements.system(values, 1.0)
    iterated = CG(tol=1e-12, preconditioner=IC0()).solve(a, b)
    np.testing.assert_allclose(iterated.x, SparseDirect().solve(a, b).x, rtol=0, atol=1e-10)


def test_what_it_cannot_do_is_refused_in_one_line():
    elements = QuadraticElements(plate_with_hole(10))
    with pytest.raises(ValueError, match="constant"):
        elements.system({})
    with pytest.raises(ValueError, match=r"no part 'lid'; it has .*hole"):
        elements.system({"lid": 1.0})
    with pytest.raises(ValueError, match="hole"):
        plate_with_hole(2)
    with pytest.raises(ValueError, match="inside"):
        plate_with_hole(10, ((0.0, 0.5), (0.2, 0.5)))


def test_without_scikit_fem_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skfem", None)
    with pytest.raises(ConfigError, match="scikit-fem"):
        plate_with_hole(10)
