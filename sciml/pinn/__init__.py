"""A network is the solution: conditions, points, and the weights between them."""

from sciml.pinn.ansatz import HardBoundary, HardInitial, exact_periodicity
from sciml.pinn.causal import CausalWeights
from sciml.pinn.conditions import Condition, Face, Initial, Integral, Interior, Observations
from sciml.pinn.evolution import HeatEvolution
from sciml.pinn.objective import PhysicsInformed
from sciml.pinn.sampling import (
    Importance,
    Quasirandom,
    Refining,
    ResidualBased,
    RetainResample,
    Sampler,
    TensorProduct,
)
from sciml.pinn.weighting import AugmentedLagrangian, NTKWeights, ResidualAttention, SelfAdaptive

__all__ = [
    "AugmentedLagrangian",
    "CausalWeights",
    "Condition",
    "Face",
    "HardBoundary",
    "HardInitial",
    "HeatEvolution",
    "Importance",
    "Initial",
    "Integral",
    "Interior",
    "NTKWeights",
    "Observations",
    "PhysicsInformed",
    "Quasirandom",
    "Refining",
    "ResidualAttention",
    "ResidualBased",
    "RetainResample",
    "Sampler",
    "SelfAdaptive",
    "TensorProduct",
    "exact_periodicity",
]
