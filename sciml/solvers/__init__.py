"""Reference solvers, and the face they share with surrogates."""

from sciml.solvers.base import State, Stepper, StepperSpec, Trajectory, rollout

__all__ = ["State", "Stepper", "StepperSpec", "Trajectory", "rollout"]
