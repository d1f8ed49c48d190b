"""Objectives of supervised operator learning, and the losses they take."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.metrics.errors import relative_h1, relative_l2
from sciml.objective import Objective, Term, evaluate


class Loss(ABC):
    """Distance of fields, one number per sample; `name` is that of the term in the log."""

    name: ClassVar[str]

    @abstractmethod
    def __call__(
        self,
        prediction: Float[Tensor, "b c *s"],
        target: Float[Tensor, "b c *s"],
        mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, " b"]: ...


@dataclass(frozen=True)
class RelativeL2(Loss):
    r"""$\lVert \hat u - u\rVert_2 / \lVert u\rVert_2$ over space and channels, per sample."""

    name = "relative_l2"

    def __call__(
        self,
        prediction: Float[Tensor, "b c *s"],
        target: Float[Tensor, "b c *s"],
        mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, " b"]:
        return relative_l2(prediction, target, mask)


@dataclass(frozen=True)
class RelativeH1(Loss):
    r"""$\lVert \hat u - u\rVert_{H^1} / \lVert u\rVert_{H^1}$, see `sciml.metrics.relative_h1`.

    Args:
        periodic: whether the fields continue across the ends of every axis.
        spacing: distance of grid points on each axis; `None` measures length in sides of the domain.
    """

    name = "relative_h1"

    periodic: bool = False
    spacing: Sequence[float] | None = None

    def __call__(
        self,
        prediction: Float[Tensor, "b c *s"],
        target: Float[Tensor, "b c *s"],
        mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, " b"]:
        if mask is not None:
            raise ValueError("RelativeH1 takes no mask: derivatives across its edge mean nothing; use RelativeL2.")
        return relative_h1(prediction, target, self.periodic, self.spacing)


class Supervised(Objective):
    """The distance of the network's output to the target.

    Args:
        loss: distance; relative L2 if `None`.
    """

    def __init__(self, loss: Loss | None = None) -> None:
        super().__init__()
        self.loss = RelativeL2() if loss is None else loss

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        if batch.targets is None:
            raise ValueError("batch.targets is None; a supervised objective needs targets.")
        prediction = evaluate(network, batch)
        if prediction.shape != batch.targets.shape:
            raise ValueError(
                f"the network returns {tuple(prediction.shape)}, the targets are {tuple(batch.targets.shape)}."
            )
        return {self.loss.name: Term(self.loss(prediction, batch.targets, batch.mask))}


class Unrolled(Objective):
    """The distance along a rollout: each prediction is the next input, and gradients run through all steps.

    Values are `(b, t)`. With `lead`, `(b, t)` counted from the first input, the network is told each step's length.

    Args:
        loss: distance at each step; relative L2 if `None`.
        steps: length of the rollout; all frames of the targets if `None`.
    """

    def __init__(self, loss: Loss | None = None, steps: int | None = None) -> None:
        super().__init__()
        if steps is not None and steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}.")
        self.loss, self.steps = RelativeL2() if loss is None else loss, steps

    @classmethod
    def example_batch(cls) -> Batch:
        """Three samples whose targets have two frames, for tests."""
        generator = torch.Generator().manual_seed(0)
        fields, frames = torch.randn(9, 1, 8, 8, generator=generator).split([3, 6])
        return Batch(fields=fields, targets=frames.reshape(3, 2, 1, 8, 8))

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        if batch.fields is None or batch.targets is None or batch.targets.ndim != batch.fields.ndim + 1:
            raise ValueError("Unrolled needs fields (b, c, *s) and targets (b, t, c, *s).")
        if batch.fields.shape[1] != batch.targets.shape[2]:
            raise ValueError(
                f"fields have {batch.fields.shape[1]} channels, targets {batch.targets.shape[2]}: "
                "a prediction cannot be the next input."
            )
        steps = self.steps or batch.targets.shape[1]
        if steps > batch.targets.shape[1]:
            raise ValueError(f"steps={steps} needs targets of as many frames; they have {batch.targets.shape[1]}.")
        return {self.loss.name: Term(torch.stack(self._errors(network, batch, steps), dim=1))}

    def _errors(self, network: nn.Module, batch: Batch, steps: int) -> list[Tensor]:
        errors, state = [], batch
        for k in range(steps):
            if batch.lead is not None:
                before = batch.lead[:, k - 1] if k else torch.zeros_like(batch.lead[:, 0])
                time = None if batch.time is None else batch.time + before
                state = state.replace(lead=batch.lead[:, k] - before, time=time)
            prediction = evaluate(network, state)
            errors.append(self.loss(prediction, batch.targets[:, k], batch.mask))  # type: ignore[index]
            state = state.replace(fields=prediction)
        return errors
