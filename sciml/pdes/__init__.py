"""Equations, each written once, and the problems made of them."""

from sciml.pdes.base import PDE, EllipticPDE, EvolutionPDE, SemilinearPDE
from sciml.pdes.burgers import Burgers
from sciml.pdes.conservation import ConservationLaw
from sciml.pdes.darcy import Darcy
from sciml.pdes.euler import Euler
from sciml.pdes.exact_riemann import ExactRiemann, Side
from sciml.pdes.parameters import Parameters
from sciml.pdes.problem import Problem, grid_fields

__all__ = [
    "PDE",
    "Burgers",
    "ConservationLaw",
    "Darcy",
    "EllipticPDE",
    "Euler",
    "EvolutionPDE",
    "ExactRiemann",
    "Parameters",
    "Problem",
    "SemilinearPDE",
    "Side",
    "grid_fields",
]
