"""A network as the solution: the equation and its conditions become the terms of a loss."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.objective import FixedWeights, Objective, Term, Weighting
from sciml.optim import jacobian
from sciml.pdes import Problem, SolutionSpec, Statement, problem_of
from sciml.pinn.conditions import Condition, Interior, dtype_of
from sciml.pinn.high_dimensional import HighDimensional
from sciml.rng import torch_generator
from sciml.status import ConfigError


class PhysicsInformed(Objective):
    r"""$\min_\theta \sum_k \lambda_k \overline{r_k(z; u_\theta)^2}$ over the conditions $k$ of a problem.

    A term has the name of its condition (`pde`, `initial`, `x-`, ...), with the equation behind a colon where there are
    several; its values are squared residuals, one per point.

    Args:
        problem: equation, domain and data.
        conditions: what the network must satisfy; the equation alone when left out, which is enough for a network whose
            form satisfies the rest.
        unknown: coefficients to be found, name to starting value; they are trained with the network.
        scales: typical size of an unknown coefficient, by name; its starting value when left out.
        seed: of the points.
        chunk: points at a time where a Jacobian is computed.

    Raises:
        ValueError: two conditions of the same name, an unknown coefficient that the equation does not have, a starting
            value of zero without a scale, or a condition that does not fit the problem.

    Reference: Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378:686-707, eqs. (2)-(4).
    """

    without_data = True

    def __init__(
        self,
        problem: Problem | Statement | HighDimensional,
        conditions: Sequence[Condition] | None = None,
        unknown: dict[str, float] | None = None,
        scales: dict[str, float] | None = None,
        seed: int = 0,
        chunk: int = 1024,
    ) -> None:
        super().__init__()
        self.conditions: Sequence[Condition] = nn.ModuleList(  # type: ignore[assignment]
            conditions if conditions is not None else [Interior()]
        )
        self.seed, self.chunk = seed, chunk
        plain = problem_of(problem)
        #: The problem as it was stated, with what is known of its solution.
        self.statement = problem
        self.scales = _scales(plain, unknown or {}, scales or {})
        self.unknown: Mapping[str, Tensor] = nn.ParameterDict(  # type: ignore[assignment]
            {name: nn.Parameter(torch.tensor(start / self.scales[name])) for name, start in (unknown or {}).items()}
        )
        self.problem = self._whole = _with_unknowns(plain, self)
        self._check()

    @classmethod
    def example(cls) -> "PhysicsInformed":
        from sciml.pinn.conditions import Face, Initial
        from sciml.pinn.sampling import Quasirandom

        kinds = [Interior, Initial, Face]
        return cls(Statement.example(), [kind(sampler=Quasirandom(8)) for kind in kinds])

    @classmethod
    def example_network(cls) -> nn.Module:
        """A network for the example."""
        from sciml.nn import MLP

        return MLP(2, 1, width=6, depth=1)

    def _check(self) -> None:
        names = [c.name for c in self.conditions]
        if twice := [n for n in names if names.count(n) > 1]:
            raise ValueError(f"conditions: {twice[0]!r} is given twice; one would contradict or repeat the other.")
        if not names:
            raise ValueError("conditions is empty; a network needs at least one.")
        for condition in self.conditions:
            condition.check(self.problem)

    def restrict(self, start: float, stop: float) -> None:
        """Asks for the equation between two times alone, from the next renewal of the points on."""
        self.problem = dataclasses.replace(self._whole, times=[start, stop])

    def forget(self) -> None:
        """Drops all points, so that new ones are drawn before the next step."""
        for condition in self.conditions:
            condition.sampler.forget()

    def coefficients(self) -> dict[str, float]:
        """The unknown coefficients as they are now, in their own units."""
        return {name: float(p.detach()) * self.scales[name] for name, p in self.unknown.items()}

    def observations(self) -> dict[str, float]:
        """What the log of a run should show: the unknown coefficients."""
        return {f"coefficient:{name}": value for name, value in self.coefficients().items()}

    def solution(self) -> SolutionSpec:
        """What is known of the solution that a network becomes."""
        return SolutionSpec.of(self.statement, self.coefficients())

    def advance(self, step: int, epoch: int, network: nn.Module | None = None) -> None:
        """Renews the points of conditions whose samplers are due."""
        self._prepare()
        for number, condition in enumerate(self.conditions):
            if condition.sampler.due(step):
                self._renew(condition, network, torch_generator(self.seed, step, number))

    def _renew(self, condition: Condition, network: nn.Module | None, generator: torch.Generator) -> None:
        def magnitude(points: Tensor) -> Tensor:
            if network is None:
                raise ConfigError(f"{type(condition.sampler).__name__} needs the network to look at its residual.")
            return condition.magnitude(self.problem, network, points.to(condition.sampler.points.device))

        condition.sampler.renew(condition.region(self.problem), magnitude, generator)

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        self._draw_missing(network)
        found: dict[str, Term] = {}
        for condition in self.conditions:
            points, weights = condition.sampler.points.to(dtype_of(network)), condition.sampler.weights()
            squares = condition.squares(self.problem, network, points)
            for equation, (square, residual) in squares.items():
                values = square if weights is None else weights.to(square) * square
                name = condition.name if len(squares) == 1 else f"{condition.name}:{equation}"
                found[name] = Term(values, points, residuals=residual)
        return found

    def linearize(self, network: nn.Module, weighting: Weighting) -> tuple[Float[Tensor, " n"], Float[Tensor, "n p"]]:
        r"""All residuals, scaled so that their squares sum to the loss, and their Jacobian in the network's weights.

        Args:
            network: of the coordinates; the columns are in the order of its trainable parameters.
            weighting: constant weights $\lambda_k$; a residual is scaled by $\sqrt{\lambda_k / N_k}$.

        Raises:
            ConfigError: weights that are not constant, unknown coefficients, which a Jacobian does not have, or random
                residuals, whose squares do not make up the loss.
        """
        if random := [condition.name for condition in self.conditions if condition.random]:
            raise ConfigError(f"a Jacobian of the residuals needs exact ones; those of {random[0]!r} are estimates.")
        if type(weighting) is not FixedWeights or self.unknown:
            raise ConfigError("a Jacobian of the residuals needs FixedWeights and no unknown coefficients.")
        self._draw_missing(network)
        parameters = {name: p for name, p in network.named_parameters() if p.requires_grad}
        found = []
        for condition in self.conditions:
            points = condition.sampler.points.to(dtype_of(network))
            for equation in self._equations(condition, network, points):
                name = condition.name if equation is None else f"{condition.name}:{equation}"
                values, rows = jacobian(self._at_point(condition, equation, network), parameters, points, self.chunk)
                scale = math.sqrt(weighting.weights.get(name, 1.0) / len(points))
                if (weights := condition.sampler.weights()) is not None:
                    values, rows = values * weights.to(values).sqrt(), rows * weights.to(rows).sqrt()[:, None]
                found.append((scale * values, scale * rows))
        return torch.cat([v for v, _ in found]), torch.cat([r for _, r in found])

    def _equations(self, condition: Any, network: nn.Module, points: Tensor) -> list[str | None]:
        with torch.no_grad():
            names = list(condition.residuals(self.problem, network, points[:1]))
        return [None] if len(names) == 1 else list(names)

    def _at_point(self, condition: Any, equation: str | None, network: nn.Module) -> Callable[..., Tensor]:
        def residual(parameters: dict[str, Tensor], point: Tensor) -> Tensor:
            found = condition.residuals(self.problem, _WithWeights(network, parameters), point[None])
            return (next(iter(found.values())) if equation is None else found[equation])[0]

        return residual

    def _prepare(self) -> None:
        for condition in self.conditions:
            condition.prepare(self.statement)

    def _draw_missing(self, network: nn.Module) -> None:
        self._prepare()
        for number, condition in enumerate(self.conditions):
            if not len(condition.sampler.points):
                self._renew(condition, network, torch_generator(self.seed, 0, number))


class _WithWeights(nn.Module):
    """A network with other weights."""

    def __init__(self, network: nn.Module, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.__dict__["call"] = lambda z: torch.func.functional_call(network, weights, (z,))

    def forward(self, z: Any) -> Any:
        return self.__dict__["call"](z)


def _scales(problem: Problem, unknown: dict[str, float], scales: dict[str, float]) -> dict[str, float]:
    known = {s.name for s in problem.pde.parameters}
    for name in (*unknown, *scales):
        if name not in known:
            raise ValueError(f"unknown: {name!r} is no coefficient of the equation; it has {', '.join(sorted(known))}.")
    found = {name: float(scales.get(name, abs(start))) for name, start in unknown.items()}
    if zero := [name for name, scale in found.items() if not scale > 0]:
        raise ValueError(f"scales: {zero[0]!r} needs a positive scale, since it starts at {unknown[zero[0]]}.")
    return found


def _with_unknowns(problem: Problem, owner: Any) -> Problem:
    """The problem whose unknown coefficients are those that the objective trains."""

    def value(name: str) -> Any:
        # Looked up at each call: moving a module to a device or dtype may replace its parameters.
        return lambda: owner.unknown[name] * owner.scales[name]

    if not owner.unknown:
        return problem
    return dataclasses.replace(problem, parameters={**problem.parameters, **{n: value(n) for n in owner.unknown}})
