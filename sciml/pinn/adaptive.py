"""Points that follow the residual."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.pinn.sampling import Magnitude, Sampler


class ResidualBased(Sampler):
    r"""RAD: points from the density $p(z) \propto |r(z)|^k / \overline{|r|^k} + c$, by choice among candidates.

    Args:
        points, sequence: as in `Sampler`.
        every: steps between renewals.
        power: $k$.
        floor: $c$; 0 for equations with sharp layers.
        candidates: number of points among which is chosen, as a multiple of `points`.

    Raises:
        ValueError: a negative power or floor, or fewer candidates than points.

    Reference: Wu, Zhu, Tan, Kartha & Lu (2023), Comput. Methods Appl. Mech. Eng. 403:115671, eq. (2).
    """

    def __init__(
        self,
        points: int = 1000,
        every: int = 1000,
        power: float = 1.0,
        floor: float = 1.0,
        candidates: float = 4.0,
        sequence: Any = None,
    ) -> None:
        super().__init__(points, every, sequence)
        if power < 0 or floor < 0 or candidates < 1:
            raise ValueError(
                f"power={power} and floor={floor} must not be negative, candidates={candidates} not below 1."
            )
        self.power, self.floor, self.candidates = power, floor, candidates

    def density(self, magnitude: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """$p$ at points, up to a factor."""
        raised = magnitude.double() ** self.power
        mean = raised.mean()
        # Where nothing is left of the residual all points are alike.
        return raised / mean + self.floor if bool(mean > 0) else torch.ones_like(raised)

    def draw(self, region: Any, residual: Magnitude, generator: torch.Generator) -> Float[Tensor, "n d"]:
        pool = region.sample(max(self.size, round(self.candidates * self.size)), self.sequence, generator)
        if not len(self.points):
            return pool[: self.size]
        return pool[self._chosen(residual(pool), self.size, generator)]

    def _chosen(self, magnitude: Tensor, count: int, generator: torch.Generator) -> Tensor:
        density = self.density(magnitude).cpu()
        count = min(count, int((density > 0).sum()))
        return torch.multinomial(density, count, replacement=False, generator=generator)


class Refining(ResidualBased):
    """RAR-D: the first points stay, and some from the density of `ResidualBased` are added at every renewal.

    Args:
        points: number at the start.
        added: number of each renewal.
        most: number at which it ends.
        every, power, floor, candidates, sequence: as in `ResidualBased`.

    Reference: Wu et al. (2023), Comput. Methods Appl. Mech. Eng. 403:115671, algorithm 3.
    """

    def __init__(
        self,
        points: int = 1000,
        added: int = 100,
        most: int = 10_000,
        every: int = 1000,
        power: float = 2.0,
        floor: float = 0.0,
        candidates: float = 4.0,
        sequence: Any = None,
    ) -> None:
        super().__init__(points, every, power, floor, candidates, sequence)
        if added < 1 or most < points:
            raise ValueError(f"added={added} must be at least 1, and most={most} not below points={points}.")
        self.added, self.most = added, most

    def draw(self, region: Any, residual: Magnitude, generator: torch.Generator) -> Float[Tensor, "n d"]:
        if not len(self.points):
            return region.sample(self.size, self.sequence, generator)
        if (room := self.most - len(self.points)) <= 0:
            return self.points
        pool = region.sample(round(self.candidates * self.size), self.sequence, generator)
        chosen = self._chosen(residual(pool), min(self.added, room), generator)
        return torch.cat([self.points, pool[chosen].to(self.points)])


class RetainResample(Sampler):
    """R3: points whose residual is above the mean stay, the others are drawn anew.

    Args:
        points, sequence: as in `Sampler`.
        every: steps between renewals.

    Reference: Daw, Bu, Wang, Perdikaris & Karpatne (2023), ICML, algorithm 1.
    """

    def __init__(self, points: int = 1000, every: int = 100, sequence: Any = None) -> None:
        super().__init__(points, every, sequence)

    def draw(self, region: Any, residual: Magnitude, generator: torch.Generator) -> Float[Tensor, "n d"]:
        fresh = region.sample(self.size, self.sequence, generator)
        if not len(self.points):
            return fresh
        magnitude = residual(self.points)
        kept = self.points[magnitude > magnitude.mean()]
        return torch.cat([kept, fresh[: self.size - len(kept)].to(kept)])


class Importance(ResidualBased):
    r"""Points from the density $p \propto |r| + c$, each weighted by $1/p$, so that the mean stays that of the domain.

    Args:
        points, every, floor, candidates, sequence: as in `ResidualBased`.

    Reference: Nabian, Gladstone & Meidani (2021), Comput.-Aided Civ. Infrastruct. Eng. 36:962-977, eq. (13).
    """

    importance: Tensor

    def __init__(
        self, points: int = 1000, every: int = 1000, floor: float = 0.1, candidates: float = 4.0, sequence: Any = None
    ) -> None:
        super().__init__(points, every, 1.0, floor, candidates, sequence)
        self.register_buffer("importance", torch.empty(0, dtype=torch.float64))

    def weights(self) -> Float[Tensor, " n"]:
        return self.importance

    def draw(self, region: Any, residual: Magnitude, generator: torch.Generator) -> Float[Tensor, "n d"]:
        pool = region.sample(round(self.candidates * self.size), self.sequence, generator)
        density = self.density(residual(pool)).cpu() if len(self.points) else torch.ones(len(pool), dtype=torch.float64)
        chosen = torch.multinomial(density, self.size, replacement=True, generator=generator)
        self.importance = (density.mean() / density[chosen]).to(self.importance)
        return pool[chosen]
