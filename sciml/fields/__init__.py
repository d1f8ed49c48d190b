"""What a field lives on: grids, regions, boundary conditions, names and units. Imports without torch.

Regions and point sets, which are made of tensors, are loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sciml.fields.boundary import Boundaries, Condition, Dirichlet, Neumann, Outflow, Periodic, Robin, Wall
from sciml.fields.grid import Axis, Grid
from sciml.fields.spec import FieldSpec, ParameterSpec, channel_names

_EXPORTS = {
    "Ball": "sciml.fields.primitives",
    "Box": "sciml.fields.primitives",
    "Difference": "sciml.fields.set_operations",
    "Halton": "sciml.fields.sequences",
    "Hammersley": "sciml.fields.sequences",
    "Intersection": "sciml.fields.set_operations",
    "LatinHypercube": "sciml.fields.sequences",
    "MeshRegion": "sciml.fields.mesh_region",
    "PointCloud": "sciml.fields.point_cloud",
    "Polygon": "sciml.fields.polygon",
    "Region": "sciml.fields.domain",
    "Sequence": "sciml.fields.sequences",
    "Sobol": "sciml.fields.sequences",
    "SpaceTime": "sciml.fields.space_time",
    "SpatialRegion": "sciml.fields.domain",
    "MonteCarlo": "sciml.fields.sequences",
    "Union": "sciml.fields.set_operations",
}
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
    *_EXPORTS,
]

if TYPE_CHECKING:
    from sciml.fields.domain import Region as Region
    from sciml.fields.domain import SpatialRegion as SpatialRegion
    from sciml.fields.mesh_region import MeshRegion as MeshRegion
    from sciml.fields.point_cloud import PointCloud as PointCloud
    from sciml.fields.polygon import Polygon as Polygon
    from sciml.fields.primitives import Ball as Ball
    from sciml.fields.primitives import Box as Box
    from sciml.fields.sequences import Halton as Halton
    from sciml.fields.sequences import Hammersley as Hammersley
    from sciml.fields.sequences import LatinHypercube as LatinHypercube
    from sciml.fields.sequences import MonteCarlo as MonteCarlo
    from sciml.fields.sequences import Sequence as Sequence
    from sciml.fields.sequences import Sobol as Sobol
    from sciml.fields.set_operations import Difference as Difference
    from sciml.fields.set_operations import Intersection as Intersection
    from sciml.fields.set_operations import Union as Union
    from sciml.fields.space_time import SpaceTime as SpaceTime


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'sciml.fields' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
