"""Steps whose length an estimate of the error chooses, for each sample of a batch by itself."""

import dataclasses
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.pdes import Problem
from sciml.solvers.base import State
from sciml.solvers.defect import NODES
from sciml.solvers.formula import Formula, Lengths
from sciml.solvers.spectral_stepper import Memory, SpectralStepper
from sciml.solvers.spectral_system import SpectralSystem


@dataclass(frozen=True)
class Controller:
    r"""The next step from the errors of the last two: $h \leftarrow 0.9\,h\, e_n^{-0.7/q} e_{n-1}^{0.4/q}$.

    Args:
        exponent: $q$, the order in `h` of the error of a step.
        low, high: least and largest factor.

    Reference: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, section IV.2, eq. (2.43c).
    """

    exponent: float
    low: float = 0.1
    high: float = 5.0

    def after_success(self, error: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Factors for errors relative to the tolerance, below one, and those of the steps before."""
        error, before = np.maximum(error, 1e-10), np.maximum(before, 1e-10)
        return np.clip(0.9 * error ** (-0.7 / self.exponent) * before ** (0.4 / self.exponent), self.low, self.high)

    def after_failure(self, error: np.ndarray) -> np.ndarray:
        """Factors for errors above one, or not finite."""
        error = np.where(np.isfinite(error), np.maximum(error, 1e-10), np.inf)
        return np.clip(0.9 * error ** (-1.0 / self.exponent), self.low, 0.9)


def divisions(ratio: np.ndarray, most: int) -> np.ndarray:
    r"""Least number of parts, $2^j$ or $3 \cdot 2^j$, that cuts an interval into steps no longer than asked for.

    Args:
        ratio: length of the interval in steps.
        most: largest number that is looked at.
    """
    ratio = np.clip(ratio, 1.0, most)
    two = np.exp2(np.ceil(np.log2(ratio)))
    three = 3.0 * np.exp2(np.maximum(np.ceil(np.log2(ratio / 3.0)), 0.0))
    return np.where((two >= ratio) & (two <= three), two, three).astype(np.int64)


@dataclass(frozen=True)
class AdaptiveMemory(Memory):
    """What an adaptive stepper carries from interval to interval, for each sample.

    Args:
        wanted: length of the next step, `(b,)`; NaN where none was taken.
        before: error of the last step, relative to the tolerance, `(b,)`.
        trail: where each sample passed last: times, and rows of the spectra of that moment.
    """

    wanted: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    before: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    trail: list[deque[tuple[float, Tensor, int]]] = dataclasses.field(default_factory=list)

    def copy(self) -> "AdaptiveMemory":
        """For the next interval: a state may be advanced more than once, with the same result."""
        wanted, before, trail = self.wanted.copy(), self.before.copy(), [d.copy() for d in self.trail]
        return dataclasses.replace(self, wanted=wanted, before=before, trail=trail)

    def passed(self, row: int) -> tuple[list[float], Float[Tensor, "n c *s"]]:
        """Times and values of the last states of a sample."""
        v = torch.stack([v[i] for _, v, i in self.trail[row]])
        return [time for time, _, _ in self.trail[row]], self.formula.system.backward(v)


class AdaptiveStepper(SpectralStepper):
    """Covers an interval by steps whose estimated error stays below a tolerance.

    A step is the interval divided by a number of the kind $2^j$ or $3 \\cdot 2^j$, halved where the estimate is too
    large and doubled where it allows it: what depends on the length of a step is computed for few lengths, and the end
    of the interval is met. Samples have steps of their own; none depends on another.

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
        finest: int = 2**24,
    ) -> None:
        if not tol > 0:
            raise ValueError(f"tol={tol} must be positive.")
        super().__init__(problem, formula, split, order, None, dealias)
        self.tol, self.finest = tol, finest

    def memory(self, formula: Formula, batch: int) -> AdaptiveMemory:
        if not formula.embedded_order:
            raise ValueError(f"{type(formula).__name__} estimates no error; give it a dt.")
        trail: list[deque[tuple[float, Tensor, int]]] = [deque(maxlen=NODES) for _ in range(batch)]
        return AdaptiveMemory(formula, wanted=np.full(batch, np.nan), before=np.ones(batch), trail=trail)

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """Advances every sample by `dt`."""
        assert dt is not None
        memory: AdaptiveMemory = state.memory.copy()
        v, u = memory.spectrum(state)
        run = _Interval(self, memory, v, u, state.t, self.known(dt))
        while len(run.rows):
            run.attempt()
        u, v = memory.formula.system.backward(run.done), run.done
        for row, place in run.broken.items():
            u, v = u.clone(), v.clone()
            u[row][place], v[row] = math.nan, math.nan
        return state.advanced(u, dt, dataclasses.replace(memory, u=u, v=v))


class _Interval:
    """One interval of a batch; samples that reach its end leave."""

    def __init__(
        self,
        stepper: AdaptiveStepper,
        memory: AdaptiveMemory,
        v: Complex[Tensor, "b c *k"],
        u: Float[Tensor, "b c *s"],
        t: Float[Tensor, " b"],
        length: float,
    ) -> None:
        self.stepper, self.memory, self.length = stepper, memory, length
        self.formula, self.exponent = memory.formula, memory.formula.embedded_order + 1
        self.controller = Controller(self.exponent)
        self.done, self.start = v, t
        for i, trail in enumerate(memory.trail):
            if not trail:
                trail.append((float(t[i]), v, i))
        self.rows = np.arange(len(v))
        self.v, self.rate = v, self.formula.system.rate(v, t, u)
        self.size = self.formula.system.norm(v)
        self._first_lengths()
        self.parts = divisions(length / memory.wanted, stepper.finest)
        self.position = np.zeros_like(self.parts)
        self.lengths: Lengths | None = None
        #: Samples that could not go on, and the component and cell where they changed fastest.
        self.broken: dict[int, tuple[int, ...]] = {}
        # One that broke before stays where it is.
        self._keep_rows(np.isfinite(self._sizes()))

    def _first_lengths(self) -> None:
        """Where no step was taken yet: one that changes the state by the root of the tolerance its error goes with."""
        new, wanted, part = np.isnan(self.memory.wanted), self.memory.wanted, self.stepper.tol ** (1 / self.exponent)
        if new.any():
            size, speed = self._sizes(), self.formula.system.norm(self.rate).cpu().numpy()
            span = np.where(size > 0, size / np.maximum(speed, 1e-300), self.length)
            wanted[new] = np.clip(part * span, 1e-6 * self.length, self.length)[new]

    def _sizes(self) -> np.ndarray:
        return self.size.cpu().numpy()

    def attempt(self) -> None:
        """A step of each sample that is left: accepted, or tried again with a shorter one."""
        dt = self._lengths()
        elapsed = torch.as_tensor(self.position / self.parts * self.length, device=self.v.device)
        step = self.formula.advance(self.v, self.start + elapsed, dt, self.rate)
        assert step.estimate is not None
        difference, rate = step.estimate()
        system = self.formula.system
        size = system.norm(step.v)
        scale = torch.maximum(size, self.size) * self.stepper.tol
        error = (system.norm(difference) / scale.clamp_min(torch.finfo(scale.dtype).tiny)).cpu().numpy()
        good = error <= 1.0
        self._keep(good, step.v, rate, size)
        self._choose(good, error)
        self._leave()

    def _lengths(self) -> Lengths:
        """The lengths of the samples' steps; the same object as before where none changed."""
        if self.lengths is None:
            parts, index = np.unique(self.parts, return_inverse=True)
            where = None if len(parts) == 1 else torch.as_tensor(index, device=self.v.device)
            self.lengths = Lengths(tuple(self.length / int(n) for n in parts), where)
        return self.lengths

    def _keep(self, good: np.ndarray, v: Tensor, rate: Tensor | None, size: Tensor) -> None:
        """Replaces the states of the samples whose step was good."""
        mask = torch.as_tensor(good, device=v.device)
        everywhere = bool(good.all())

        def chosen(new: Tensor, old: Tensor) -> Tensor:
            return new if everywhere else torch.where(mask.view(-1, *[1] * (new.ndim - 1)), new, old)

        self.v, self.size = chosen(v, self.v), chosen(size, self.size)
        self.position = self.position + good
        if rate is None and good.any():
            elapsed = torch.as_tensor(self.position / self.parts * self.length, device=v.device)
            rate = self.formula.system.rate(self.v, self.start + elapsed)
        if rate is not None:
            self.rate = chosen(rate, self.rate)
        times = self.start.cpu().numpy() + self.position / self.parts * self.length
        for i in np.flatnonzero(good):
            self.memory.trail[self.rows[i]].append((float(times[i]), self.v, int(i)))

    def _choose(self, good: np.ndarray, error: np.ndarray) -> None:
        """The next lengths: halved as often as needed, doubled where the position allows it."""
        control, memory = self.controller, self.memory
        factor = np.where(good, control.after_success(error, memory.before[self.rows]), control.after_failure(error))
        memory.before[self.rows] = np.where(good, error, memory.before[self.rows])
        wanted = factor * self.length / self.parts
        memory.wanted[self.rows] = wanted
        parts, position = self.parts.copy(), self.position.copy()
        while (finer := (self.length / parts > wanted * (1 + 1e-9)) & (parts < self.finest)).any():
            parts[finer], position[finer] = 2 * parts[finer], 2 * position[finer]
        while (coarser := (2 * self.length / parts <= wanted) & (parts % 2 == 0) & (position % 2 == 0)).any():
            parts[coarser], position[coarser] = parts[coarser] // 2, position[coarser] // 2
        if (parts != self.parts).any():
            self.lengths = None
        self.parts, self.position = parts, position

    @property
    def finest(self) -> int:
        return self.stepper.finest

    def _leave(self) -> None:
        """Samples at the end of the interval, and those whose step became too short, are done."""
        failed = self.parts >= self.finest
        stay = (self.position < self.parts) & ~failed
        if stay.all():
            return
        for i in np.flatnonzero(failed):
            speed = self.formula.system.backward(self.rate[i : i + 1])[0].abs()
            self.broken[int(self.rows[i])] = tuple(map(int, np.unravel_index(int(speed.argmax()), speed.shape)))
        index = torch.as_tensor(self.rows, device=self.v.device)
        self.done = self.v if len(self.rows) == len(self.done) else self.done.index_copy(0, index, self.v)
        self._keep_rows(stay)

    def _keep_rows(self, stay: np.ndarray) -> None:
        if stay.all():
            return
        kept = torch.as_tensor(np.flatnonzero(stay), device=self.v.device)
        self.v, self.rate, self.size, self.start = (a[kept] for a in (self.v, self.rate, self.size, self.start))
        self.rows, self.parts, self.position = self.rows[stay], self.parts[stay], self.position[stay]
        self.formula, self.lengths = self.memory.formula.rows(self.rows), None
