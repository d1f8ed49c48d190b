r"""What a jet holds: a set of Taylor coefficients that is closed under truncated multiplication.

Beside the normalised coefficients $u_\alpha = \partial^\alpha u / \alpha!$ of a downward closed set of multi-indices
there may be collapsed rows, $L u = \tfrac12 \sum_i c_i \partial_i^2 u = \sum_i c_i u_{2 e_i}$. By Leibniz' rule
$L(uv) = u L(v) + L(u) v + \sum_i c_i u_i v_i$, which needs no second derivative but $L$ itself: the Laplacian in $d$
dimensions takes $2 + d$ rows instead of $1 + 2d$.

Reference: Dangel et al. (2025), Collapsing Taylor mode automatic differentiation, NeurIPS.
"""

import itertools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

Index = tuple[int, ...]


@dataclass(frozen=True, order=True)
class Laplacian:
    r"""A request for $\sum_i c_i \partial_i^2$, as opposed to one for each of its terms.

    Args:
        weights: $c_i$ by axis; zero for an axis that is left out.
    """

    weights: tuple[float, ...]

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that take part."""
        return tuple(i for i, c in enumerate(self.weights) if c)

    def indices(self, order: int) -> list[Index]:
        r"""$e_i$ (`order` 1) or $2e_i$ (`order` 2) for the axes that take part."""
        return [unit(i, len(self.weights), order) for i in self.axes]


Request = Index | Laplacian


def unit(axis: int, dimensions: int, order: int = 1) -> Index:
    """The multi-index of `order` derivatives along one axis."""
    return tuple(order * int(i == axis) for i in range(dimensions))


def expanded(requests: Iterable[Request]) -> frozenset[Index]:
    """The multi-indices that the requests are made of."""
    return frozenset(i for r in requests for i in (r.indices(2) if isinstance(r, Laplacian) else [r]))


class JetSpace:
    """A downward closed set of multi-indices and Laplacians of them, with the tables of their truncated products.

    Args:
        indices: closed downward, with the $e_i$ of every Laplacian.
        laplacians: collapsed rows.
    """

    def __init__(self, indices: frozenset[Index], laplacians: frozenset[Laplacian] = frozenset()) -> None:
        self.indices = tuple(sorted(indices, key=lambda a: (sum(a), a)))
        self.rows: tuple[Request, ...] = (*self.indices, *sorted(laplacians))
        self.position: dict[Request, int] = {row: i for i, row in enumerate(self.rows)}
        self.degree = max([*map(sum, self.indices), *(2 for _ in laplacians)])
        #: How many rows there are of degree 0 and 1, which come first: all that an affine function has.
        self.affine = sum(sum(a) < 2 for a in self.indices)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def cross(self) -> tuple[tuple[int, int, int, float], ...]:
        r"""$(uv)_k = u_0 v_k + u_k v_0 + \sum w\, u_i v_j$: the entries `(k, i, j, w)` with $i, j > 0$, by `k`."""
        pairs = itertools.product(enumerate(self.indices), repeat=2)
        plain = [(self.position.get(_plus(a, b)), i, j, 1.0) for (i, a), (j, b) in pairs if i and j]
        found = [entry for entry in plain if entry[0] is not None]
        for k, row in enumerate(self.rows):
            if isinstance(row, Laplacian):
                firsts = [self.position[e] for e in row.indices(1)]
                found += [(k, i, i, row.weights[axis]) for i, axis in zip(firsts, row.axes, strict=True)]
        return tuple(sorted(found))  # type: ignore[arg-type]

    @cached_property
    def cross_of(self) -> tuple[tuple[tuple[int, int, float], ...], ...]:
        """`cross` by its row: the entries `(i, j, w)`."""
        return tuple(tuple((i, j, w) for target, i, j, w in self.cross if target == k) for k in range(len(self)))

    @cached_property
    def chain(self) -> tuple[tuple[tuple[int, int, float], ...], ...]:
        r"""$y_k = p_0 u_k + \sum w\, u_i p_j$ for $\partial y = p\, \partial u$: the entries `(i, j, w)` of each row.

        Along one axis $\alpha y_\alpha = \sum_\beta \beta\, u_\beta\, p_{\alpha-\beta}$; of the axes, the one is taken
        that needs the fewest terms. For a Laplacian, $2L(y) = \sum_i c_i \partial_i (p\, u_i)$.
        """
        return tuple(self._chain(row, terms) for row, terms in zip(self.rows, self.cross_of, strict=True))

    def _chain(self, row: Request, terms: tuple[tuple[int, int, float], ...]) -> tuple[tuple[int, int, float], ...]:
        if isinstance(row, Laplacian):
            return tuple((i, j, 0.5 * w) for i, j, w in terms)
        shares = [[(i, j, self.indices[i][axis] / n) for i, j, _ in terms] for axis, n in enumerate(row) if n]
        return tuple(min(([t for t in share if t[2]] for share in shares), key=len, default=[]))

    @cached_property
    def inner(self) -> frozenset[int]:
        """The rows of $p$ that `chain` reads."""
        return frozenset(j for terms in self.chain for _, j, _ in terms)

    def filled(self, a: int, b: int) -> int:
        """How many leading rows a product has whose factors have `a` and `b` of them, the others being zero."""
        return 1 + max([a - 1, b - 1, *(k for k, i, j, _ in self.cross if i < a and j < b)])


def _plus(a: Index, b: Index) -> Index:
    return tuple(map(operator.add, a, b))


@lru_cache(maxsize=256)
def jet_space(requests: frozenset[Request]) -> JetSpace:
    """The smallest space that answers all requests; multi-indices are closed downward first.

    A Laplacian gets a row of its own where that takes fewer rows than the second derivatives it is made of.
    """
    laplacians = frozenset(r for r in requests if isinstance(r, Laplacian))
    apart = _closed(expanded(requests))
    firsts = frozenset(e for r in laplacians for e in r.indices(1))
    together = _closed(expanded(requests - laplacians) | firsts)
    return _space(together, laplacians) if len(together) + len(laplacians) < len(apart) else _space(apart, frozenset())


# Equal spaces are one object, by which jets that belong together are told.
_space = lru_cache(maxsize=256)(JetSpace)


def _closed(indices: frozenset[Index]) -> frozenset[Index]:
    return frozenset(b for a in indices for b in itertools.product(*(range(n + 1) for n in a)))
