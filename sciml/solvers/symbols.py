"""The linear part of an equation in Fourier space: a number or a small matrix per wave number, and functions of it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Shaped
from torch import Tensor

from sciml.numerics import WaveNumbers
from sciml.pdes import Problem, SemilinearPDE
from sciml.solvers.spectrum import FourierDerivatives


@dataclass(frozen=True)
class LinearMap:
    """A linear map of spectra `(b, c, *k)` that acts on each wave number by itself.

    Args:
        values: numbers `(1 or b, c, *k)`, or matrices `(1 or b, c, c, *k)` where it is coupled; real ones hold each
            entry twice along a last axis, for the real and the imaginary part that they multiply.
        coupled: whether components are mixed.
    """

    values: Tensor
    coupled: bool = False

    @classmethod
    def of(cls, values: Tensor, coupled: bool = False) -> "LinearMap":
        """From numbers or matrices as they are."""
        if not values.is_complex():
            values = values[..., None].expand(*values.shape, 2)
        return cls(values.contiguous(), coupled)

    @classmethod
    def choose(cls, maps: "list[list[LinearMap]]", index: Tensor) -> "list[LinearMap]":
        """The maps `maps[index[i]]` for sample `i`, from several sets of as many maps."""
        values = torch.stack([torch.stack([m.values for m in those], dim=1) for those in maps])
        shared = values.shape[1] == 1
        row = torch.zeros_like(index) if shared else torch.arange(len(index), device=index.device)
        return [cls(v, m.coupled) for v, m in zip(values[index, row].unbind(1), maps[0], strict=True)]

    def rows(self, index: Tensor) -> "LinearMap":
        """That of some samples, where there is an axis before theirs."""
        return self if self.values.shape[1] == 1 else LinearMap(self.values[:, index], self.coupled)

    def __call__(self, v: Complex[Tensor, "b *c"]) -> Complex[Tensor, "..."]:
        # Every product is rounded by itself, and sums have one order: bits must not depend on the place in a batch.
        if not self.coupled:
            return self._times(self.values, v)
        columns = [self._times(self.values[:, :, j], v[:, j, None]) for j in range(v.shape[1])]
        total = columns[0]
        for column in columns[1:]:
            total = total + column
        return total

    @staticmethod
    def _times(values: Tensor, v: Tensor) -> Tensor:
        if not values.is_complex():
            return torch.view_as_complex(values * torch.view_as_real(v))
        # The library's complex product rounds differently at the end of an array than within it.
        a, b, x, y = values.real, values.imag, v.real, v.imag
        return torch.complex(a * x - b * y, a * y + b * x)


@dataclass(frozen=True)
class Symbol:
    """The Fourier symbol of the linear part, in the layout of spectra; real where it has no imaginary part.

    Args:
        values: `(1 or b, c, *k)`; matrices `(1 or b, *k, c, c)` where the linear part couples the components.
        coupled: whether it does.
    """

    values: Tensor
    coupled: bool

    @classmethod
    def of(cls, problem: Problem, d: FourierDerivatives) -> "Symbol":
        """The symbol of a problem's linear part with its parameters."""
        assert isinstance(problem.pde, SemilinearPDE)
        waves = WaveNumbers(problem.domain, d.device or "cpu")
        matrix = d.restrict(problem.pde.symbol(problem.domain, problem.bind(waves), waves.device))
        coupled = _couples(matrix)
        values = matrix.movedim((1, 2), (-2, -1)) if coupled else torch.diagonal(matrix, dim1=1, dim2=2).movedim(-1, 1)
        return cls(_real_if_possible(values).contiguous(), coupled)

    def map(self, function: Callable[[Tensor], Tensor]) -> LinearMap:
        """The map by a function of the symbol."""
        return self.map_of(function(self.values))

    def map_of(self, values: Shaped[Tensor, "..."]) -> LinearMap:
        """The map by values of a function of the symbol."""
        return LinearMap.of(values.movedim((-2, -1), (1, 2)) if self.coupled else values, self.coupled)

    def resolvent(self, z: float | Tensor) -> Tensor:
        """Values of $(1 - zL)^{-1}$; `z` is a number or broadcasts with the samples."""
        if not self.coupled:
            return 1.0 / (1.0 - z * self.values)
        unit = torch.eye(self.values.shape[-1], dtype=self.values.dtype, device=self.values.device)
        return torch.linalg.inv(unit - z * self.values)

    def rows(self, index: Tensor) -> "Symbol":
        """That of some samples."""
        return self if len(self.values) == 1 else Symbol(self.values[index], self.coupled)


def _couples(matrix: Tensor) -> bool:
    off = ~torch.eye(matrix.shape[1], dtype=torch.bool, device=matrix.device)
    return bool(matrix[:, off].any())


def _real_if_possible(symbol: Tensor) -> Tensor:
    return symbol if bool(symbol.imag.any()) else symbol.real
