"""One step of a method in Fourier space."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.solvers.spectral_system import SpectralSystem
from sciml.solvers.symbols import LinearMap
from sciml.solvers.tableaux import Tableau

#: Lengths of a step whose linear maps are kept.
TABLES = 64


@dataclass(frozen=True)
class Lengths:
    """Lengths of a step: one for all samples, or one of a few for each.

    Args:
        values: the different ones.
        index: which of them each sample takes, `(b,)`; `None` where there is one.
    """

    values: tuple[float, ...]
    index: Tensor | None = None

    @functools.cached_property
    def each(self) -> "float | Tensor":
        """A number, or `(b,)`."""
        if self.index is None:
            return self.values[0]
        return torch.tensor(self.values, dtype=torch.float64, device=self.index.device)[self.index]

    def of(self, row: int) -> float:
        """The length of one sample's step."""
        return self.values[0 if self.index is None else int(self.index[row])]

    def like(self, v: Tensor) -> "float | Tensor":
        """A number, or a tensor that broadcasts with `v`."""
        return self.each.view(-1, *[1] * (v.ndim - 1)) if isinstance(self.each, Tensor) else self.each


@dataclass(frozen=True)
class Step:
    """A step of a method.

    Args:
        v: the new state.
        estimate: computes an estimate of the error of the step, and the rate at its end where it is known then;
            `None` where the method has none.
        inside: computes the states of some samples, whose step has one length, after 1, 2, ... of so many equal parts
            of the step, `(parts - 1, r, c, *k)`; `None` where the method has no continuous extension.
    """

    v: Tensor
    estimate: Callable[[], tuple[Tensor, Tensor | None]] | None = None
    inside: Callable[[int, np.ndarray], Tensor] | None = None


class Formula(ABC):
    """One step of a method in Fourier space, for one system.

    Args:
        system: what is advanced.
    """

    #: Order of the step by which the error is estimated; 0 where it is not.
    embedded_order: int = 0
    #: What the method is for a rate alone, without a linear part.
    explicit: Tableau
    #: Whether its steps know the states inside.
    continuous: bool = False

    def __init__(self, system: SpectralSystem) -> None:
        self.system = system
        self._tables: dict[float | tuple[float, int], dict[str, LinearMap]] = {}
        self._chosen: tuple[Lengths | None, dict[str, LinearMap]] = (None, {})

    @abstractmethod
    def advance(
        self, v: Complex[Tensor, "b c *k"], t: Float[Tensor, " b"], dt: Lengths, rate: Complex[Tensor, "b c *k"]
    ) -> Step:
        """A step from `v` at `t`, where the system's rate is `rate`."""

    def maps(self, dt: Lengths, compute: Callable[[float], dict[str, LinearMap]]) -> dict[str, LinearMap]:
        """The linear maps that depend on the length of a step, kept for the last few lengths."""
        if dt is not self._chosen[0]:
            tables = [self._table(value, compute) for value in dt.values]
            maps = tables[0]
            if dt.index is not None:
                picked = LinearMap.choose([list(t.values()) for t in tables], dt.index)
                maps = dict(zip(maps, picked, strict=True))
            self._chosen = dt, maps
        return self._chosen[1]

    def _table(self, dt: float, compute: Callable[[float], dict[str, LinearMap]]) -> dict[str, LinearMap]:
        return self._kept(dt, lambda: compute(dt))

    def _kept(
        self, key: float | tuple[float, int], compute: Callable[[], dict[str, LinearMap]]
    ) -> dict[str, LinearMap]:
        found = self._tables.pop(key) if key in self._tables else compute()
        while len(self._tables) >= TABLES:
            del self._tables[next(iter(self._tables))]
        self._tables[key] = found
        return found

    def rows(self, index: np.ndarray) -> "Formula":
        """The formula for some samples."""
        system = self.system.rows(index)
        return self if system is self.system else self.bound_to(system)

    def bound_to(self, system: SpectralSystem) -> "Formula":
        """The same method for another system."""
        return type(self)(system)


def combine(weights: Sequence[float], parts: Sequence[Tensor]) -> Tensor:
    """The sum of `weights[i] * parts[i]`, without the terms of weight zero."""
    terms = [w * part for w, part in zip(weights, parts, strict=True) if w]
    total = terms[0] if terms else torch.zeros_like(parts[0])
    for term in terms[1:]:
        total = total + term
    return total
