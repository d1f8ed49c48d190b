"""Time marching: window after window, each trained for a number of steps."""

import math
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.objective import Objective, Term, Weighting
from sciml.pdes import SolutionSpec
from sciml.pinn.objective import PhysicsInformed
from sciml.pinn.windows import TimeWindows
from sciml.rng import seed_of
from sciml.status import ConfigError


class Marching(Objective):
    """The terms of an objective on the current window of `TimeWindows`, which goes on after every `steps` steps.

    The optimiser should begin anew with each window: `Phases` with `repeat`, whose steps add up to `steps`.

    Args:
        objective: equation and conditions; windows start exactly from where the ones before end, so that the equation
            and conditions on the boundary are all it needs.
        steps: per window; the last one goes on for as long as it is trained.
        margin: how far beyond its end a window is trained, as a share of its length, so that the end is well inside.

    Raises:
        ValueError: less than one step, or a negative margin.

    Reference: Wang, Sankaran & Perdikaris (2024), Comput. Methods Appl. Mech. Eng. 421:116813, section 3.
    """

    without_data = True

    def __init__(self, objective: PhysicsInformed, steps: int = 10, margin: float = 0.01) -> None:
        super().__init__()
        if steps < 1 or margin < 0:
            raise ValueError(f"steps={steps} must be at least 1 and margin={margin} not negative.")
        self.objective, self.steps, self.margin = objective, steps, margin
        self._reached = math.inf
        #: Whether there is a window after the current one.
        self.goes_on = False

    @classmethod
    def example(cls) -> "Marching":
        return cls(PhysicsInformed.example(), steps=2)

    @classmethod
    def example_network(cls) -> TimeWindows:
        """A network for the example."""
        from sciml.nn import MLP

        return TimeWindows(MLP(2, 1, width=6, depth=1), "x**2*cos(pi*x)", count=2)

    @property
    def statement(self) -> Any:
        """The whole problem, as it was stated."""
        return self.objective.statement

    @property
    def problem(self) -> Any:
        """The problem on the current window."""
        return self.objective.problem

    def coefficients(self) -> dict[str, float]:
        """As of the objective."""
        return self.objective.coefficients()

    def observations(self) -> dict[str, float]:
        """As of the objective."""
        return self.objective.observations()

    def solution(self) -> SolutionSpec:
        """What is known of the solution, up to the end of the current window."""
        return self.objective.solution().until(self._reached)

    def advance(self, step: int, epoch: int, network: nn.Module | None = None) -> None:
        """Goes on to the window of a step, and renews points.

        Raises:
            ConfigError: the network is not made of windows.
        """
        if not isinstance(network, TimeWindows):
            raise ConfigError(f"Marching needs a network of TimeWindows; this one is {type(network).__name__}.")
        window = min(step // self.steps, network.count - 1)
        moved = int(network.window) < window
        while int(network.window) < window:
            network.advance(seed_of(self.objective.seed, step))
        low, high = network.interval
        self._reached, self.goes_on = high, window + 1 < network.count
        self.objective.restrict(low, high + self.margin * (high - low))
        self.begins = moved
        if moved:
            self.objective.forget()
        self.objective.advance(step, epoch, network)

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        return self.objective.terms(network, batch)

    def linearize(self, network: nn.Module, weighting: Weighting) -> tuple[Float[Tensor, " n"], Float[Tensor, "n p"]]:
        """As of the objective."""
        return self.objective.linearize(network, weighting)
