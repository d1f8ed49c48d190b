"""A linear solver that learns, while it solves, which of several to use."""

import dataclasses
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciml.bandits import Bandit, TsallisINF
from sciml.describe import Described
from sciml.linalg.operator import LinearOperator, as_operator, entries_of
from sciml.linalg.solver import LinearSolver, Solution, right_side, without_solving

log = logging.getLogger(__name__)


class Cost(Described, ABC):
    """What a solve costs, the number that a bandit is told."""

    #: Whether the same solve costs the same again, so that choices can be repeated.
    reproducible = True

    def __init__(self) -> None:
        """Most kinds have nothing to set."""

    @abstractmethod
    def of(self, solution: Solution) -> float:
        """Not negative; where a solver reached its limit, that of the limit."""


class Iterations(Cost):
    """Steps of the method: the same on every machine."""

    def of(self, solution: Solution) -> float:
        return float(solution.iterations)


class Seconds(Cost):
    """CPU time, set-up included: what is saved, but no two runs choose alike."""

    reproducible = False

    def of(self, solution: Solution) -> float:
        return solution.setup_s + solution.solve_s


class Context(Described, ABC):
    """A number that is known of a system before it is solved, for bandits that learn how the best choice follows it."""

    def __init__(self) -> None:
        """Most kinds have nothing to set."""

    @abstractmethod
    def of(self, a: LinearOperator, b: np.ndarray) -> float:
        """Of one system, finite."""


class MeanDiagonal(Context):
    """Mean of the diagonal: the shift $c$ of a stream of matrices $A_0 + c I$, up to a constant."""

    def of(self, a: LinearOperator, b: np.ndarray) -> float:
        return float(entries_of(a, "MeanDiagonal").diag().real.mean())


@dataclass(frozen=True, eq=False)
class Learned:
    """What is handed from one system to the next; a solve makes a new one and leaves this as it is.

    Args:
        bandit: what has been learned, and where the random numbers are.
        uses: systems per solver.
        failures: solves per solver that did not succeed.
        inner: what each solver has left for itself (a factor, a subspace).
    """

    bandit: Bandit
    uses: tuple[int, ...]
    failures: tuple[int, ...]
    inner: tuple[Any, ...]

    def afresh(self) -> "Learned":
        """For another sequence: what was learned, without what the solvers have left for themselves."""
        return dataclasses.replace(self, inner=(None,) * len(self.inner))

    def state_dict(self) -> dict[str, Any]:
        """As plain data that JSON can hold, all but `inner`: what solvers keep are factors and spaces of their own."""
        return {"bandit": self.bandit.state_dict(), "uses": list(self.uses), "failures": list(self.failures)}


class BanditSolver(Described):
    """One of several solvers per system, chosen by a bandit that sees nothing but the cost of that one.

    A solver that fails costs what it took, its limit say, and what the others take, which are then tried in turn: the
    outcome is a success if one of them has one. The state is what was learned; `Learned.state_dict` saves it, and
    `restored` goes on with the same choices from the same costs. With `Seconds` choices vary between runs, and with
    them solutions, within the tolerances of the solvers.

        solver, state = BanditSolver([Stationary(SOR(w)) for w in (1.0, 1.2, 1.4, 1.6, 1.8)]), None
        for a, b in systems:
            solution = solver.solve(a, b, state=state)
            state = solution.state

    Args:
        solvers: the arms.
        bandit: of as many arms; `None` means `TsallisINF`.
        cost: what is to be kept low; `None` means `Iterations`.
        context: what the bandit may know of a system before it chooses.

    Raises:
        ValueError: no solver, or a bandit of another number of arms.

    Reference: Khodak, Chow, Balcan & Talwalkar (2024), Learning to relax, ICLR.
    """

    def __init__(
        self,
        solvers: Sequence[LinearSolver],
        bandit: Bandit | None = None,
        cost: Cost | None = None,
        context: Context | None = None,
    ) -> None:
        self.solvers = tuple(solvers)
        if not self.solvers:
            raise ValueError("solvers is empty; at least one is needed.")
        self.cost, self.context = cost or Iterations(), context
        self.bandit = bandit or TsallisINF(len(self.solvers), least=0.0)
        if self.bandit.arms != len(self.solvers):
            raise ValueError(f"bandit has {self.bandit.arms} arms; there are {len(self.solvers)} solvers.")

    def start(self) -> Learned:
        """Nothing learned yet."""
        none = (0,) * len(self.solvers)
        return Learned(self.bandit.copied(), none, none, (None,) * len(self.solvers))

    def restored(self, saved: Mapping[str, Any]) -> Learned:
        """The state that `Learned.state_dict` was taken of, without what solvers kept for themselves.

        Raises:
            ValueError: a state of other solvers or of another bandit.
        """
        fresh = self.start()
        if len(saved["uses"]) != len(self.solvers) or len(saved["failures"]) != len(self.solvers):
            raise ValueError(f"the state is one of {len(saved['uses'])} solvers; there are {len(self.solvers)}.")
        fresh.bandit.load_state_dict(saved["bandit"])
        return dataclasses.replace(fresh, uses=tuple(saved["uses"]), failures=tuple(saved["failures"]))

    def solve(self, a: LinearOperator, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution:
        """As the solver that is chosen does; systems that need no solving teach nothing.

        Raises:
            ValueError: shapes that do not fit, or a matrix that the chosen solver refuses.
        """
        a = as_operator(a)
        if known := without_solving(right_side(a, b), state):
            return known
        fits = isinstance(state, Learned) and len(state.inner) == len(self.solvers)
        known_so_far: Learned = state if fits else self.start()
        bandit, inner = known_so_far.bandit.copied(), list(known_so_far.inner)
        context = 0.0 if self.context is None else self.context.of(a, b)
        chosen = bandit.select(context)
        outcomes: dict[int, Solution] = {}
        for arm in (chosen, *(i for i in range(len(self.solvers)) if i != chosen)):
            outcomes[arm] = outcome = self.solvers[arm].solve(a, b, x0=x0, state=inner[arm])
            inner[arm] = outcome.state
            if outcome.status.ok:
                break
            log.info("solver %d of %d failed: %s", arm, len(self.solvers), outcome.message)
        bandit.update(chosen, sum(self.cost.of(outcome) for outcome in outcomes.values()), context)
        learned = Learned(
            bandit,
            tuple(n + (i in outcomes) for i, n in enumerate(known_so_far.uses)),
            tuple(n + (i in outcomes and not outcomes[i].status.ok) for i, n in enumerate(known_so_far.failures)),
            tuple(inner),
        )
        taken = outcome if outcome.status.ok else outcomes[chosen]
        return dataclasses.replace(
            taken,
            state=learned,
            applications=sum(one.applications for one in outcomes.values()),
            preconditionings=sum(one.preconditionings for one in outcomes.values()),
            setup_s=sum(one.setup_s for one in outcomes.values()),
            solve_s=sum(one.solve_s for one in outcomes.values()),
        )
