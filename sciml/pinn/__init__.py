"""A network is the solution: its conditions, points, weights and energies, and forms that satisfy conditions."""

from sciml.pinn.adaptive import Importance, Refining, ResidualBased, RetainResample
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
from sciml.pinn.high_dimensional import HighDimensional, Scattered
from sciml.pinn.marching import Marching
from sciml.pinn.objective import PhysicsInformed
from sciml.pinn.observations import Observations, Twin, read_observations
from sciml.pinn.randomized import Randomized
from sciml.pinn.reference import Exact, Reference, Solved, Stored
from sciml.pinn.sampling import Quasirandom, Sampler, TensorProduct
from sciml.pinn.surface import Surface
from sciml.pinn.two_body import TwoBody
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
    "HighDimensional",
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
    "Randomized",
    "ReactionEnergy",
    "Reference",
    "Refining",
    "ResidualAttention",
    "ResidualBased",
    "RetainResample",
    "Sampler",
    "Scattered",
    "SelfAdaptive",
    "Solved",
    "Stored",
    "Surface",
    "TensorProduct",
    "TimeWindows",
    "Twin",
    "TwoBody",
    "exact_periodicity",
    "read_observations",
]
