"""Equations, each written once, and the problems made of them."""

from sciml.pdes.base import PDE, EllipticPDE, EvolutionPDE, SemilinearPDE
from sciml.pdes.burgers import Burgers
from sciml.pdes.darcy import Darcy
from sciml.pdes.expression import Equation
from sciml.pdes.parameters import Parameters
from sciml.pdes.problem import Problem, grid_fields

__all__ = [
    "PDE",
    "Burgers",
    "Darcy",
    "EllipticPDE",
    "Equation",
    "EvolutionPDE",
    "Parameters",
    "Problem",
    "SemilinearPDE",
    "grid_fields",
]
