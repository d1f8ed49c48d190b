"""Choices that are learned while they are used: one of several arms per round, and only its cost is seen."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from sciml.describe import Described


class Bandit(Described, ABC):
    """Chooses one of `arms` per round and learns from the cost of that arm alone; costs are to be kept low.

    Args:
        arms: number of choices, at least 1.
        seed: of the random draws; the same seed and costs give the same choices.
    """

    def __init__(self, arms: int, seed: int = 0) -> None:
        if arms < 1:
            raise ValueError(f"arms={arms} must be at least 1.")
        self.arms, self.seed = arms, seed
        self._generator = np.random.default_rng(seed)
        self._drawn: np.ndarray | None = None

    @abstractmethod
    def probabilities(self, context: float = 0.0) -> np.ndarray:
        """With which each arm is drawn in this round, `(arms,)`, all positive."""

    def select(self, context: float = 0.0) -> int:
        """Draws an arm.

        Args:
            context: what is known of the round before it; used by the contextual kinds.
        """
        self._drawn = self.probabilities(context)
        return int(self._generator.choice(self.arms, p=self._drawn))

    def update(self, arm: int, cost: float, context: float = 0.0) -> None:
        """Tells the cost of the arm that was drawn last; a round that reached its limit costs that limit.

        Raises:
            ValueError: an arm that is none, a cost that is not finite, or no draw before.
        """
        if not 0 <= arm < self.arms:
            raise ValueError(f"arm={arm} must lie in 0..{self.arms - 1}.")
        if not math.isfinite(cost):
            raise ValueError(f"cost={cost} must be finite; where a solver reached its limit, the limit is the cost.")
        if self._drawn is None:
            raise ValueError("update needs a select before it: the probability of the draw enters the estimate.")
        self._learn(arm, cost, float(self._drawn[arm]), context)
        self._drawn = None

    @abstractmethod
    def _learn(self, arm: int, cost: float, probability: float, context: float) -> None:
        """Takes in one cost, and the probability with which its arm was drawn."""

    def copied(self) -> "Bandit":
        """Another one that goes on from here, as a deep copy does in six times the time."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(twin, name, value.copy())
            elif isinstance(value, dict) and name != "_arguments":
                setattr(twin, name, dict(value))
            elif isinstance(value, list):
                setattr(twin, name, [one.copied() for one in value])
        twin._generator = np.random.Generator(type(self._generator.bit_generator)(0))
        twin._generator.bit_generator.state = self._generator.bit_generator.state
        return twin

    def state_dict(self) -> dict[str, Any]:
        """What was learned and where the random numbers are, between two rounds, as plain data that JSON can hold."""
        return {"generator": self._generator.bit_generator.state, **self._learned()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where another bandit of the same arguments stood: the same choices from the same costs.

        Raises:
            ValueError: the state of another kind of bandit, or of another number of arms.
        """
        found, wanted = set(state) - {"generator"}, set(self._learned())
        if found != wanted:
            raise ValueError(f"state has the entries {sorted(found)}; {type(self).__name__} takes {sorted(wanted)}.")
        self._restore(state)
        self._generator.bit_generator.state = dict(state["generator"])
        self._drawn = None

    @abstractmethod
    def _learned(self) -> dict[str, Any]:
        """Everything that `_learn` changes, as plain data."""

    @abstractmethod
    def _restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what `_learned` gave."""


class TsallisINF(Bandit):
    r"""Follow the regularised leader with Tsallis entropy, power 1/2: no context, no horizon, no noise model needed.

    With cumulative estimates $k_i$ of the costs above the least, scaled by their running mean $s$, and
    $\eta_t = 2/\sqrt t$, the probabilities are $p_i = 4 (\eta_t (k_i / s - x))^{-2}$, where $x$ makes them sum to 1;
    the arm $a$ that was drawn adds $(\ell - \ell_0) / p_a$ to $k_a$.

    Args:
        arms, seed: as for all bandits.
        least: smallest possible cost $\ell_0$; 1 for iteration counts.

    Reference: Zimmert & Seldin (2021), J. Mach. Learn. Res. 22(28), algorithm 1; Khodak et al. (2024), Learning to
    relax, ICLR.
    """

    def __init__(self, arms: int, seed: int = 0, least: float = 1.0) -> None:
        super().__init__(arms, seed)
        self.least = least
        self._estimates = np.zeros(arms)
        self._rounds, self._total = 0, 0.0

    def probabilities(self, context: float = 0.0) -> np.ndarray:
        mean = self._total / self._rounds if self._rounds else 0.0
        scaled = self._estimates / mean if mean > 0 else np.zeros(self.arms)
        return _tsallis(scaled, 2.0 / math.sqrt(self._rounds + 1))

    def _learn(self, arm: int, cost: float, probability: float, context: float) -> None:
        if cost < self.least:
            raise ValueError(f"cost={cost} is less than least={self.least}.")
        self._estimates[arm] += (cost - self.least) / probability
        self._total += cost - self.least
        self._rounds += 1

    def _learned(self) -> dict[str, Any]:
        return {"estimates": self._estimates.tolist(), "rounds": self._rounds, "total": self._total}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._estimates = _array(state, "estimates", (self.arms,))
        self._rounds, self._total = int(state["rounds"]), float(state["total"])


def _tsallis(estimates: np.ndarray, eta: float) -> np.ndarray:
    r"""$p_i = 4 (\eta (k_i - x))^{-2}$ with $\sum p_i = 1$.

    The sum is convex and grows with $x$. At $x = \min k - 2/\eta$ one term alone is 1; Newton's method from there
    approaches the root from above and never reaches $\min k$.
    """
    gaps = estimates - estimates.min()
    x = -2.0 / eta
    for _ in range(100):
        p = 4.0 / (eta * (gaps - x)) ** 2
        step = (p.sum() - 1.0) / (2.0 * np.sum(p / (gaps - x)))
        x -= step
        if abs(step) <= 1e-14 * abs(x):
            break
    p = 4.0 / (eta * (gaps - x)) ** 2
    return p / p.sum()


class Binned(Bandit):
    """One learner without context per interval of a context.

    Args:
        arms, seed: as for all bandits.
        low, high: range of the context; what lies outside counts to the nearest interval.
        bins: number of intervals.
        least: smallest possible cost.
    """

    def __init__(self, arms: int, low: float, high: float, bins: int = 5, seed: int = 0, least: float = 1.0) -> None:
        super().__init__(arms, seed)
        if not low < high:
            raise ValueError(f"low={low} must be less than high={high}.")
        if bins < 1:
            raise ValueError(f"bins={bins} must be at least 1.")
        self.low, self.high, self.bins = low, high, bins
        self._learners = [TsallisINF(arms, seed, least) for _ in range(bins)]

    def probabilities(self, context: float = 0.0) -> np.ndarray:
        return self._learner(context).probabilities()

    def _learn(self, arm: int, cost: float, probability: float, context: float) -> None:
        self._learner(context)._learn(arm, cost, probability, context)

    def _learned(self) -> dict[str, Any]:
        return {"learners": [learner._learned() for learner in self._learners]}

    def _restore(self, state: Mapping[str, Any]) -> None:
        if len(state["learners"]) != self.bins:
            raise ValueError(f"state has {len(state['learners'])} learners; there are bins={self.bins}.")
        for learner, one in zip(self._learners, state["learners"], strict=True):
            learner._restore(one)

    def _learner(self, context: float) -> TsallisINF:
        place = int((context - self.low) / (self.high - self.low) * self.bins)
        return self._learners[min(max(place, 0), self.bins - 1)]


class ChebCB(Bandit):
    r"""Contextual bandit: per arm a Chebyshev series of the cost over the context, explored by inverse gaps.

    With $z \in [-1, 1]$ the scaled context, $\hat y_i(z) = \sum_{j<m} \theta_{ij} T_j(z)$ is a least-squares fit to the
    costs of arm $i$ divided by $K N$, with $|\theta_{i0}| \le 1/N$ and $|\theta_{ij}| \le 2 (b-a) L / (K N j)$, where
    $K$ is the largest cost seen, $L$ their range over $b-a$, and $N = 2 + 4 (b-a) (L/K) (1 + \log m)$. The fit of
    least norm is taken where it keeps to the bounds. Arms other than the best get the probability
    $1 / (d + \eta_t (\hat y_i - \hat y_*))$, where $\eta_t = t \sqrt{d} / e$ with the root mean square $e$ of the
    prediction errors in $t$ rounds.

    Args:
        arms, seed: as for all bandits.
        low, high: range of the context, $a$ and $b$; what lies outside counts as the nearest end.
        terms: $m$.

    Reference: Khodak et al. (2024), Learning to relax, ICLR, algorithm 3; Foster & Rakhlin (2020), ICML.
    """

    def __init__(self, arms: int, low: float, high: float, terms: int = 6, seed: int = 0) -> None:
        super().__init__(arms, seed)
        if not low < high:
            raise ValueError(f"low={low} must be less than high={high}.")
        if terms < 1:
            raise ValueError(f"terms={terms} must be at least 1.")
        self.low, self.high, self.terms = low, high, terms
        self._gram = np.zeros((arms, terms, terms))
        self._moments = np.zeros((arms, terms))
        self._free = np.zeros((arms, terms))
        self._bounded_fits: dict[int, np.ndarray] = {}
        self._rounds, self._errors = 0, 0.0
        self._smallest, self._largest = math.inf, -math.inf

    def probabilities(self, context: float = 0.0) -> np.ndarray:
        predicted = self._predictions(context)
        best = int(np.argmin(predicted))
        mean = self._errors / max(self._rounds, 1)
        rate = self._rounds * math.sqrt(self.arms / mean) if mean > 0 else 0.0
        p = 1.0 / (self.arms + rate * (predicted - predicted[best]))
        p[best] = 0.0
        p[best] = 1.0 - p.sum()
        return p

    def _predictions(self, context: float) -> np.ndarray:
        """Costs of all arms over $K N$, `(arms,)`."""
        if not self._rounds:
            return np.zeros(self.arms)
        scale, bounds = self._bounds()
        features, theta = self._features(context), self._free / scale
        for arm in np.flatnonzero((np.abs(theta) > bounds * (1 + 1e-9)).any(axis=1)).tolist():
            # A fit holds until its arm or the bounds see something new.
            if arm not in self._bounded_fits:
                self._bounded_fits[arm] = self._bounded(arm, scale, bounds)
            theta[arm] = self._bounded_fits[arm]
        return theta @ features

    def _bounds(self) -> tuple[float, np.ndarray]:
        """The scale $K N$, and the largest moduli of the coefficients."""
        largest = max(float(self._largest), 1e-300)
        variation = self._largest - self._smallest
        n = 2.0 + 4.0 * variation / largest * (1.0 + math.log(self.terms))
        j = np.arange(1, self.terms)
        return largest * n, np.concatenate([[1.0 / n], 2.0 * variation / (largest * n * j)])

    def _bounded(self, arm: int, scale: float, bounds: np.ndarray) -> np.ndarray:
        from scipy.optimize import lsq_linear

        values, vectors = np.linalg.eigh(self._gram[arm])
        kept = values > 1e-10 * values[-1]
        root = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
        # A coefficient that must be zero still needs an interval.
        limit = np.maximum(bounds, 1e-12)
        return lsq_linear(root, np.linalg.pinv(root.T) @ self._moments[arm] / scale, (-limit, limit)).x

    def _features(self, context: float) -> np.ndarray:
        z = min(max(2.0 * (context - self.low) / (self.high - self.low) - 1.0, -1.0), 1.0)
        return np.cos(np.arange(self.terms) * math.acos(z))

    def _learn(self, arm: int, cost: float, probability: float, context: float) -> None:
        cost = float(cost)
        if cost < 0:
            raise ValueError(f"cost={cost} must not be negative.")
        if not self._smallest <= cost <= self._largest:
            self._smallest, self._largest = min(self._smallest, cost), max(self._largest, cost)
            self._bounded_fits.clear()
        if self._rounds:
            self._errors += (float(self._predictions(context)[arm]) - cost / self._bounds()[0]) ** 2
        features = self._features(context)
        self._gram[arm] += np.outer(features, features)
        self._moments[arm] += cost * features
        self._bounded_fits.pop(arm, None)
        self._free[arm] = self._fit(arm)
        self._rounds += 1

    def _learned(self) -> dict[str, Any]:
        # The bounded fits follow from the rest.
        return {
            "gram": self._gram.tolist(),
            "moments": self._moments.tolist(),
            "rounds": self._rounds,
            "errors": self._errors,
            "range": [self._smallest, self._largest] if self._rounds else None,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._gram = _array(state, "gram", (self.arms, self.terms, self.terms))
        self._moments = _array(state, "moments", (self.arms, self.terms))
        self._rounds, self._errors = int(state["rounds"]), float(state["errors"])
        self._smallest, self._largest = state["range"] or (math.inf, -math.inf)
        self._bounded_fits.clear()
        self._free = np.stack([self._fit(arm) for arm in range(self.arms)])

    def _fit(self, arm: int) -> np.ndarray:
        """The fit of least norm to the costs of an arm."""
        return np.linalg.lstsq(self._gram[arm], self._moments[arm], rcond=1e-10)[0]


def _array(state: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.array(state[name], dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape} in the state; this bandit takes {shape}.")
    return array
