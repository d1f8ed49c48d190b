"""What a field lives on: grids, boundary conditions, names and units. Imports without torch."""

from sciml.fields.boundary import Boundaries, Condition, Dirichlet, Neumann, Periodic
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
    "ParameterSpec",
    "Periodic",
    "channel_names",
]
