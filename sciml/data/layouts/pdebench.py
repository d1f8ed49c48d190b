"""PDEBench's first layout: one file per setting of the parameters, one array per variable."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np

from sciml.data.layouts.base import Layout, Trajectories, channel_words, constants, created, float32, round_number
from sciml.data.schema import DatasetSpec
from sciml.status import DataError

#: Files that one data set may become, one per setting of its parameters.
MAX_FILES = 100
_GAS = {"density", "velocity", "pressure"}
#: Scalar fields, by what they are, whose published files have another layout.
_GROUPED = ("concentration", "water_depth")


@dataclass(frozen=True)
class _Attribute:
    """A root attribute: our parameters that it may be, the first one found, and what that is multiplied with."""

    name: str
    sources: tuple[str, ...]
    factor: float = 1.0
    default: float | None = None


@dataclass(frozen=True)
class _Family:
    """The name of a published file, with its attributes in braces."""

    file: str
    attributes: tuple[_Attribute, ...]


_ETA = _Attribute("eta", ("eta", "shear_viscosity", "viscosity"), default=0.0)
_ZETA = _Attribute("zeta", ("zeta", "bulk_viscosity"), default=0.0)
_MACH = _Attribute("M", ("M", "mach"))
#: By the equation and the number of dimensions. The diffusion of PDEBench's Burgers equation is Nu / pi.
_FAMILIES = {
    ("Advection", 1): _Family(
        "1D_Advection_Sols_beta{beta}.hdf5", (_Attribute("beta", ("beta", "speed", "velocity_x")),)
    ),
    ("Burgers", 1): _Family("1D_Burgers_Sols_Nu{Nu}.hdf5", (_Attribute("Nu", ("viscosity",), factor=math.pi),)),
    ("FisherKPP", 1): _Family(
        "ReacDiff_Nu{Nu}_Rho{rho}.hdf5", (_Attribute("Nu", ("diffusivity",)), _Attribute("rho", ("rate",)))
    ),
    ("Darcy", 2): _Family("2D_DarcyFlow_beta{beta}_Train.hdf5", (_Attribute("beta", ("beta", "f")),)),
    ("gas", 1): _Family("1D_CFD_{kind}_Eta{eta}_Zeta{zeta}_{boundary}_Train.hdf5", (_ETA, _ZETA)),
    ("gas", 2): _Family("2D_CFD_{kind}_M{M}_Eta{eta}_Zeta{zeta}_{boundary}_{n}_Train.hdf5", (_ETA, _ZETA, _MACH)),
    ("gas", 3): _Family("3D_CFD_{kind}_M{M}_Eta{eta}_Zeta{zeta}_{boundary}_Train.hdf5", (_ETA, _ZETA, _MACH)),
}
#: What a file of gas is called after, by the sampler of its initial states.
_KINDS = {"ShockTube": "Shock", "TurbulentGas": "Turb"}


class PDEBenchArraysLayout(Layout):
    r"""`tensor`, or `density`, `pressure`, `Vx`, `Vy`, `Vz`, all `(n, t, *s)`; a coefficient `nu` `(n, *s)`; float32.

    Coordinates are `x-coordinate`, `y-coordinate`, `z-coordinate` and, but for steady problems, `t-coordinate`, which
    has one entry more than there are frames in one dimension. Root attributes are the parameters, under the published
    names where the family is a published one: `beta` (advection: the speed; Darcy: the constant source), `Nu` (Burgers:
    $\pi$ times the viscosity, since PDEBench's equation has the diffusion $\nu / \pi$), `eta`, `zeta`, `M` (a gas;
    one without viscosity has 0). File names are the published ones too, with the numbers of the data set; other
    equations give a file of the data set's name. A parameter that takes some values over the trajectories gives one
    file per value.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, appendix D.
    """

    layout: ClassVar[str] = "PDEBench, one array per variable (.hdf5)"

    def refuses(self, spec: DatasetSpec) -> str | None:
        scalar = len(spec.fields) == 1 and spec.fields[0].rank == 0 and channel_words(spec.fields)[0] not in _GROUPED
        if not (scalar or {f.name for f in spec.fields} == _GAS):
            names = ", ".join(f.name for f in spec.fields)
            return f"{self.layout}: holds one scalar field, or density, velocity and pressure; there are {names}."
        if len(spec.static) > 1 or any(f.rank for f in spec.static):
            return f"{self.layout}: holds one scalar coefficient; there are {', '.join(f.name for f in spec.static)}."
        known = {*constants(spec), *(p.name for p in spec.parameters), *spec.meta}
        for attribute in self._family(spec).attributes:
            if attribute.default is None and not known & set(attribute.sources):
                wanted = " or ".join(attribute.sources)
                return f"{self.layout}: needs {wanted} among parameters or meta, for the attribute {attribute.name}."
        return None

    def write(self, source: Trajectories, folder: Path) -> None:
        for values, rows in cases(source):
            numbers = {k: v for k, v in source.spec.meta.items() if isinstance(v, int | float)}
            numbers |= constants(source.spec) | values
            family = self._family(source.spec)
            attributes = {a.name: _value(a, numbers) for a in family.attributes}
            if not family.attributes:
                attributes = constants(source.spec) | values
            path = folder / self._file(family, source.spec, attributes, values)
            if path.exists():
                raise DataError(
                    f"{source.root}: {path.name} would hold trajectories of more than one setting {values}."
                )
            with created(path) as file:
                file.attrs.update(attributes)
                self._coordinates(file, source.spec)
                self._arrays(file, source, rows)

    def _family(self, spec: DatasetSpec) -> _Family:
        gas = {f.name for f in spec.fields} == _GAS
        name = "gas" if gas else str(spec.meta.get("pde", ""))
        return _FAMILIES.get((name, spec.grid.dimensions), _Family("", ()))

    def _file(
        self, family: _Family, spec: DatasetSpec, attributes: Mapping[str, float], values: Mapping[str, float]
    ) -> str:
        if not family.file:
            return "_".join([spec.name, *(f"{k}{_text(v)}" for k, v in values.items())]) + ".hdf5"
        initial = spec.meta.get("initial")
        words = {
            "kind": _KINDS.get(initial, "Rand") if isinstance(initial, str) else "Rand",
            "boundary": "periodic" if spec.grid.is_periodic else "trans",
            "n": spec.grid.shape[0],
        }
        short = spec.grid.dimensions == 1
        return family.file.format(**words, **{k: _text(v, short) for k, v in attributes.items()})

    def _coordinates(self, file: h5py.File, spec: DatasetSpec) -> None:
        for name, axis in zip(spec.grid.names, spec.grid.axes, strict=True):
            float32(file, f"{name}-coordinate", (axis.n,))[...] = axis.coords
        if len(spec.times) > 1:
            times = list(spec.times)
            if spec.grid.dimensions == 1:
                times.append(2 * times[-1] - times[-2])
            float32(file, "t-coordinate", (len(times),))[...] = times

    def _arrays(self, file: h5py.File, source: Trajectories, rows: np.ndarray) -> None:
        spec = source.spec
        s = spec.grid.shape
        whole = (len(rows), len(spec.times), *s)
        if len(spec.fields) == 1:
            targets = {"tensor": (spec.fields[0].name, 0)}
        else:
            targets = {"density": ("density", 0), "pressure": ("pressure", 0)}
            targets |= {f"V{axis}": ("velocity", i) for i, axis in enumerate(spec.grid.names)}
        arrays = {name: float32(file, name, whole) for name in targets}
        coefficient = float32(file, "nu", (len(rows), *s)) if spec.static else None
        for piece in source.pieces(rows.tolist()):
            for name, (field, component) in targets.items():
                arrays[name][piece.rows] = piece.fields[field][:, :, component]
            if coefficient is not None:
                coefficient[piece.rows] = piece.static[spec.static[0].name][:, 0]


def cases(source: Trajectories) -> list[tuple[dict[str, float], np.ndarray]]:
    """The settings of the parameters that vary over the trajectories, each with the rows that have it.

    Raises:
        DataError: more of them than there may be files.
    """
    names = [p.name for p in source.spec.parameters]
    if not names:
        return [({}, np.arange(len(source)))]
    found, which = np.unique(source.params, axis=0, return_inverse=True)
    if len(found) > MAX_FILES:
        raise DataError(
            f"{source.root}: {', '.join(names)} take {len(found)} settings; the layout has one file for each, at most"
            f" {MAX_FILES}: draw them with Choice, or fix them with --set parameters.{names[0]}=NUMBER."
        )
    return [(dict(zip(names, row.tolist(), strict=True)), np.flatnonzero(which == i)) for i, row in enumerate(found)]


def _value(attribute: _Attribute, numbers: Mapping[str, float]) -> float:
    given = [numbers[s] for s in attribute.sources if s in numbers]
    if not given:
        assert attribute.default is not None
        return attribute.default
    return round_number(given[0] * attribute.factor)


def _text(value: float, short: bool = False) -> str:
    """As in the published names: 0.001, 4.0, 1e-08; short ones write 1.e-8."""
    if short and 0 < abs(value) < 1e-4:
        return np.format_float_scientific(value, trim=".", exp_digits=1)
    return repr(float(value))
