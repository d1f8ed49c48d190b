"""Which derivatives a residual asks for: it is run once on probes that only remember how they were differentiated."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sciml.numerics.derivatives import Derivatives, Field
from sciml.numerics.jet_space import Index, Laplacian, Request, expanded


class Probe:
    """A field that carries the total derivative of every input it was made from, as a set of requests."""

    def __init__(self, indices: frozenset[Request]) -> None:
        self.indices = indices

    def _with(self, *others: Any) -> "Probe":
        return Probe(self.indices.union(*(o.indices for o in others if isinstance(o, Probe))))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _with

    def __neg__(self) -> "Probe":
        return self

    def __getitem__(self, key: Any) -> "Probe":
        return self

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> "Probe":
        flat = [b for a in args for b in (a if isinstance(a, list | tuple) else [a])]
        found = [a for a in (*flat, *(kwargs or {}).values()) if isinstance(a, Probe)]
        return found[0]._with(*found[1:])


class ProbeDerivatives(Derivatives):
    """Records instead of differentiating."""

    pointwise = True

    def _leaf(self) -> Probe:
        return Probe(frozenset([(0,) * len(self.axes)]))

    def coordinates(self) -> dict[str, Field]:
        return {name: self._leaf() for name in self.axes}

    def fields(self, names: Sequence[str]) -> dict[str, Field]:
        return {name: self._leaf() for name in names}

    def derivative(self, u: Field, counts: Index) -> Field:
        return Probe(_shifted(u.indices, counts)) if isinstance(u, Probe) else u

    def laplacian(self, u: Field) -> Field:
        if isinstance(u, Probe) and u.indices == self._leaf().indices:
            return Probe(frozenset([Laplacian(tuple(float(axis in self.space) for axis in self.axes))]))
        return super().laplacian(u)


def _shifted(indices: frozenset[Request], counts: Index) -> frozenset[Request]:
    return frozenset(tuple(map(operator.add, a, counts)) for a in expanded(indices))


def requests(
    residual: Callable[[dict[str, Field], Derivatives], Mapping[str, Field]], names: Sequence[str], axes: Sequence[str]
) -> frozenset[Request]:
    """What `residual(fields, derivatives)` differentiates of its inputs: multi-indices, and Laplacians of them.

    A derivative of an expression counts along every path to an input: `d(a * d(u, "x"), "x")` needs `u_xx` and `u_x`.
    A Laplacian that is differentiated further counts as the second derivatives that it is made of.
    """
    probes = ProbeDerivatives(axes)
    outputs = residual(probes.fields(names), probes)
    found = [r.indices for r in outputs.values() if isinstance(r, Probe)]
    return frozenset([(0,) * len(tuple(axes))]).union(*found)


def required(
    residual: Callable[[dict[str, Field], Derivatives], Mapping[str, Field]], names: Sequence[str], axes: Sequence[str]
) -> frozenset[Index]:
    """The multi-indices of all `requests`, those of Laplacians included."""
    return expanded(requests(residual, names, axes))
