"""Foreign files to our schema: `convert(path, out)`, or one adapter by hand.

Only layouts that a test covers, with a file written to that layout, are in the list.
"""

from sciml.data.adapters.base import Adapter, Arrays, convert, find_adapter
from sciml.data.adapters.operator_pairs import MatPairs, TorchPairs, TorchTensorPair, TorchTrajectories
from sciml.data.adapters.pdebench import PDEBenchArrays, PDEBenchGroups, PDEBenchIncompressible
from sciml.data.adapters.poseidon import Poseidon
from sciml.data.adapters.tables import SpaceTimeTable
from sciml.data.adapters.the_well import TheWell

#: In the order in which they are tried: a layout that asks for more comes first.
ADAPTERS: tuple[type[Adapter], ...] = (
    TheWell,
    PDEBenchArrays,
    PDEBenchIncompressible,
    PDEBenchGroups,
    Poseidon,
    SpaceTimeTable,
    MatPairs,
    TorchPairs,
    TorchTrajectories,
    TorchTensorPair,
)

__all__ = [
    "ADAPTERS",
    "Adapter",
    "Arrays",
    "MatPairs",
    "PDEBenchArrays",
    "PDEBenchGroups",
    "PDEBenchIncompressible",
    "Poseidon",
    "SpaceTimeTable",
    "TheWell",
    "TorchPairs",
    "TorchTensorPair",
    "TorchTrajectories",
    "convert",
    "find_adapter",
]
