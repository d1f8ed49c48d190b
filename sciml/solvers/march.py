"""A batch on its way through a list of times, every sample by steps of its own."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.solvers.formula import Formula, Lengths, Step
from sciml.solvers.step_sizes import Controller, divisions

#: Times that a sample passed last, each with the spectra of that moment and the row that is its own.
Trail = deque[tuple[float, Tensor, int]]
#: Intervals that one step may cover where the method knows the states inside; a power of two.
LONGEST = 8
#: Part of what the force makes in an interval against which errors are measured where the state is smaller. From rest
#: every state is small, and a force that sets in suddenly has the same relative error in a step of any length.
FORCED = 0.1


class March:
    """Samples that run through intervals, each ahead of the others as it can; one that has passed the last one leaves.

    A step is a part of an interval (see `divisions`), halved where the estimate of its error is too large and doubled
    where it allows it and the position is even: intervals end where they should, and what depends on the length of a
    step is computed for few lengths. Where the method knows the states inside its steps, one covers two, four or eight
    intervals of the same length, if their number allows it and the first one's is a multiple of that.

    Args:
        formula: one step of the method.
        tol: largest estimated L2 error of a step, relative to the L2 norm of the sample's state, or to a part of what
            the force makes in an interval where that is more.
        finest: parts of an interval from which on a sample counts as broken.
        v, u: spectra and values at the start.
        t: time of each sample at the start.
        lengths: of the intervals.
        wanted: length of each sample's next step, NaN where it had none; updated.
        before: error of each sample's last step, relative to the tolerance; updated.
        trail: where each sample passed last; updated.
        looks: intervals at whose end the trail is kept; where a step covers it, with that step.
    """

    def __init__(
        self,
        formula: Formula,
        tol: float,
        finest: int,
        v: Complex[Tensor, "b c *k"],
        u: Float[Tensor, "b c *s"],
        t: Float[Tensor, " b"],
        lengths: Sequence[float],
        wanted: np.ndarray,
        before: np.ndarray,
        trail: list[Trail],
        looks: Sequence[int] = (),
    ) -> None:
        self.formula, self.all, self.tol, self.finest = formula, formula, tol, finest
        self.controller = Controller(formula.embedded_order + 1.0)
        self.wanted, self.before, self.trail = wanted, before, trail
        self.lengths = np.asarray(lengths)
        self.most = _most_together(self.lengths) if formula.continuous else np.ones(len(lengths), dtype=np.int64)
        #: Spectra at the end of each interval, the trails there, and where samples broke: component and cell.
        self.ends = v.new_empty((len(self.lengths), *v.shape))
        self.trails: dict[int, list[Trail]] = {i: [deque() for _ in trail] for i in looks}
        self.broken: list[dict[int, tuple[int, ...]]] = [{} for _ in self.lengths]

        # What follows has an entry for each sample that is still on its way.
        self.rows, self.interval = np.arange(len(v)), np.zeros(len(v), dtype=np.int64)
        self.v, self.rate = v, formula.system.rate(v, t, u)
        self.size = formula.system.norm(v).cpu().numpy()
        self.start = t.cpu().numpy().copy()
        for row, passed in enumerate(trail):
            if not passed:
                passed.append((float(self.start[row]), v, row))
        self._first_lengths()
        # A step is `span` intervals cut into `parts`, one of which is 1.
        self.parts, self.span = self._cut(self.interval, self.wanted)
        self.position = np.zeros_like(self.parts)
        self._steps: Lengths | None = None
        # One that broke before stays where it is.
        self._lose(~np.isfinite(self.size))
        self._leave(~np.isfinite(self.size))

    def run(self) -> None:
        """Takes every sample through all intervals."""
        while len(self.rows):
            self._attempt()

    @property
    def length(self) -> np.ndarray:
        """Of the interval in which each sample is, or of those that its step covers."""
        return self.lengths[self.interval] * self.span

    @property
    def elapsed(self) -> np.ndarray:
        return self.position / self.parts * self.length

    def _first_lengths(self) -> None:
        """Where no step was taken yet: one that changes the state by the root of the tolerance its error goes with."""
        new, length = np.isnan(self.wanted), self.lengths[0]
        if new.any():
            size, speed = self.size, self.formula.system.norm(self.rate).cpu().numpy()
            span = np.where(size > 0, size / np.maximum(speed, 1e-300), length)
            part = self.tol ** (1.0 / self.controller.exponent)
            self.wanted[new] = np.clip(part * span, 1e-6 * length, length)[new]

    def _attempt(self) -> None:
        """A step of each sample: kept, or to be tried again with a shorter one."""
        system, device = self.formula.system, self.v.device
        time = torch.as_tensor(self.start + self.elapsed, device=device)
        step = self.formula.advance(self.v, time, self._lengths(), self.rate)
        assert step.estimate is not None
        difference, rate = step.estimate()
        size, off = torch.stack([system.norm(step.v), system.norm(difference)]).cpu().numpy()
        scale = np.maximum(np.maximum(size, self.size), np.finfo(size.dtype).tiny)
        if system.problem.forcing and (off > self.tol * scale).any():
            push = np.maximum(
                *(system.norm(system.force(s)).cpu().numpy() for s in (time, time + self._lengths().each))
            )
            scale = np.maximum(scale, FORCED * push * self.length)
        error = off / (self.tol * scale)
        good = error <= 1.0
        self._keep(good, step.v, rate, size)
        if (passing := good & (self.span > 1)).any():
            self._pass(passing, step)
        self._choose(good, error)
        self._finish_intervals()

    def _lengths(self) -> Lengths:
        """The lengths of the samples' steps; the same object as before where none changed."""
        if self._steps is None:
            different, index = np.unique(self.length / self.parts, return_inverse=True)
            where = None if len(different) == 1 else torch.as_tensor(index, device=self.v.device)
            self._steps = Lengths(tuple(different.tolist()), where)
        return self._steps

    def _keep(self, good: np.ndarray, v: Tensor, rate: Tensor | None, size: np.ndarray) -> None:
        """Replaces the states of the samples whose step was good."""
        everywhere, mask = bool(good.all()), torch.as_tensor(good, device=v.device)

        def chosen(new: Tensor, old: Tensor) -> Tensor:
            return new if everywhere else torch.where(mask.view(-1, *[1] * (new.ndim - 1)), new, old)

        self.v, self.size, self.position = chosen(v, self.v), np.where(good, size, self.size), self.position + good
        times = self.start + self.elapsed
        if rate is None and good.any():
            rate = self.formula.system.rate(self.v, torch.as_tensor(times, device=v.device))
        if rate is not None:
            self.rate = chosen(rate, self.rate)
        for i in np.flatnonzero(good):
            self.trail[self.rows[i]].append((float(times[i]), self.v, int(i)))

    def _pass(self, passing: np.ndarray, step: Step) -> None:
        """Stores samples at the ends of the intervals inside their steps."""
        assert step.inside is not None
        length = self.lengths[self.interval]
        for span, part in {(int(self.span[i]), float(length[i])) for i in np.flatnonzero(passing)}:
            which = np.flatnonzero(passing & (self.span == span) & (length == part))
            for i, v in enumerate(step.inside(span, which)):
                self._store(which, v, self.interval + i)

    def _choose(self, good: np.ndarray, error: np.ndarray) -> None:
        """The next lengths: halved as often as needed, doubled where the position allows it."""
        control, rows, length = self.controller, self.rows, self.length
        factor = np.where(good, control.after_success(error, self.before[rows]), control.after_failure(error))
        self.before[rows] = np.where(good, error, self.before[rows])
        self.wanted[rows] = wanted = factor * length / self.parts
        parts, position, span = self.parts.copy(), self.position.copy(), self.span.copy()
        while (shorter := ~good & (span > 1) & (length > wanted * (1 + 1e-9))).any():
            span[shorter], length = span[shorter] // 2, np.where(shorter, length / 2, length)
        while (finer := (length / parts > wanted * (1 + 1e-9)) & (span == 1) & (parts < self.finest)).any():
            parts[finer], position[finer] = 2 * parts[finer], 2 * position[finer]
        while (coarser := (2 * length / parts <= wanted) & (parts % 2 == 0) & (position % 2 == 0)).any():
            parts[coarser], position[coarser] = parts[coarser] // 2, position[coarser] // 2
        if (parts != self.parts).any() or (span != self.span).any():
            self._steps = None
        self.parts, self.position, self.span = parts, position, span

    def _finish_intervals(self) -> None:
        """Stores samples at the end of their interval and sends them into the next one."""
        over = self.position >= self.parts
        broken = ~over & (self.parts >= self.finest)
        if not (over | broken).any():
            return
        self._store(np.flatnonzero(over), self.v, self.interval + self.span - 1)
        for i in np.flatnonzero(broken):
            speed = self.formula.system.backward(self.rate[i : i + 1])[0].abs()
            place = tuple(map(int, np.unravel_index(int(speed.argmax()), speed.shape)))
            self.broken[self.interval[i]][int(self.rows[i])] = place
        self._lose(broken)
        last = over & (self.interval + self.span == len(self.lengths))
        on = over & ~last
        self.start[on] += self.length[on]
        self.interval[on] += self.span[on]
        self.parts[on], self.span[on] = self._cut(self.interval[on], self.wanted[self.rows[on]])
        self.position[on] = 0
        self._steps = None
        self._leave(last | broken)

    def _cut(self, interval: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parts of an interval, or intervals, that make the longest step not above the one that is wanted."""
        ratio = self.lengths[interval] / wanted
        together = np.exp2(np.floor(np.log2(np.maximum(1.0 / ratio, 1.0)))).astype(np.int64)
        return divisions(ratio, self.finest), np.minimum(together, self.most[interval])

    def _store(self, which: np.ndarray, v: Tensor, interval: np.ndarray) -> None:
        """Keeps the spectra of samples, and their trails, at the ends of their intervals."""
        interval, rows = interval[which], self.rows[which]
        where = tuple(torch.as_tensor(i, device=self.v.device) for i in (interval, rows))
        self.ends[where] = v if len(which) == len(v) else v[torch.as_tensor(which, device=v.device)]
        for i, row in zip(interval, rows, strict=True):
            if i in self.trails:
                self.trails[i][row] = self.trail[row].copy()

    def _lose(self, which: np.ndarray) -> None:
        """Samples that do not reach the end of their interval."""
        for i in np.flatnonzero(which):
            self.ends[self.interval[i] :, self.rows[i]] = math.nan

    def _leave(self, gone: np.ndarray) -> None:
        if not gone.any():
            return
        stay = ~gone
        kept = torch.as_tensor(np.flatnonzero(stay), device=self.v.device)
        self.v, self.rate, self.size = self.v[kept], self.rate[kept], self.size[kept]
        self.rows, self.interval, self.start = self.rows[stay], self.interval[stay], self.start[stay]
        self.parts, self.position, self.span = self.parts[stay], self.position[stay], self.span[stay]
        self.formula, self._steps = self.all.rows(self.rows), None


def _most_together(lengths: np.ndarray) -> np.ndarray:
    """For each interval how many, a power of two that divides its number, are equally long from there on."""
    most = np.ones(len(lengths), dtype=np.int64)
    for i in range(len(lengths)):
        while most[i] < LONGEST and i % (2 * most[i]) == 0 and i + 2 * most[i] <= len(lengths):
            if not (lengths[i : i + 2 * most[i]] == lengths[i]).all():
                break
            most[i] *= 2
    return most
