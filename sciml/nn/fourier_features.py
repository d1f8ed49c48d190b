"""Random Fourier features, which let a network see high frequencies from the start."""

import torch
from torch import Tensor
from torch.nn import functional

from sciml.nn.coordinate_network import CoordinateMap
from sciml.numerics import Field
from sciml.rng import torch_generator


class FourierFeatures(CoordinateMap):
    r"""$z \mapsto (\cos Bz, \sin Bz)$ with $B_{ij} \sim N(0, \sigma^2)$ drawn once and not trained.

    Args:
        in_features: length of $z$: coordinates, or the results of another embedding.
        out_features: twice the number of rows of $B$, even.
        scale: $\sigma$; 1 to 10 is usual.
        seed: of $B$; without one it comes from torch's global generator.

    Raises:
        ValueError: an odd number of features, or a scale that is not positive.

    Reference: Tancik et al. (2020), arXiv:2006.10739, eq. (5).
    """

    frequencies: Tensor

    def __init__(self, in_features: int, out_features: int = 256, scale: float = 1.0, seed: int | None = None) -> None:
        super().__init__(in_features, out_features)
        if out_features % 2 or not scale > 0:
            raise ValueError(f"out_features={out_features} must be even and scale={scale} positive.")
        generator = None if seed is None else torch_generator(seed)
        normal = torch.randn(out_features // 2, in_features, generator=generator)
        self.register_buffer("frequencies", scale * normal)

    @classmethod
    def example(cls) -> "FourierFeatures":
        return cls(2, 8)

    def forward(self, z: Field) -> Field:
        phases = functional.linear(z, self.frequencies)
        return torch.cat([torch.cos(phases), torch.sin(phases)], dim=-1)
