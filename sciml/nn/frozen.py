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
        self._images: weakref.WeakKeyDictionary[Jet, tuple[Any, Jet]] = weakref.WeakKeyDictionary()

    @classmethod
    def example(cls) -> "Frozen":
        return cls(nn.Tanh())

    def forward(self, z: Field) -> Field:
        tensors = (*self.module.parameters(), *self.module.buffers())
        if not isinstance(z, Jet) or not keepable(z.coefficients, *tensors):
            return self.module(z)
        # A change in place, as by load_state_dict, raises a tensor's version.
        state = tuple((id(t), t._version) for t in tensors)
        if self._images.get(z, (None, None))[0] != state:
            self._images[z] = (state, self.module(z))
        return self._images[z][1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_images": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._images = weakref.WeakKeyDictionary()
