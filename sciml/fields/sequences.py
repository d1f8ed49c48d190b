"""Point sets of the unit cube, random and quasi-random, from which regions draw their points."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float64
from torch import Tensor


@dataclass(frozen=True)
class Sequence(ABC):
    """A rule for points of the unit cube."""

    #: Whether every leading part of the points is spread over the cube.
    extensible: ClassVar[bool] = True

    def points(self, n: int, d: int, generator: torch.Generator | None = None) -> Float64[Tensor, "n d"]:
        """`n` points of $[0, 1)^d$ in float64.

        Args:
            n: number of points.
            d: dimension of the cube.
            generator: of everything random; torch's global one without.

        Raises:
            ValueError: a number below 1.
        """
        if n < 1 or d < 1:
            raise ValueError(f"n={n} and d={d} must be at least 1.")
        return self._points(n, d, generator)

    @abstractmethod
    def _points(self, n: int, d: int, generator: torch.Generator | None) -> Tensor: ...


@dataclass(frozen=True)
class MonteCarlo(Sequence):
    """Independent uniform points."""

    def _points(self, n: int, d: int, generator: torch.Generator | None) -> Tensor:
        return torch.rand(n, d, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class Sobol(Sequence):
    """The Sobol sequence in base 2, best for a power of two of points.

    Args:
        scramble: randomly, which makes means unbiased; without, the sequence is the same every time.

    Reference: Owen (1998), ACM Trans. Model. Comput. Simul. 8:71-102.
    """

    scramble: bool = True

    def _points(self, n: int, d: int, generator: torch.Generator | None) -> Tensor:
        seed = _seed(generator) if self.scramble else None
        return torch.quasirandom.SobolEngine(d, self.scramble, seed).draw(n, dtype=torch.float64)


@dataclass(frozen=True)
class Halton(Sequence):
    """The Halton sequence: radical inverses in the first `d` primes.

    Args:
        scramble: permutes the digits randomly; without, coordinates of large primes are correlated.

    Reference: Owen (2017), arXiv:1706.02808.
    """

    scramble: bool = True

    def _points(self, n: int, d: int, generator: torch.Generator | None) -> Tensor:
        from scipy.stats import qmc

        seed = _seed(generator) if self.scramble else None
        return torch.from_numpy(qmc.Halton(d, scramble=self.scramble, seed=seed).random(n))


@dataclass(frozen=True)
class Hammersley(Sequence):
    r"""$(i + s)/n$ beside the Halton sequence of one dimension less.

    Args:
        scramble: a random $s \in [0, 1)$ and random digits; without, $s = 0$.
    """

    scramble: bool = True
    extensible: ClassVar[bool] = False

    def _points(self, n: int, d: int, generator: torch.Generator | None) -> Tensor:
        shift = torch.rand((), generator=generator, dtype=torch.float64) if self.scramble else 0.0
        first = (torch.arange(n, dtype=torch.float64)[:, None] + shift) / n
        if d == 1:
            return first
        return torch.cat([first, Halton(self.scramble).points(n, d - 1, generator)], dim=1)


@dataclass(frozen=True)
class LatinHypercube(Sequence):
    """One point in each of `n` equal slices, in every coordinate.

    Reference: McKay, Beckman & Conover (1979), Technometrics 21:239-245.
    """

    extensible: ClassVar[bool] = False

    def _points(self, n: int, d: int, generator: torch.Generator | None) -> Tensor:
        slices = torch.stack([torch.randperm(n, generator=generator) for _ in range(d)], dim=1)
        return (slices + torch.rand(n, d, generator=generator, dtype=torch.float64)) / n


def _seed(generator: torch.Generator | None) -> int:
    return int(torch.randint(2**31 - 1, (), generator=generator))
