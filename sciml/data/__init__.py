"""HDF5 in, tensors out: schema, shards, checks, windows, normalisation, adapters. Imports without torch.

Names are loaded on first use: schema, reader and checks need numpy and h5py alone, `WindowedFields` needs torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_EXPORTS = {
    "AllToAll": "sciml.data.windows",
    "DatasetSpec": "sciml.data.schema",
    "Fault": "sciml.data.validate",
    "FieldDataset": "sciml.data.dataset",
    "Member": "sciml.data.mixture",
    "MixedFields": "sciml.data.mixture",
    "OneStep": "sciml.data.windows",
    "Rollout": "sciml.data.windows",
    "SCHEMA_VERSION": "sciml.data.schema",
    "SPLITS": "sciml.data.schema",
    "Shard": "sciml.data.manifest",
    "Steady": "sciml.data.windows",
    "WindowedFields": "sciml.data.windowed",
    "Windows": "sciml.data.windows",
    "check_hdf5": "sciml.data.structure",
    "check_listed": "sciml.data.manifest",
    "check_mat": "sciml.data.foreign",
    "check_npy": "sciml.data.foreign",
    "check_npz": "sciml.data.foreign",
    "check_torch_file": "sciml.data.foreign",
    "content_hash": "sciml.data.hdf5",
    "normalizer_for": "sciml.data.normalization",
    "normalizers": "sciml.data.normalization",
    "open_dataset": "sciml.data.dataset",
    "ranges_of": "sciml.data.normalization",
    "read_manifest": "sciml.data.manifest",
    "read_statistics": "sciml.data.normalization",
    "statistics": "sciml.data.normalization",
    "training_statistics": "sciml.data.normalization",
    "to_xarray": "sciml.data.xarray_view",
    "validate_dataset": "sciml.data.validate",
    "write_manifest": "sciml.data.manifest",
    "write_shard": "sciml.data.hdf5",
    "write_statistics": "sciml.data.normalization",
}
__all__ = [*_EXPORTS]

if TYPE_CHECKING:
    from sciml.data.dataset import FieldDataset as FieldDataset
    from sciml.data.dataset import open_dataset as open_dataset
    from sciml.data.foreign import check_mat as check_mat
    from sciml.data.foreign import check_npy as check_npy
    from sciml.data.foreign import check_npz as check_npz
    from sciml.data.foreign import check_torch_file as check_torch_file
    from sciml.data.hdf5 import content_hash as content_hash
    from sciml.data.hdf5 import write_shard as write_shard
    from sciml.data.manifest import Shard as Shard
    from sciml.data.manifest import check_listed as check_listed
    from sciml.data.manifest import read_manifest as read_manifest
    from sciml.data.manifest import write_manifest as write_manifest
    from sciml.data.mixture import Member as Member
    from sciml.data.mixture import MixedFields as MixedFields
    from sciml.data.normalization import normalizer_for as normalizer_for
    from sciml.data.normalization import normalizers as normalizers
    from sciml.data.normalization import ranges_of as ranges_of
    from sciml.data.normalization import read_statistics as read_statistics
    from sciml.data.normalization import statistics as statistics
    from sciml.data.normalization import training_statistics as training_statistics
    from sciml.data.normalization import write_statistics as write_statistics
    from sciml.data.schema import SCHEMA_VERSION as SCHEMA_VERSION
    from sciml.data.schema import SPLITS as SPLITS
    from sciml.data.schema import DatasetSpec as DatasetSpec
    from sciml.data.structure import check_hdf5 as check_hdf5
    from sciml.data.validate import Fault as Fault
    from sciml.data.validate import validate_dataset as validate_dataset
    from sciml.data.windowed import WindowedFields as WindowedFields
    from sciml.data.windows import AllToAll as AllToAll
    from sciml.data.windows import OneStep as OneStep
    from sciml.data.windows import Rollout as Rollout
    from sciml.data.windows import Steady as Steady
    from sciml.data.windows import Windows as Windows
    from sciml.data.xarray_view import to_xarray as to_xarray


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'sciml.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
