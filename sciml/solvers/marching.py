"""What methods that advance in time share: refuse, make a stepper, roll it out, take the samples of a batch apart."""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.describe import Described
from sciml.pdes import Problem
from sciml.pdes.problem import of_samples
from sciml.solvers.base import Stepper, Trajectory, rollout
from sciml.solvers.defect import Defect


class TimeIntegrator(Described, ABC):
    """A method that advances in time."""

    @property
    @abstractmethod
    def order(self) -> int:
        """Order of convergence in the step; a test observes it."""

    @abstractmethod
    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""

    @abstractmethod
    def stepper(self, problem: Problem, dt: float | None = None) -> Stepper:
        """The stepper of a problem, for use in a `rollout` or by a hybrid.

        Raises:
            ValueError: the problem is refused.
        """

    @abstractmethod
    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        """The solution at the problem's times on its domain.

        Raises:
            ValueError: the problem is refused.
        """

    def accept(self, problem: Problem) -> None:
        """Raises `ValueError` with the reason where the problem is refused."""
        if reason := self.refuses(problem):
            raise ValueError(reason)


def difference(a: Tensor, b: Tensor) -> Float[Tensor, " b"]:
    """Largest relative L2 difference over the frames; NaN compares as infinite."""
    norm = a.flatten(2).norm(dim=2)
    ratio = (a - b).flatten(2).norm(dim=2) / norm.clamp_min(torch.finfo(a.dtype).tiny)
    return torch.nan_to_num(ratio, nan=math.inf).amax(dim=1)


def integrate(stepper: Stepper, problem: Problem) -> Trajectory:
    """The problem's trajectory by a stepper, with its largest relative defect as `residual` (see `Defect`)."""
    assert isinstance(problem.times, Tensor)
    watched = Defect(stepper, problem)
    state = watched.start(problem.initial_state(), t=float(problem.times[0]))
    trajectory = rollout(watched, state, problem.times)
    return dataclasses.replace(trajectory, residual=watched.largest)


def samples_of(problem: Problem) -> list[Problem]:
    """The problem of every sample of a batch: each finds its own step, so that none depends on the others."""
    dims, initial = problem.domain.dimensions, problem.initial_state()
    fields = {p.name for p in problem.pde.parameters if p.field}
    batched = {
        n: v
        for n, v in problem.parameters.items()
        if isinstance(v, Tensor) and v.ndim == (dims + 1 if n in fields else 1)
    }
    count = max([len(initial), *map(len, batched.values())])
    if count == 1:
        return [problem]

    def pick(values: Tensor, i: int) -> Tensor:
        return values[i : i + 1] if len(values) > 1 else values

    def force(i: int) -> dict[str, Callable[..., Any]]:
        return {n: of_samples(f, torch.tensor([i])) for n, f in (problem.forcing or {}).items()}

    return [
        dataclasses.replace(
            problem,
            initial=pick(initial, i),
            parameters={**problem.parameters, **{n: pick(v, i) for n, v in batched.items()}},
            forcing=force(i) or None,
        )
        for i in range(count)
    ]


def together(singles: list[Trajectory]) -> Trajectory:
    residuals = [s.residual for s in singles if s.residual is not None]
    return dataclasses.replace(
        singles[0],
        u=torch.cat([s.u for s in singles]),
        status=torch.cat([s.status for s in singles]),
        residual=torch.cat(residuals) if len(residuals) == len(singles) else None,
        blowups={i: s.blowups[0] for i, s in enumerate(singles) if s.blowups},
    )
