"""Exponential moving average of weights, kept beside the weights that are trained."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    r"""$\bar\theta \leftarrow d_k \bar\theta + (1 - d_k)\,\theta$ after step $k = 1, 2, \dots$, with
    $d_k = \min(d, (1 + k) / (10 + k))$, so that the start is forgotten quickly.

    Args:
        decay: $d$ in (0, 1).

    Raises:
        ValueError: a decay out of range.
    """

    def __init__(self, decay: float) -> None:
        if not 0 < decay < 1:
            raise ValueError(f"ema={decay} must lie in (0, 1).")
        self.decay = decay
        self.weights: dict[str, Tensor] = {}
        self._trained: dict[str, Tensor] = {}

    @property
    def swapped(self) -> bool:
        """Whether the module holds the average at the moment."""
        return bool(self._trained)

    def start(self, module: nn.Module) -> None:
        """Begins with the weights of the module, unless an average was loaded; moves to their device."""
        state = module.state_dict()
        source = self.weights if self.weights.keys() == state.keys() else state
        self.weights = {k: source[k].detach().to(v.device, copy=True) for k, v in state.items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Takes in the weights after step `step`; integers and flags are copied."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            average = self.weights[name]
            if average.is_floating_point() or average.is_complex():
                average.lerp_(value.to(average.dtype), 1 - decay)
            else:
                average.copy_(value)

    def swap_in(self, module: nn.Module) -> None:
        """Puts the average into the module."""
        if self.weights and not self._trained:
            self._trained = {k: v.detach().clone() for k, v in module.state_dict().items()}
            module.load_state_dict(self.weights)

    def swap_out(self, module: nn.Module) -> None:
        """Puts the trained weights back."""
        if self._trained:
            module.load_state_dict(self._trained)
            self._trained = {}

    def load(self, weights: Mapping[str, Tensor]) -> None:
        self.weights = {k: v.detach().clone() for k, v in weights.items()}
