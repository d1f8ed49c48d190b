"""Tableaux against the order conditions of all rooted trees, with both colours where there are two methods."""

import itertools
import math
from functools import cache

import numpy as np
import pytest

from sciml.solvers import tableaux
from sciml.solvers.tableaux import (
    ARK436L2SA,
    ARS443,
    ESDIRK43,
    RK4,
    SDIRK2,
    SDIRK43,
    SSPRK2,
    SSPRK3,
    AdditiveTableau,
    BogackiShampine32,
    DormandPrince54,
    Tableau,
)

SINGLE = [RK4, SSPRK2, SSPRK3, BogackiShampine32, DormandPrince54, SDIRK2, SDIRK43, ESDIRK43]
PAIRS = [ARS443, ARK436L2SA]

#: A tree is its colour and its sorted branches.
Tree = tuple


@cache
def trees(order: int, colours: int) -> tuple[Tree, ...]:
    """All rooted trees of `order` vertices, each vertex in one of `colours` colours."""
    found = set()
    for sizes in partitions(order - 1):
        for branches in itertools.product(*(trees(n, colours) for n in sizes)):
            found |= {(colour, *sorted(branches)) for colour in range(colours)}
    return tuple(sorted(found))


def partitions(n: int, largest: int | None = None) -> list[tuple[int, ...]]:
    if n == 0:
        return [()]
    return [(k, *rest) for k in range(min(n, largest or n), 0, -1) for rest in partitions(n - k, k)]


def size(tree: Tree) -> int:
    return 1 + sum(size(branch) for branch in tree[1:])


def density(tree: Tree) -> int:
    return size(tree) * math.prod(density(branch) for branch in tree[1:])


def defect(tree: Tree, a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """How far the elementary weight of a tree is from 1 / density: zero is the order condition."""

    def stage(node: Tree) -> np.ndarray:
        return math.prod((a[branch[0]] @ stage(branch) for branch in node[1:]), start=np.ones(len(b[0])))

    return float(b[tree[0]] @ stage(tree)) - 1.0 / density(tree)


def largest_defect(order: int, a: list[np.ndarray], b: list[np.ndarray]) -> float:
    return max(abs(defect(tree, a, b)) for tree in trees(order, len(a)))


def test_trees_are_counted_as_in_the_books():
    assert [len(trees(n, 1)) for n in range(1, 7)] == [1, 1, 2, 4, 9, 20]
    assert [len(trees(n, 2)) for n in range(1, 5)] == [2, 4, 14, 52]


@pytest.mark.parametrize("cls", SINGLE, ids=lambda c: c.__name__)
def test_weights_meet_the_conditions_of_their_order_and_no_more(cls: type[Tableau]):
    method = cls()
    check(method, method.b, method.order)
    if method.embedded:
        check(method, method.embedded, method.embedded_order)


def check(method: Tableau, b: tuple[float, ...], order: int) -> None:
    a = [np.array(method.padded)]
    assert max(largest_defect(n, a, [np.array(b)]) for n in range(1, order + 1)) < 1e-13
    assert largest_defect(order + 1, a, [np.array(b)]) > 1e-5


@pytest.mark.parametrize("cls", PAIRS, ids=lambda c: c.__name__)
def test_pairs_meet_the_coupling_conditions_of_their_order_and_no_more(cls: type[AdditiveTableau]):
    pair = cls()
    a = [np.array(pair.explicit.padded), np.array(pair.implicit.padded)]
    b = [np.array(pair.explicit.b), np.array(pair.implicit.b)]
    assert np.allclose(pair.explicit.c, pair.implicit.c, rtol=0, atol=1e-15)
    assert max(largest_defect(n, a, b) for n in range(1, pair.order + 1)) < 1e-13
    assert largest_defect(pair.order + 1, a, b) > 1e-5
    if pair.embedded_order:
        hat = [np.array(pair.explicit.embedded), np.array(pair.implicit.embedded)]
        assert max(largest_defect(n, a, hat) for n in range(1, pair.embedded_order + 1)) < 1e-13


def growth(method: Tableau, z: complex) -> float:
    a, b, one = np.array(method.padded), np.array(method.b), np.ones(method.stages)
    return abs(1 + z * b @ np.linalg.solve(np.eye(method.stages) - z * a, one))


@pytest.mark.parametrize("cls", [SDIRK2, SDIRK43, ESDIRK43], ids=lambda c: c.__name__)
def test_implicit_methods_are_stiffly_accurate_and_l_stable(cls: type[Tableau]):
    method = cls()
    assert method.is_stiffly_accurate
    assert not method.is_explicit
    assert max(growth(method, 1j * y) for y in np.geomspace(1e-3, 1e6, 200)) <= 1 + 1e-12
    assert growth(method, -1e8) < 1e-6


@pytest.mark.parametrize("cls", [SSPRK2, SSPRK3], ids=lambda c: c.__name__)
def test_strong_stability_holds_up_to_the_step_of_euler(cls: type[Tableau]):
    """Kraaijevanger: the radius is the largest r with (I + rK)^-1 K and (I + rK)^-1 e non-negative, K = [a; b]."""
    method = cls()
    k = np.zeros((method.stages + 1,) * 2)
    k[:-1, :-1], k[-1, :-1] = np.array(method.padded), method.b
    inverse = np.linalg.inv(np.eye(len(k)) + k)
    assert (inverse @ k).min() > -1e-14
    assert (inverse @ np.ones(len(k))).min() > -1e-14


def test_every_tableau_of_the_module_is_tested():
    public = {
        name
        for name, value in vars(tableaux).items()
        if isinstance(value, type) and issubclass(value, Tableau | AdditiveTableau) and not name.startswith("_")
    } - {"Tableau", "AdditiveTableau"}
    assert public == {c.__name__ for c in (*SINGLE, *PAIRS)}
