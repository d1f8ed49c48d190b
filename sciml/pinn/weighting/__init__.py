"""How the terms of a physics-informed loss are balanced, beside `FixedWeights` and `GradNormWeights`."""

from sciml.pinn.weighting.augmented_lagrangian import AugmentedLagrangian
from sciml.pinn.weighting.ntk import NTKWeights
from sciml.pinn.weighting.residual_attention import ResidualAttention
from sciml.pinn.weighting.self_adaptive import SelfAdaptive

__all__ = ["AugmentedLagrangian", "NTKWeights", "ResidualAttention", "SelfAdaptive"]
