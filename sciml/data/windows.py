"""Windows over trajectories as index maps: which frames go in, which come out. No arrays here."""

from abc import ABC, abstractmethod
from typing import ClassVar

from sciml.describe import Described

Frames = list[int]


class Windows(Described, ABC):
    """Cuts a trajectory of `n_times` frames into windows of input and target frames."""

    #: Whether targets keep their time axis, `(b, t, c, *s)`, also when it has one entry.
    keeps_time: ClassVar[bool] = False
    #: Whether the static fields are the input instead of frames.
    static_inputs: ClassVar[bool] = False

    @abstractmethod
    def count(self, n_times: int) -> int:
        """Number of windows in one trajectory.

        Raises:
            ValueError: the trajectory is too short for a single one.
        """

    @abstractmethod
    def window(self, k: int, n_times: int) -> tuple[Frames, Frames]:
        """Input and target frames of window `k`, `0 <= k < count(n_times)`."""

    def _positive(self, count: int, needed: int, n_times: int) -> int:
        if count < 1:
            raise ValueError(f"{self!r} needs trajectories of at least {needed} frames; there are {n_times}.")
        return count

    def _check(self, k: int, n_times: int) -> None:
        if not 0 <= k < self.count(n_times):
            raise IndexError(f"window {k} of {self.count(n_times)}.")

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in getattr(self, "_arguments", {}).items())
        return f"{type(self).__name__}({given})"


class OneStep(Windows):
    r"""$u(t_k) \to u(t_{k+s})$ for every `k`.

    Args:
        stride: $s$, number of frames from input to target.
    """

    def __init__(self, stride: int = 1) -> None:
        if stride < 1:
            raise ValueError(f"stride={stride} must be at least 1.")
        self.stride = stride

    def count(self, n_times: int) -> int:
        return self._positive(n_times - self.stride, self.stride + 1, n_times)

    def window(self, k: int, n_times: int) -> tuple[Frames, Frames]:
        self._check(k, n_times)
        return [k], [k + self.stride]


class AllToAll(Windows):
    r"""$u(t_i) \to u(t_j)$ for every ordered pair $i \le j$: `i` outer, `j` inner; the lead time is part of the batch.

    Frames `0..K` give $(K+1)(K+2)/2$ pairs with $i = j$, and $K(K+1)/2$ without.

    Args:
        include_equal: whether $i = j$ counts, the identity at lead time 0.
        gaps: the differences $j - i$ that are used; all when left out.
        stride: use every `stride`-th frame.
        start: use this input frame alone (direct training); every one when left out.

    Reference: Herde et al. (2024), arXiv:2405.19101, section 2, all2all training.
    """

    def __init__(
        self, include_equal: bool = True, gaps: list[int] | None = None, stride: int = 1, start: int | None = None
    ) -> None:
        if stride < 1:
            raise ValueError(f"stride={stride} must be at least 1.")
        if gaps is not None and (not gaps or min(gaps) < (0 if include_equal else 1)):
            raise ValueError(f"gaps={gaps} must hold numbers from {0 if include_equal else 1} on.")
        self.include_equal, self.gaps, self.stride, self.start = include_equal, gaps, stride, start
        self._listed: dict[int, list[tuple[int, int]]] = {}

    def _pairs(self, n_times: int) -> list[tuple[int, int]]:
        if n_times not in self._listed:
            self._listed[n_times] = self._list_pairs(range(0, n_times, self.stride))
        return self._listed[n_times]

    def _list_pairs(self, frames: range) -> list[tuple[int, int]]:
        return [
            (i, j)
            for a, i in enumerate(frames)
            if self.start is None or i == self.start
            for b, j in enumerate(frames)
            if b >= a + (not self.include_equal) and (self.gaps is None or b - a in self.gaps)
        ]

    def count(self, n_times: int) -> int:
        least = (0 if self.gaps is None else min(self.gaps)) or (0 if self.include_equal else 1)
        return self._positive(len(self._pairs(n_times)), (self.start or 0) + least * self.stride + 1, n_times)

    def window(self, k: int, n_times: int) -> tuple[Frames, Frames]:
        self._check(k, n_times)
        i, j = self._pairs(n_times)[k]
        return [i], [j]


class Rollout(Windows):
    """The last `steps_in` frames go in, the following `steps_out` come out, for every start.

    Args:
        steps_in: input frames; their channels follow one another, oldest first.
        steps_out: target frames, which keep their time axis.
        stride: frames from one step to the next.
    """

    keeps_time = True

    def __init__(self, steps_in: int = 1, steps_out: int = 1, stride: int = 1) -> None:
        for name, value in (("steps_in", steps_in), ("steps_out", steps_out), ("stride", stride)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1.")
        self.steps_in, self.steps_out, self.stride = steps_in, steps_out, stride

    def count(self, n_times: int) -> int:
        span = (self.steps_in + self.steps_out - 1) * self.stride
        return self._positive(n_times - span, span + 1, n_times)

    def window(self, k: int, n_times: int) -> tuple[Frames, Frames]:
        self._check(k, n_times)
        frames = [k + self.stride * i for i in range(self.steps_in + self.steps_out)]
        return frames[: self.steps_in], frames[self.steps_in :]


class Steady(Windows):
    """Static fields go in, the first frame comes out: the solution map of a stationary problem."""

    static_inputs = True

    def __init__(self) -> None:
        pass

    def count(self, n_times: int) -> int:
        return 1

    def window(self, k: int, n_times: int) -> tuple[Frames, Frames]:
        self._check(k, n_times)
        return [], [0]
