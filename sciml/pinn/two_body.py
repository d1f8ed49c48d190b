"""A manufactured solution in many dimensions that is no sum of functions of single coordinates."""

import torch
from torch import nn

from sciml.describe import Described
from sciml.numerics import Field
from sciml.rng import torch_generator


class TwoBody(Described, nn.Module):
    r"""$u(x) = (1 - |x|^2) \sum_{i<d} c_i \sin(x_i + \cos x_{i+1} + x_{i+1}\cos x_i)$, zero on the unit sphere.

    Every coordinate interacts with the next one; $c_i$ are independent normal numbers.

    Args:
        dimensions: $d$, at least 2.
        seed: of $c_i$.

    Reference: Hu, Shukla, Karniadakis & Kawaguchi (2024), Tackling the curse of dimensionality with physics-informed
    neural networks, Neural Networks 176:106369, section 5.
    """

    coefficients: torch.Tensor

    def __init__(self, dimensions: int = 10, seed: int = 0) -> None:
        super().__init__()
        if dimensions < 2:
            raise ValueError(f"dimensions={dimensions} must be at least 2.")
        drawn = torch.randn(dimensions - 1, generator=torch_generator(seed), dtype=torch.float64)
        self.register_buffer("coefficients", drawn, persistent=False)

    def forward(self, z: Field) -> Field:
        x, y = z[..., :-1], z[..., 1:]
        waves = torch.sin(x + torch.cos(y) + y * torch.cos(x))
        ones = torch.ones(z.shape[-1], dtype=z.dtype, device=z.device)
        bubble = 1.0 - torch.matmul(z * z, ones)
        return (bubble * torch.matmul(waves, self.coefficients.to(z.dtype)))[..., None]
