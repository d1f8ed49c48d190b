"""Face fluxes of a gas by compiled loops, where a CPU computes them and nobody asks for gradients."""

import functools
import importlib.util
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.pdes.gas_dynamics import GasDynamics
from sciml.pdes.waves import Waves
from sciml.solvers import face_flux
from sciml.solvers.face_flux import FaceFlux
from sciml.solvers.riemann import HLLC
from sciml.solvers.weno import WENOZ


@functools.cache
def has_compiler() -> bool:
    """Whether the optional package that compiles the loops is installed."""
    return importlib.util.find_spec("numba") is not None


@dataclass(frozen=True)
class CompiledFaceFlux(FaceFlux):
    """`FaceFlux` with the same result to rounding, several times as fast for `WENOZ` and `HLLC` on a CPU.

    Other schemes, equations, devices and three dimensions, and whatever is to be differentiated, take the tensor
    operations of `FaceFlux`.
    """

    def __call__(self, q: Float[Tensor, "b c *s"], waves: Waves) -> Float[Tensor, "b c *f"]:
        if not isinstance(waves, GasDynamics) or not self._compiles(q, waves):
            return super().__call__(q, waves)
        from sciml.solvers import gas_kernels as kernels

        assert isinstance(self.reconstruction, WENOZ)
        rows = q.detach()[:, :, None] if q.ndim == 3 else q.detach()
        gamma, dimensions = _per_sample(waves.gamma, len(q)), waves.dimensions
        floor = 0.0 if self.positivity is None else self.positivity.floor
        scheme = (self.reconstruction.power, self.reconstruction.epsilon, floor)
        left, right = kernels.face_values(rows.numpy(), gamma, dimensions, *scheme)
        if q.ndim == 3:
            return torch.from_numpy(kernels.hllc(left, right, gamma, dimensions)[:, :, 0])
        smooth = np.ones((len(q), left.shape[2] - 2, left.shape[3]))
        for side in (left, right):
            kernels.calm(side, gamma, dimensions, face_flux.SMOOTH, smooth)
        middle = (kernels.bent(side, smooth, -1 / 24) for side in (left, right))
        flux = kernels.hllc(*middle, gamma, dimensions)
        return torch.from_numpy(kernels.bent(flux, smooth, 1 / 24))

    def _compiles(self, q: Tensor, waves: GasDynamics) -> bool:
        gamma = waves.gamma
        asked = torch.is_grad_enabled() and (q.requires_grad or (isinstance(gamma, Tensor) and gamma.requires_grad))
        ours = type(self.reconstruction) is WENOZ and type(self.riemann) is HLLC
        return ours and q.device.type == "cpu" and q.dtype == torch.float64 and q.ndim <= 4 and not asked


def _per_sample(gamma: "float | Tensor", samples: int) -> np.ndarray:
    values = gamma.detach().reshape(-1) if isinstance(gamma, Tensor) else torch.tensor([gamma], dtype=torch.float64)
    return values.expand(samples).contiguous().numpy()
