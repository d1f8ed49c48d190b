"""Modules without trainable weights, whose image of the coordinates is kept."""

import weakref
from typing import Any

from torch import nn

from sciml.describe import Described
from sciml.numerics import Field, Jet
from sciml.numerics.jets import keepable


class Frozen(Described, nn.Module):
    """A module whose weights do not change, evaluated on a jet once: an embedding in front of a network.

    As long as the points are the same tensor, the engine gives the network the same jet of the coordinates; its image
    is kept with it. Tensors pass through, and so does everything under a transform of `torch.func`.

    Args:
        module: `(..., d) -> (..., c)`, on tensors and jets.

    Raises:
        ValueError: the module has trainable weights.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        trainable = [name for name, p in module.named_parameters() if p.requires_grad]
        if trainable:
            raise ValueError(f"module must have no trainable weights, but {trainable[0]!r} requires a gradient.")
        self.module = module
        self._images: weakref.WeakKeyDictionary[Jet, tuple[Any, list[int], Field]] = weakref.WeakKeyDictionary()

    @classmethod
    def example(cls) -> "Frozen":
        return cls(nn.Tanh())

    def forward(self, z: Field) -> Field:
        tensors = (*self.module.parameters(), *self.module.buffers())
        if not isinstance(z, Jet) or not keepable(z.coefficients, *tensors):
            return self.module(z)
        # A change in place, as by load_state_dict, raises a tensor's version.
        versions = [t._version for t in tensors]
        known = self._images.get(z)
        if known is None or known[1] != versions or any(a is not b for a, b in zip(known[0], tensors, strict=True)):
            known = self._images[z] = (tensors, versions, self.module(z))
        return known[2]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_images": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._images = weakref.WeakKeyDictionary()
