"""Rolling out, with a stepper whose flow is known: exact decay."""

import math

import pytest
import torch
from torch import Tensor

from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.solvers import State, Stepper, StepperSpec, rollout
from sciml.status import SolveFailure, Status


class Decay:
    """$u' = -u$, exactly; fails from `breaks_at` on in sample 0."""

    def __init__(self, dt: float | None = None, any_dt: bool = True, breaks_at: float = math.inf) -> None:
        self.spec = StepperSpec(
            (FieldSpec("u", unit="K"),), Grid.periodic(4), Boundaries.periodic(), dt=dt, any_dt=any_dt, time_unit="s"
        )
        self.breaks_at, self.steps = breaks_at, []

    def start(self, u0: Tensor, *, t: float = 0.0, params=None, generator=None) -> State:
        return State(u0, torch.full((len(u0),), t, dtype=torch.float64))

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        assert dt is not None
        self.steps.append(dt)
        u = state.u * math.exp(-dt)
        if float(state.t[0]) + dt >= self.breaks_at:
            u = u.clone()
            u[0] = math.inf
        return state.advanced(u, dt)


def test_rollout_follows_the_flow_and_covers_each_interval_by_equal_steps() -> None:
    stepper = Decay(dt=0.1)
    assert isinstance(stepper, Stepper)
    trajectory = rollout(stepper, stepper.start(torch.ones(2, 1, 4)), [0.0, 0.1, 0.35, 0.45])
    assert trajectory.u.shape == (2, 4, 1, 4)
    assert torch.allclose(trajectory.u[:, :, 0, 0].double(), torch.exp(-trajectory.times), atol=1e-6)
    assert len(stepper.steps) == 1 + 3 + 1
    assert max(stepper.steps) <= 0.1 * (1 + 1e-6)


def test_a_fixed_step_refuses_times_between_its_steps() -> None:
    stepper = Decay(dt=0.1, any_dt=False)
    with pytest.raises(ValueError, match=r"no multiple .* dt=0.1"):
        rollout(stepper, stepper.start(torch.ones(1, 1, 4)), [0.0, 0.25])


@pytest.mark.parametrize("times", [[0.0, 0.0], [0.5, 1.0], torch.zeros(1, 2)])
def test_times_that_do_not_start_here_or_do_not_increase_are_refused(times) -> None:
    stepper = Decay()
    with pytest.raises(ValueError, match="times"):
        rollout(stepper, stepper.start(torch.ones(1, 1, 4)), times)


def test_a_sample_that_fails_is_named_and_the_others_go_on() -> None:
    stepper = Decay(dt=0.1, breaks_at=0.15)
    trajectory = rollout(stepper, stepper.start(torch.ones(2, 1, 4)), [0.0, 0.1, 0.2, 0.3])
    assert trajectory.status.tolist() == [Status.NON_FINITE, Status.SUCCESS]
    assert torch.isnan(trajectory.u[0, 2:]).all()
    assert torch.isfinite(trajectory.u[1]).all()
    with pytest.raises(SolveFailure, match=r"sample 0 ended with NON_FINITE: u is not finite at t=0.2 in cell 0"):
        trajectory.check()
    assert trajectory.check(throw=False) is trajectory


def test_a_trajectory_becomes_a_dataset_with_names_and_units() -> None:
    stepper = Decay(dt=0.5)
    ds = rollout(stepper, stepper.start(torch.ones(2, 1, 4)), [0.0, 1.0]).to_xarray()
    assert ds["u"].dims == ("sample", "time", "x")
    assert ds["u"].attrs["units"] == "K"
    assert ds["time"].attrs["units"] == "s"
    assert ds["x"].values.tolist() == [0.0, 0.25, 0.5, 0.75]


def test_times_in_single_precision_are_multiples_of_a_fixed_step() -> None:
    stepper = Decay(dt=0.02, any_dt=False)
    trajectory = rollout(stepper, stepper.start(torch.ones(1, 1, 4)), torch.linspace(0, 1, 51))
    assert len(stepper.steps) == 50
    assert float(trajectory.u[0, -1, 0, 0]) == pytest.approx(math.exp(-1.0), rel=1e-5)


@pytest.mark.parametrize("keeps_positive", [True, False])
def test_a_field_that_has_to_be_positive_ends_a_sample_only_where_the_stepper_says_so(keeps_positive) -> None:
    stepper = Decay(dt=0.1)
    stepper.spec = StepperSpec((FieldSpec("u", positive=True),), Grid.periodic(4), Boundaries.periodic(), dt=0.1)
    if keeps_positive:
        stepper.keeps_positive = True
    u = torch.ones(2, 1, 4)
    u[1, 0, 2] = -1.0
    trajectory = rollout(stepper, stepper.start(u), [0.0, 0.1])
    failed = int(Status.NON_FINITE) if keeps_positive else int(Status.SUCCESS)
    assert trajectory.status.tolist() == [int(Status.SUCCESS), failed]
    assert bool(torch.isfinite(trajectory.u[1]).all()) is not keeps_positive
    if keeps_positive:
        assert str(trajectory.blowups[1]) == "u is not positive at t=0 in cell 2"
