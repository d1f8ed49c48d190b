"""temporary"""

from dataclasses import dataclass
import torch


@dataclass(frozen=True)
class Uniform:
    def points(self, n, dimensions, generator):
        return torch.rand(n, dimensions, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class Sobol:
    def points(self, n, dimensions, generator):
        seed = int(torch.randint(2**31, (1,), generator=generator))
        return torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=seed).draw(n, dtype=torch.float64)
