"""What a learned method must beat: the mean, persistence, the nearest known sample, and the solver itself."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.evaluation.cases import Case, Cases


@runtime_checkable
class Method(Protocol):
    """Predicts the targets of a case, `(b, t, c, *s)`, in physical units; NaN where it gives none."""

    name: str

    def __call__(self, case: Case) -> Tensor: ...


class Learned:
    """A surrogate: called once for a steady map, rolled out for a stepper.

    Args:
        surrogate: anything with the call and the `rollout` of `sciml.Surrogate`.
        name: in tables.
    """

    def __init__(self, surrogate: Any, name: str = "surrogate") -> None:
        self.surrogate, self.name = surrogate, name

    def __call__(self, case: Case) -> Tensor:
        if self.surrogate.spec.dt is None:
            return self.surrogate(case.inputs, params=case.params)[:, None]
        trajectory = self.surrogate.rollout(case.inputs, case.times, params=case.params, static=case.static)
        return trajectory.u[:, 1:]


class Mean:
    """The mean of the training targets, whatever the input.

    Args:
        train: the training split.
        block: samples read at once.
    """

    name = "training mean"

    def __init__(self, train: Cases, block: int = 64) -> None:
        total: Tensor | None = None
        for case in train.blocks(block):
            part = case.targets.double().sum(dim=0)
            total = part if total is None else total + part
        assert total is not None
        self.mean = total / len(train)

    def __call__(self, case: Case) -> Tensor:
        return self.mean.expand(len(case), *self.mean.shape)


class Persistence:
    """The initial state stays as it is; for steppers."""

    name = "persistence"

    def __call__(self, case: Case) -> Tensor:
        return case.inputs[:, None].expand_as(case.targets)


class Nearest:
    r"""The targets of the training sample whose inputs are the nearest, $\arg\min_j \lVert x - x_j \rVert_2$.

    Inputs are all input and static channels and the parameters, each divided by its root mean square over the training
    split, so that units do not decide. Distances come from blocks of the Gram matrix,
    $\lVert x \rVert^2 - 2 x \cdot x_j + \lVert x_j \rVert^2$, so that the training split need not fit into memory.

    Args:
        train: the training split.
        block: samples read at once.
        memory: bytes up to which the features of the training split are kept between calls.
    """

    name = "nearest sample"

    def __init__(self, train: Cases, block: int = 256, memory: int = 2**29) -> None:
        self.train, self.block = train, block
        squares: list[Tensor] = []
        numbers = 0
        for case in train.blocks(block):
            groups = _groups(case)
            numbers += sum(part.numel() for part in groups)
            parts = [part.square().sum(dim=(0, 2)) for part in groups]
            squares = parts if not squares else [a + b for a, b in zip(squares, parts, strict=True)]
        # A channel that vanishes says nothing about distance, whatever it is divided by.
        self.scales = [torch.where(s > 0, s, 1.0).sqrt() for s in squares]
        self._kept = list(self._read()) if 8 * numbers <= memory else None

    def __call__(self, case: Case) -> Tensor:
        x = self._features(case)
        best = x.new_full((len(case),), torch.inf)
        nearest = torch.zeros(len(case), dtype=torch.long)
        for y, squares, index in self._kept or self._read():
            # The norm of x is the same for all candidates.
            distance, candidate = torch.addmm(squares, x, y.T, alpha=-2).min(dim=1)
            closer = distance < best
            best = torch.where(closer, distance, best)
            nearest = torch.where(closer, index[candidate], nearest)
        unique, place = nearest.unique(return_inverse=True)
        return self.train.block(unique.tolist()).targets[place]

    def _read(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Features of the training samples, their squared norms and positions, in blocks."""
        for known in self.train.blocks(self.block):
            y = self._features(known)
            yield y, y.square().sum(dim=1), known.index

    def _features(self, case: Case) -> Float[Tensor, "b n"]:
        scaled = zip(_groups(case), self.scales, strict=True)
        return torch.cat([(part / scale[:, None]).flatten(1) for part, scale in scaled], dim=1)


def _groups(case: Case) -> list[Tensor]:
    """Inputs, static fields and parameters as `(b, c, n)`, float64."""
    given = (case.inputs, case.static, None if case.params is None else case.params[:, :, None])
    return [part.double().flatten(2) for part in given if part is not None]


class Classical:
    """A numerical solver on the problems themselves.

    Args:
        solve: called with the position of a sample in the split; gives the fields at the case's times, with or without
            the initial ones, or at all times of the data set; a `Trajectory` of one sample or an array `(t, c, *s)`.
        name: in tables.
        samples: solve the first so many only, since a solver may be slow; the table states how many.
    """

    def __init__(self, solve: Callable[[int], Any], name: str = "classical solver", samples: int | None = None) -> None:
        self.solve, self.name, self.samples = solve, name, samples

    def __call__(self, case: Case) -> Tensor:
        return torch.stack([self._at_targets(_array(self.solve(int(i))), case) for i in case.index])

    def _at_targets(self, solution: Tensor, case: Case) -> Tensor:
        count = case.targets.shape[1]
        if len(solution) in (count, count + 1):
            return solution[-count:]
        if not case.frames or len(solution) <= max(case.frames):
            raise ValueError(f"{self.name} gave {len(solution)} frames; the case has {count} targets.")
        return solution[list(case.frames)]


def _array(solution: Any) -> Tensor:
    """`(t, c, *s)` of a trajectory or an array."""
    values = getattr(solution, "u", solution)
    tensor = torch.as_tensor(values if isinstance(values, Tensor) else np.asarray(values)).double()
    return tensor[0] if hasattr(solution, "u") else tensor


def default_baselines(train: Cases) -> Sequence[Method]:
    """Persistence for a stepper, the mean for a steady map, and the nearest training sample."""
    first: Method = Mean(train) if train.task.dt is None else Persistence()
    return [first, Nearest(train)]
