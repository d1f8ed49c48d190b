"""Recipes become data sets: draw, solve, check, write, resume."""

from sciml.datagen.coefficients import LogNormal, TwoPhase
from sciml.datagen.initial_conditions import GaussianInitial
from sciml.datagen.pipeline import Plan, generate, plan
from sciml.datagen.recipe import Recipe
from sciml.datagen.samplers import Distribution, FieldSampler, LogUniform, Uniform
from sciml.numerics.random_fields import NeumannField, PeriodicField

__all__ = [
    "Distribution",
    "FieldSampler",
    "GaussianInitial",
    "LogNormal",
    "LogUniform",
    "NeumannField",
    "PeriodicField",
    "Plan",
    "Recipe",
    "TwoPhase",
    "Uniform",
    "generate",
    "plan",
]
