"""What a field lives on: grids, boundary conditions, names and units. Imports without torch."""

from sciml.fields.boundary import Boundaries, Condition, Dirichlet, Neumann, Outflow, Periodic, Robin, Wall
from sciml.fields.grid import Axis, Grid
from sciml.fields.spec import FieldSpec, ParameterSpec, channel_names

__all__ = [
    "Axis",
    "Boundaries",
    "Condition",
    "Dirichlet",
    "FieldSpec",
    "Grid",
    "Neumann",
    "Outflow",
    "ParameterSpec",
    "Periodic",
    "Robin",
    "Wall",
    "channel_names",
]
