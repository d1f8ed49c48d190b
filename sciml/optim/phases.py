"""A schedule of optimisers that is one optimiser."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor
from torch.optim import Adam, Optimizer

from sciml.describe import describe
from sciml.optim.rates import Rate
from sciml.optim.ssbroyden import SSBroyden


@dataclass(frozen=True)
class Phase:
    """One optimiser for a number of steps.

    Args:
        optimizer: called with the parameters.
        steps: how many calls of `step`; without end when left out, for the last phase alone.
        rate: of the optimiser over the phase; constant when left out.

    Raises:
        ValueError: less than one step.
    """

    optimizer: Callable[[Iterable], Optimizer]
    steps: int | None = None
    rate: Rate | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps={self.steps} must be at least 1.")


class Phases(Optimizer):
    """Optimisers one after the other, each from the parameters that the one before has left.

    The state dict holds the state of every phase and the number of steps, so that a run goes on exactly where it was
    stopped. The state of a finished phase is given up; the last phase goes on for as long as it is called.

    Args:
        params: parameters to optimise.
        phases: in order.
        repeat: begin anew after the last phase, with no memory of what was before: for one window of time after
            another.

    Raises:
        ValueError: no phase, or a phase without end before the last one, or as the last one of those that repeat.
    """

    def __init__(
        self, params: Iterable[Tensor] | Iterable[dict[str, Any]], phases: Sequence[Phase], repeat: bool = False
    ) -> None:
        self.phases, self.steps, self.repeat = list(phases), 0, repeat
        if not self.phases:
            raise ValueError("phases is empty; at least one is needed.")
        for number, phase in enumerate(self.phases if repeat else self.phases[:-1]):
            if phase.steps is None:
                raise ValueError(f"phases[{number}] has no number of steps; only the last one may go on without end.")
        given: list[Any] = list(params)
        super().__init__([_copy(entry) for entry in given], {})
        #: One per phase, all of them on the same parameters.
        self.optimizers = [phase.optimizer([_copy(entry) for entry in given]) for phase in self.phases]
        self._rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        self._enter()

    @classmethod
    def example(cls, params: Iterable[Tensor]) -> "Phases":
        """Two short phases, for tests."""
        return cls(params, [Phase(Adam, steps=2), Phase(partial(SSBroyden, iterations=5))])

    @property
    def position(self) -> tuple[int, int]:
        """Number of the phase that the next step belongs to, and that of the step within it."""
        step = self.steps % sum(phase.steps or 0 for phase in self.phases) if self.repeat else self.steps
        for number, phase in enumerate(self.phases[:-1]):
            if step < (phase.steps or 0):
                return number, step
            step -= phase.steps or 0
        return len(self.phases) - 1, step

    @property
    def current(self) -> Optimizer:
        """The optimiser of the next step."""
        return self.optimizers[self.position[0]]

    @property
    def guarded(self) -> bool:
        """Whether the optimiser of the next step sees to trials that are not finite."""
        return getattr(self.current, "guarded", False)

    def bind(self, linearize: Callable[[], Any]) -> None:
        """Gives every phase that asks for residuals and their Jacobian what computes them."""
        for optimizer in self.optimizers:
            if hasattr(optimizer, "bind"):
                optimizer.bind(linearize)

    def step(self, closure: Any = None) -> Any:
        """One step of the current phase."""
        self._enter()
        result = self.current.step(closure)
        self.steps += 1
        return result

    def _enter(self) -> None:
        number, step = self.position
        for finished in self.optimizers[:number] if number or step or not self.repeat else self.optimizers:
            finished.state.clear()
        phase, groups = self.phases[number], self.optimizers[number].param_groups
        factor = 1.0 if phase.rate is None else phase.rate.factor(step, phase.steps)
        for group, rate in zip(groups, self._rates[number], strict=True):
            group["lr"] = rate * factor
        # In place: a trainer may hold this list.
        self.param_groups[:] = groups

    def settings(self) -> dict[str, Any]:
        """Steps and rates of the phases as plain data."""
        rates = [None if phase.rate is None else describe(phase.rate) for phase in self.phases]
        return {"steps": [phase.steps for phase in self.phases], "rates": rates, "repeat": self.repeat}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "phases": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over the state of as many phases.

        Raises:
            ValueError: another number of phases.
        """
        states = state_dict["phases"]
        if len(states) != len(self.optimizers):
            raise ValueError(f"the state has {len(states)} phases; this schedule has {len(self.optimizers)}.")
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)
        self.steps = state_dict["steps"]
        self._enter()


def _copy(entry: Any) -> Any:
    # Optimisers write their options into the groups that they are given.
    return {**entry, "params": list(entry["params"])} if isinstance(entry, dict) else entry
