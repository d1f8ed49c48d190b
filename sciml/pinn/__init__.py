"""A network is the solution: its conditions, points, weights and energies, and forms that satisfy conditions."""

from sciml.pinn.ansatz import HardBoundary, HardInitial, exact_periodicity
from sciml.pinn.causal import CausalWeights
from sciml.pinn.conditions import Condition, Face, Initial, Integral, Interior
from sciml.pinn.deep_ritz import (
    DeepRitz,
    DirichletEnergy,
    Energy,
    MinimalSurfaceEnergy,
    PLaplaceEnergy,
    ReactionEnergy,
)
from sciml.pinn.evolution import HeatEvolution
from sciml.pinn.marching import Marching
from sciml.pinn.objective import PhysicsInformed
from sciml.pinn.observations import Observations, Twin, read_observations
from sciml.pinn.reference import Exact, Reference, Solved, Stored
from sciml.pinn.sampling import (
    Importance,
    Quasirandom,
    Refining,
    ResidualBased,
    RetainResample,
    Sampler,
    TensorProduct,
)
from sciml.pinn.surface import Surface
from sciml.pinn.weighting import AugmentedLagrangian, NTKWeights, ResidualAttention, SelfAdaptive
from sciml.pinn.windows import TimeWindows

__all__ = [
    "AugmentedLagrangian",
    "CausalWeights",
    "Condition",
    "DeepRitz",
    "DirichletEnergy",
    "Energy",
    "Exact",
    "Face",
    "HardBoundary",
    "HardInitial",
    "HeatEvolution",
    "Importance",
    "Initial",
    "Integral",
    "Interior",
    "Marching",
    "MinimalSurfaceEnergy",
    "NTKWeights",
    "Observations",
    "PLaplaceEnergy",
    "PhysicsInformed",
    "Quasirandom",
    "ReactionEnergy",
    "Reference",
    "Refining",
    "ResidualAttention",
    "ResidualBased",
    "RetainResample",
    "Sampler",
    "SelfAdaptive",
    "Solved",
    "Stored",
    "Surface",
    "TensorProduct",
    "TimeWindows",
    "Twin",
    "exact_periodicity",
    "read_observations",
]
