"""Measured values: what inverse problems learn from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.pdes import Problem, Statement, problem_of
from sciml.pinn.conditions import Condition
from sciml.pinn.reference import Reference, Solved
from sciml.pinn.regions import Cuboid, whole
from sciml.pinn.sampling import Sampler
from sciml.rng import sample_rng
from sciml.status import ConfigError


class Observations(Condition):
    """Measured values of one component at given points, which no sampler moves.

    Args:
        points: coordinates, `(n, d)`, columns in the order of `Problem.axes`.
        values: `(n,)`.
        field: the component.

    Raises:
        ValueError: no points, other numbers of values, two different values at one point, non-finite numbers.
    """

    def __init__(
        self, points: Sequence[Sequence[float]] | Tensor, values: Sequence[float] | Tensor, field: str = "u"
    ) -> None:
        super().__init__()
        at, given = torch.as_tensor(points, dtype=torch.float64), torch.as_tensor(values, dtype=torch.float64)
        if at.ndim != 2 or not len(at) or given.shape != (len(at),):
            raise ValueError(
                f"points {tuple(at.shape)} must be (n, d) with n at least 1, and values {tuple(given.shape)} (n,)."
            )
        if not bool(torch.isfinite(at).all() and torch.isfinite(given).all()):
            raise ValueError("points and values must be finite.")
        places, inverse = at.unique(dim=0, return_inverse=True)
        first = given.new_zeros(len(places)).scatter_reduce(0, inverse, given, "amax", include_self=False)
        if bool((clash := first[inverse] != given).any()):
            place = [round(float(v), 6) for v in at[clash][0]]
            raise ValueError(f"values contradict each other: {field!r} has two values at the point {place}.")
        self.field, self.name = field, f"data:{field}"
        self.sampler = Given(at, given)

    @classmethod
    def example(cls) -> "Observations":
        return cls([[0.0, 0.5], [0.5, 0.5]], [0.1, -0.2])

    @property
    def at(self) -> Float[Tensor, "n d"]:
        """Where was measured."""
        return self.sampler.points[:, :-1]

    @property
    def values(self) -> Float[Tensor, " n"]:
        """What was measured."""
        return self.sampler.points[:, -1]

    def check(self, problem: Problem) -> None:
        if self.field not in problem.unknowns:
            raise ValueError(f"field={self.field!r} must be one of {', '.join(problem.unknowns)}.")
        if self.at.shape[1] != len(problem.axes):
            raise ValueError(f"points have {self.at.shape[1]} columns; the axes are {', '.join(problem.axes)}.")

    def region(self, problem: Problem) -> Cuboid:
        return whole(problem)

    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n c"]) -> dict[str, Tensor]:
        u = network(points[:, :-1])[..., problem.unknowns.index(self.field)]
        return {self.field: u - points[:, -1]}


class Given(Sampler):
    """Points that stay what they are: a point is its coordinates, then what was measured there.

    Args:
        at: coordinates, `(n, d)`.
        values: `(n,)`.
    """

    def __init__(self, at: Tensor, values: Tensor) -> None:
        super().__init__(max(len(at), 1))
        self.points = torch.cat([at, values[:, None]], dim=1)

    @classmethod
    def example(cls) -> "Given":
        return cls(torch.zeros(2, 2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))

    def forget(self) -> None:
        """Nothing: these points are the measurement."""

    def draw(self, region: Any, residual: Any, generator: torch.Generator) -> Float[Tensor, "n d"]:
        return self.points


def read_observations(path: str, field: str = "u") -> Observations:
    """Measurements from a NumPy archive with the arrays `points` `(n, d)` and `values` `(n,)`.

    Args:
        path: of the `.npz` file.
        field: the component that was measured.

    Raises:
        ConfigError: no such file, or one without these arrays.
        ValueError: arrays that `Observations` refuses.
    """
    if not Path(path).is_file():
        raise ConfigError(f"path={path} does not exist.")
    with np.load(path, allow_pickle=False) as archive:
        if missing := [name for name in ("points", "values") if name not in archive]:
            raise ConfigError(f"{path} has no array {missing[0]!r}; it has {', '.join(archive)}.")
        return Observations(torch.from_numpy(archive["points"]), torch.from_numpy(archive["values"]), field)


class Twin(Observations):
    r"""A twin experiment: values of a reference solution at random ones of its points, with Gaussian noise.

    Args:
        count: number of points.
        noise: standard deviation of the noise, relative to that of the solution.
        reference: where the solution comes from; the problem's own parameters are the truth that is to be found.
        field: the component.
        seed: of points and noise.

    Raises:
        ValueError: no points, negative noise, or more points than the reference has.
    """

    def __init__(
        self,
        count: int = 2000,
        noise: float = 0.0,
        reference: Reference | None = None,
        field: str = "u",
        seed: int = 0,
    ) -> None:
        if count < 1 or noise < 0:
            raise ValueError(f"count={count} must be at least 1 and noise={noise} not negative.")
        super().__init__([[0.0]], [0.0], field)
        self.count, self.noise, self.reference, self.seed = count, noise, reference or Solved(), seed
        # Nothing is measured before the first step.
        self.sampler = Given(self.at[:0], self.values[:0])

    @classmethod
    def example(cls) -> "Twin":
        return cls(20, reference=Solved(points=16, frames=3))

    def prepare(self, statement: Problem | Statement) -> None:
        """Measures, unless that was done: configurations are looked at more often than they are trained."""
        if not len(self.values):
            self.measure(statement)

    def measure(self, statement: Problem | Statement) -> None:
        """Draws the measurements from the reference solution of a problem."""
        problem = problem_of(statement)
        points, values = self.reference.samples(statement)
        if self.count > len(points):
            raise ValueError(f"count={self.count} is more than the {len(points)} points of the reference.")
        rng = sample_rng(self.seed, 0)
        chosen = torch.from_numpy(rng.choice(len(points), self.count, replace=False))
        exact = values[chosen, problem.names.index(self.field)]
        noise = torch.from_numpy(rng.normal(size=self.count)) * self.noise * exact.std()
        self.sampler = Given(points[chosen], exact + noise).to(self.sampler.points.device)

    def check(self, problem: Problem) -> None:
        if self.field not in problem.names:
            raise ValueError(f"field={self.field!r} must be one of {', '.join(problem.names)}.")
