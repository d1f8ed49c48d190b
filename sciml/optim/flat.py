"""All parameters of an optimiser as one vector."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


class FlatParameters:
    """Real parameters of one dtype on one device, seen as one vector of `size` numbers.

    Args:
        parameters: in the order in which they follow each other.

    Raises:
        ValueError: no parameters, complex ones, or several dtypes or devices.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        kinds = {(p.dtype, p.device) for p in parameters}
        if len(kinds) != 1 or not parameters[0].is_floating_point():
            named = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds)) or "none"
            raise ValueError(f"params are {named}; accepted are real parameters of one dtype on one device.")
        self.parameters = list(parameters)
        self.size = sum(p.numel() for p in parameters)

    def vector(self) -> Float[Tensor, " n"]:
        """A copy of the values."""
        return torch.cat([p.detach().reshape(-1) for p in self.parameters])

    def gradient(self) -> Float[Tensor, " n"]:
        """A copy of the gradients; zero where a parameter has none."""
        pairs = ((p, p.grad) for p in self.parameters)
        return torch.cat([(torch.zeros_like(p) if g is None else g.detach()).reshape(-1) for p, g in pairs])

    def assign(self, vector: Float[Tensor, " n"]) -> None:
        """Writes values back."""
        parts = vector.split([p.numel() for p in self.parameters])
        with torch.no_grad():
            for p, part in zip(self.parameters, parts, strict=True):
                p.copy_(part.view_as(p))
