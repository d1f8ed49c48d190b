"""Recipes become data sets: draw, solve, check, write, resume."""

from sciml.datagen.backends import Backend, ProcessBackend, SerialBackend
from sciml.datagen.backends_dask import DaskBackend
from sciml.datagen.coefficients import LogNormal, TwoPhase
from sciml.datagen.dams import RadialDam
from sciml.datagen.forcing import ForcingSampler, SeparableGaussians
from sciml.datagen.gases import GaussianGas, RandomGas, TurbulentGas
from sciml.datagen.initial_conditions import GaussianInitial, PowerLawNoise
from sciml.datagen.media import GaussianMedium, LayeredMedium
from sciml.datagen.ordering import NearestNeighbour, Ordering
from sciml.datagen.pipeline import Plan, generate, plan
from sciml.datagen.plates import PlateWithHole, RimAndInterior
from sciml.datagen.profiles import Constant, GaussianBumps, Patches, PiecewiseConstant, Plume, Sum
from sciml.datagen.recipe import Recipe
from sciml.datagen.riemann import CurvedRiemann, KelvinHelmholtz, RiemannPartition, ShockTube
from sciml.datagen.rim_forcing import RimPolylines
from sciml.datagen.rough_flows import BrownianBridge, EvolvedFlow
from sciml.datagen.samplers import (
    Choice,
    Distribution,
    FieldSampler,
    Geometric,
    Integers,
    LogUniform,
    StateSampler,
    Uniform,
    WithFields,
)
from sciml.datagen.shear import ShearLayers, VortexSheet
from sciml.datagen.sines import SineSeries, SineSum
from sciml.datagen.steady_forcing import SineForcing
from sciml.datagen.vortices import PiecewiseVorticity, SineVortices, VortexSum
from sciml.numerics.random_fields import NeumannField, PeriodicField

__all__ = [
    "Backend",
    "BrownianBridge",
    "Choice",
    "Constant",
    "CurvedRiemann",
    "DaskBackend",
    "Distribution",
    "EvolvedFlow",
    "FieldSampler",
    "ForcingSampler",
    "GaussianBumps",
    "GaussianGas",
    "GaussianInitial",
    "GaussianMedium",
    "Geometric",
    "Integers",
    "KelvinHelmholtz",
    "LayeredMedium",
    "LogNormal",
    "LogUniform",
    "NearestNeighbour",
    "NeumannField",
    "Ordering",
    "Patches",
    "PeriodicField",
    "PiecewiseConstant",
    "PiecewiseVorticity",
    "Plan",
    "PlateWithHole",
    "Plume",
    "PowerLawNoise",
    "ProcessBackend",
    "RadialDam",
    "RandomGas",
    "Recipe",
    "RiemannPartition",
    "RimAndInterior",
    "RimPolylines",
    "SeparableGaussians",
    "SerialBackend",
    "ShearLayers",
    "ShockTube",
    "SineForcing",
    "SineSeries",
    "SineSum",
    "SineVortices",
    "StateSampler",
    "Sum",
    "TurbulentGas",
    "TwoPhase",
    "Uniform",
    "VortexSheet",
    "VortexSum",
    "WithFields",
    "generate",
    "plan",
]
