"""What every exported optimiser keeps to.

One is constructible from its parameters alone or offers `example(params)`. It may ask for `bind(linearize)`, which
gives residuals whose squares add up to the loss, and their Jacobian. One with `guarded = True` evaluates trial points
and survives any of them; all others evaluate the loss once in a step.
"""

import inspect
import io
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

import sciml.optim

OPTIMIZERS = sorted(
    (v for n in sciml.optim.__all__ if inspect.isclass(v := getattr(sciml.optim, n)) and issubclass(v, Optimizer)),
    key=lambda cls: cls.__name__,
)
Residuals = Callable[[Tensor], Tensor]


def quadratic(x: Tensor) -> Tensor:
    return torch.logspace(0, 1, x.numel(), dtype=x.dtype) * (x.flatten() - 1)


def rosenbrock(x: Tensor) -> Tensor:
    z = x.flatten()
    return torch.cat([10 * (z[1:] - z[:-1].square()), 1 - z[:-1]])


class Run:
    """One optimiser on one sum of squares; a matrix as parameter, so that preconditioners by side have something."""

    def __init__(self, cls: type, residuals: Residuals, start: Tensor | None = None) -> None:
        start = torch.tensor([[-1.2, 1.0], [-1.2, 1.0], [-1.2, 1.0]], dtype=torch.float64) if start is None else start
        self.residuals, self.x, self.values = residuals, nn.Parameter(start.clone()), []
        self.optimizer = cls.example([self.x]) if hasattr(cls, "example") else cls([self.x])
        if hasattr(self.optimizer, "bind"):
            self.optimizer.bind(self.linearize)

    def linearize(self) -> tuple[Tensor, Tensor]:
        x = self.x.detach()
        return self.residuals(x), torch.func.jacrev(self.residuals)(x).flatten(1)

    def closure(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = self.residuals(self.x).square().sum()
        loss.backward()
        self.values.append(float(loss.detach()))
        return loss

    def steps(self, count: int) -> "Run":
        for _ in range(count):
            self.optimizer.step(self.closure)
        return self

    def now(self) -> float:
        return float(self.residuals(self.x.detach()).square().sum())


def test_there_are_optimisers() -> None:
    assert {"BFGS", "GroupedAdamW", "NaturalGradient", "Phases", "SOAP", "SSBroyden"} <= {
        c.__name__ for c in OPTIMIZERS
    }


@pytest.mark.parametrize("residuals", [quadratic, rosenbrock])
@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_loss_falls_and_to_rounding_where_trials_are_evaluated(cls: type, residuals: Residuals) -> None:
    run = Run(cls, residuals)
    start, end = run.now(), run.steps(40).now()
    assert end < start
    if getattr(run.optimizer, "guarded", False):
        assert end < 1e-12 * start


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_loss_is_evaluated_once_in_a_step_unless_trials_are_guarded(cls: type) -> None:
    run = Run(cls, rosenbrock)
    for _ in range(5):
        guarded, before = getattr(run.optimizer, "guarded", False), len(run.values)
        run.steps(1)
        assert guarded or len(run.values) == before + 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_trials_that_are_not_finite_do_no_harm(cls: type, bad: float) -> None:
    run = Run(cls, quadratic)
    for _ in range(3):  # a schedule may become guarded later
        if not getattr(run.optimizer, "guarded", False):
            run.steps(1)
    if not getattr(run.optimizer, "guarded", False):
        return
    start = best = run.now()
    # Finite where the loss is no higher than at the best point so far, and nowhere else.
    run.residuals = lambda x: quadratic(x) * (1.0 if float(quadratic(x.detach()).square().sum()) <= best else bad)
    for _ in range(3):
        run.steps(1)
        assert run.x.isfinite().all()
        assert run.now() <= best
        best = run.now()
    assert best < 0.1 * start


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_a_run_goes_on_from_its_stored_state_bit_by_bit(cls: type) -> None:
    for stop in (1, 2, 5):
        one = Run(cls, rosenbrock).steps(stop)
        file = io.BytesIO()
        torch.save(one.optimizer.state_dict(), file)
        two = Run(cls, rosenbrock, one.x.detach())
        two.optimizer.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
        assert torch.equal(one.steps(4).x, two.steps(4).x)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_no_parameters_are_refused(cls: type) -> None:
    with pytest.raises(ValueError, match=r"param"):
        cls.example([]) if hasattr(cls, "example") else cls([])
