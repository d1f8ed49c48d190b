"""Steps whose length an estimate of the error chooses, for each sample of a batch by itself."""

import dataclasses
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciml.pdes import Problem
from sciml.solvers.base import State
from sciml.solvers.defect import NODES
from sciml.solvers.formula import Formula
from sciml.solvers.march import LONGEST, March, Trail
from sciml.solvers.spectral_stepper import Memory, SpectralStepper
from sciml.solvers.spectral_system import SpectralSystem

#: Numbers in the states that samples may be ahead of one another, in all.
AHEAD = 2**25


@dataclass(frozen=True)
class AdaptiveMemory(Memory):
    """What an adaptive stepper carries on, for each sample.

    Args:
        wanted: length of the next step, `(b,)`; NaN where none was taken.
        before: error of the last step, relative to the tolerance, `(b,)`.
        trail: where it passed last.
    """

    wanted: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    before: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    trail: list[Trail] = dataclasses.field(default_factory=list)

    def copy(self) -> "AdaptiveMemory":
        """To be changed on the way: a state may be advanced more than once, with the same result."""
        trail = [passed.copy() for passed in self.trail]
        return dataclasses.replace(self, wanted=self.wanted.copy(), before=self.before.copy(), trail=trail)

    def passed(self, row: int) -> list[float]:
        """Times of the last states of a sample."""
        return [time for time, _, _ in self.trail[row]]

    def values(self, rows: Sequence[int]) -> Tensor:
        """Values of the last states of samples that passed equally many."""
        states = [torch.stack([v[i] for _, v, i in self.trail[row]]) for row in rows]
        return self.formula.system.backward(torch.stack(states, dim=1))


class AdaptiveStepper(SpectralStepper):
    """Covers what it is asked for by steps whose estimated error stays below a tolerance (see `March`).

    Samples have steps of their own; none depends on another.

    Args:
        problem, formula, split, order, dealias: as in `SpectralStepper`.
        tol: largest estimated L2 error of a step, relative to the L2 norm of the sample's state.
        finest: parts of an interval from which on a step counts as failed; the sample is then NaN in the cell where
            it changes fastest.
    """

    def __init__(
        self,
        problem: Problem,
        formula: Callable[[SpectralSystem], Formula],
        split: bool,
        order: int,
        tol: float,
        dealias: float,
        finest: int = 2**30,
    ) -> None:
        if not tol > 0:
            raise ValueError(f"tol={tol} must be positive.")
        super().__init__(problem, formula, split, order, None, dealias)
        self.tol, self.finest = tol, finest

    def memory(self, formula: Formula, batch: int) -> AdaptiveMemory:
        if not formula.embedded_order:
            raise ValueError(f"{type(formula).__name__} estimates no error; give it a dt.")
        trail: list[Trail] = [deque(maxlen=NODES) for _ in range(batch)]
        return AdaptiveMemory(formula, wanted=np.full(batch, np.nan), before=np.ones(batch), trail=trail)

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """Advances every sample by `dt`."""
        assert dt is not None
        return next(self._through(state, [dt], [0]))

    def march(self, state: State, times: Sequence[float], looks: Collection[float] = ()) -> Iterator[State]:
        """The states at `times[1:]`, in which samples run ahead of one another; `times[0]` is that of `state`.

        The memory of states at other times than those of `looks` and the last does not hold the steps before them.
        """
        lengths = np.diff(times).tolist()
        # Steps over several intervals end where a block does, whatever its length.
        at_once = max(1, AHEAD // state.u.numel() // LONGEST) * LONGEST
        for first in range(0, len(lengths), at_once):
            block = lengths[first : first + at_once]
            wanted = [i for i, t in enumerate(times[first + 1 : first + 1 + len(block)]) if t in looks]
            for later in self._through(state, block, sorted({*wanted, len(block) - 1})):
                yield later
            state = later

    def _through(self, state: State, lengths: Sequence[float], looks: Sequence[int]) -> Iterator[State]:
        memory: AdaptiveMemory = state.memory.copy()
        v, u = memory.spectrum(state)
        run = March(
            memory.formula, self.tol, self.finest, v, u, state.t, [self.known(dt) for dt in lengths],
            memory.wanted, memory.before, memory.trail, looks,
        )  # fmt: skip
        run.run()
        for i, dt in enumerate(lengths):
            v, u = run.ends[i], memory.formula.system.backward(run.ends[i])
            for row, place in run.broken[i].items():
                u[row] = memory.values([row])[-1, 0]
                u[row][place] = math.nan
            kept = dataclasses.replace(memory, u=u, v=v, trail=run.trails.get(i, []))
            state = state.advanced(u, dt, kept)
            yield state
