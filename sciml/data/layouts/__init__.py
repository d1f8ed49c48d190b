"""Finished data sets as files of foreign layouts: `export(folder, out, layout)`."""

from sciml.data.layouts.base import Layout, Trajectories, export
from sciml.data.layouts.pdebench import PDEBenchArraysLayout
from sciml.data.layouts.pdebench_samples import PDEBenchGroupsLayout, PDEBenchIncompressibleLayout
from sciml.data.layouts.poseidon import PoseidonLayout
from sciml.data.layouts.the_well import TheWellLayout
from sciml.data.schema import DatasetSpec
from sciml.status import DataError

#: Short names, for the command line, with the layouts that they mean; the first one with a place for the data is taken.
LAYOUTS: dict[str, tuple[type[Layout], ...]] = {
    "pdebench": (PDEBenchArraysLayout, PDEBenchIncompressibleLayout, PDEBenchGroupsLayout),
    "the_well": (TheWellLayout,),
    "poseidon": (PoseidonLayout,),
}


def find_layout(name: str, spec: DatasetSpec) -> Layout:
    """The layout of a short name that has a place for a data set.

    Raises:
        ValueError: an unknown name.
        DataError: none of them has a place for it, with the reasons.
    """
    if name not in LAYOUTS:
        raise ValueError(f"layout={name!r} must be one of {', '.join(LAYOUTS)}.")
    candidates = [cls() for cls in LAYOUTS[name]]
    reasons = []
    for layout in candidates:
        reason = layout.refuses(spec)
        if reason is None:
            return layout
        reasons.append(reason.rstrip("."))
    raise DataError(f"{spec.name}: {'; '.join(reasons)}.")


def folder_name(layout: Layout) -> str:
    """The short name of a layout, which the folder of an export beside the shards has; else that of its class."""
    return next((name for name, group in LAYOUTS.items() if type(layout) in group), type(layout).__name__)


__all__ = [
    "LAYOUTS",
    "Layout",
    "PDEBenchArraysLayout",
    "PDEBenchGroupsLayout",
    "PDEBenchIncompressibleLayout",
    "PoseidonLayout",
    "TheWellLayout",
    "Trajectories",
    "export",
    "find_layout",
    "folder_name",
]
