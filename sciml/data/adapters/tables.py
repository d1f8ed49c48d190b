"""One trajectory with its coordinates in a MATLAB or NumPy file, as reference solutions are passed on."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sciml.data.adapters.axes import guessed_axis, nodes_axis, periodic_axis
from sciml.data.adapters.base import Adapter, Arrays
from sciml.data.foreign import check_mat, check_npz, is_hdf5
from sciml.data.schema import DatasetSpec
from sciml.fields import Axis, Boundaries, FieldSpec, Grid
from sciml.status import DataError

_TIMES = ("t", "tt")
_VALUES = ("u", "uu", "usol")


class SpaceTimeTable(Adapter):
    """`x`, `t` (or `tt`) and one array `u`, `uu` or `usol` over both, in a `.mat` or `.npz` file.

    Which axis of the array is time is told by the lengths of the coordinates. A complex array becomes two fields.

    Args:
        kind: of the axis x, `nodes` or `periodic`; told by the coordinates when left out, see `guessed_axis`.
        time_first: whether time is the first axis, for arrays of as many times as points.
    """

    layout: ClassVar[str] = "a table u(x, t) with x and t (.mat, .npz)"

    def __init__(self, kind: str | None = None, time_first: bool | None = None) -> None:
        if kind not in (None, "nodes", "periodic"):
            raise ValueError(f"kind={kind!r} must be 'nodes', 'periodic' or left out.")
        self.kind, self.time_first = kind, time_first

    def matches(self, path: Path) -> bool:
        if path.suffix not in (".mat", ".npz"):
            return False
        names = set(read_table(path))
        return "x" in names and len(names & set(_TIMES)) == 1 and len(names & set(_VALUES)) == 1

    def count(self, path: Path) -> int:
        return 1

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        table = read_table(path)
        time, name = (next(n for n in names if n in table) for names in (_TIMES, _VALUES))
        x, t = table["x"].ravel(), table[time].ravel()
        u = self._time_first(np.squeeze(table[name]), len(x), len(t), f"{path}: {name}")
        axis = self._axis(x, path)
        parts = {"u": u}
        if np.iscomplexobj(u):
            parts = {"u_re": np.ascontiguousarray(u.real), "u_im": np.ascontiguousarray(u.imag)}
        meta = {"source": path.name, "complex": np.iscomplexobj(u)}
        if axis.kind == "nodes":
            # Both ends are stored: a periodic solution repeats there, and no Fourier grid may be made of such points.
            meta["ends_coincide"] = bool(np.allclose(u[:, 0], u[:, -1], rtol=0, atol=1e-9 * np.abs(u).max()))
        spec = DatasetSpec(
            path.stem.replace(" ", "_"),
            tuple(FieldSpec(part) for part in parts),
            (),
            (),
            Grid((axis,)),
            Boundaries.periodic() if axis.kind == "periodic" else Boundaries({}),
            times=tuple(t.tolist()),
            dtype="float64",
            meta=meta,
        )
        return spec, Arrays({part: values[None][rows] for part, values in parts.items()})

    def _time_first(self, u: np.ndarray, nx: int, nt: int, where: str) -> np.ndarray:
        if sorted(u.shape) != sorted((nx, nt)):
            raise DataError(f"{where}: has shape {u.shape}; x has {nx} entries and t {nt}.")
        if nx == nt and self.time_first is None:
            raise DataError(f"{where}: x and t both have {nx} entries, so the axes cannot be told; give time_first.")
        time_first = u.shape == (nt, nx) if nx != nt else bool(self.time_first)
        return u if time_first else u.T

    def _axis(self, x: np.ndarray, path: Path) -> Axis:
        try:
            if self.kind is not None:
                return (nodes_axis if self.kind == "nodes" else periodic_axis)(x)
            axis = guessed_axis(x)
        except ValueError as error:
            raise DataError(f"{path}: x: {error}") from None
        if axis is None:
            raise DataError(f"{path}: x from {x[0]:g} to {x[-1]:g} does not tell whether it is periodic; give kind.")
        return axis


def read_table(path: Path) -> dict[str, Any]:
    """All arrays of a `.mat` or `.npz` file by name, after its check; v7.3's axes, stored reversed, are put right."""
    if path.suffix == ".npz":
        check_npz(path)
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    check_mat(path)
    if is_hdf5(path):
        return _read_v73(path)
    import scipy.io

    try:
        found = scipy.io.loadmat(str(path), appendmat=False)
    # The parser of a damaged file raises nearly anything.
    except Exception as error:
        raise DataError(f"{path}: cannot be read: {(str(error).splitlines() or ['unknown'])[0]}.") from None
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _read_v73(path: Path) -> dict[str, Any]:
    import h5py

    from sciml.data.hdf5 import opened, read

    with opened(path) as file:
        found = {n: read(file, path, n) for n in file if isinstance(file[n], h5py.Dataset)}
    for name, value in found.items():
        if value.dtype.names == ("real", "imag"):
            value = value["real"] + 1j * value["imag"]
        found[name] = value.T
    return found
