"""Sequences of linear systems such as generators meet: drawn and assembled in batches, written with a checksum."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from sciml.data import DatasetSpec, write_shard
from sciml.datagen import GaussianInitial, LogNormal, NeumannField, PeriodicField, TwoPhase
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.files import file_hash
from sciml.pdes import PDE, ConvectionDiffusion, Darcy, Helmholtz, Poisson, Problem
from sciml.rng import sample_rng
from sciml.solvers import (
    ExponentialFitting,
    FiniteDifferenceHelmholtz,
    FiniteVolumeConvection,
    FiniteVolumeElliptic,
    QuadraticElements,
    Upwind,
    plate_with_hole,
)
from sciml.solvers.steady import SteadySolver, System

SEED = 0
#: Drawn parameters by name, `(m, ...)`.
Inputs = dict[str, np.ndarray]


class Family(Protocol):
    """Problems of one kind; `n` says how fine they are discretised."""

    def draw(self, n: int, indices: Sequence[int]) -> Inputs: ...

    def systems(self, n: int, inputs: Inputs) -> list[System]: ...

    def write(self, n: int, inputs: Inputs, solutions: list[np.ndarray], path: Path) -> None: ...


@dataclass(frozen=True)
class OnGrid:
    """Problems on a square with zero boundary values, `n` by `n` unknowns.

    Args:
        pde: the equation.
        solver: what assembles it.
        sampler: parameters `(m, *s)` for `m` generators.
        kind: of the axes; walls of `nodes` are no unknowns.
    """

    pde: PDE
    solver: SteadySolver
    sampler: Callable[[list[np.random.Generator], Grid], Inputs]
    kind: str = "cells"

    def grid(self, n: int) -> Grid:
        return Grid.cells(n, n) if self.kind == "cells" else Grid.nodes(n + 2, n + 2)

    def problem(self, n: int, inputs: Inputs) -> Problem:
        given = {name: torch.from_numpy(values) for name, values in inputs.items()} | self.constants
        return Problem(self.pde, self.grid(n), boundary=Boundaries.dirichlet(), parameters=given)

    @property
    def constants(self) -> dict[str, Any]:
        return {"a": 1.0, "velocity_x": 0.0} if isinstance(self.pde, ConvectionDiffusion) else {}

    def draw(self, n: int, indices: Sequence[int]) -> Inputs:
        return self.sampler([sample_rng(SEED, i, 0) for i in indices], self.grid(n))

    def systems(self, n: int, inputs: Inputs) -> list[System]:
        return self.solver.systems(self.problem(n, inputs))

    def write(self, n: int, inputs: Inputs, solutions: list[np.ndarray], path: Path) -> None:
        """Parameters and solutions in float64, as a shard of a data set, with both of its checksums."""
        problem = self.problem(n, inputs)
        static = tuple(FieldSpec(name, location=problem.domain.axes[0].kind.removesuffix("s")) for name in inputs)
        spec = DatasetSpec("samples", self.pde.fields, static, (), problem.domain, problem.boundaries, dtype="float64")
        u = np.stack([self.solver.fields(problem, x) for x in solutions])[:, :, None]
        fields = {f.name: u[:, c] for c, f in enumerate(self.pde.fields)}
        write_shard(path, spec, fields=fields, static=inputs, index=range(len(u)))
        file_hash(path)


@dataclass(frozen=True)
class OnPlate:
    """Laplace's equation by quadratic elements on a plate with a hole: five boundary numbers, one matrix."""

    parts: tuple[str, ...] = ("left", "right", "bottom", "top", "hole")

    def draw(self, n: int, indices: Sequence[int]) -> Inputs:
        generators = [sample_rng(SEED, i, 0) for i in indices]
        return {"values": np.array([[*g.uniform(-100.0, 0.0, 4), g.uniform(0.0, 100.0)] for g in generators])}

    def systems(self, n: int, inputs: Inputs) -> list[System]:
        return [plate(n).system(dict(zip(self.parts, row.tolist(), strict=True))) for row in inputs["values"]]

    def write(self, n: int, inputs: Inputs, solutions: list[np.ndarray], path: Path) -> None:
        """Numbers and nodal values in one file, with its checksum."""
        np.savez(path.with_suffix(".npz"), solutions=np.stack(solutions), **inputs)
        hashlib.sha256(path.with_suffix(".npz").read_bytes()).hexdigest()


@functools.cache
def plate(cells: int) -> QuadraticElements:
    return QuadraticElements(plate_with_hole(cells))


def log_normal(scale: float) -> Callable[[list[np.random.Generator], Grid], Inputs]:
    medium = LogNormal(scale, field=PeriodicField(2.5, 7.0, modes=32))
    return lambda generators, grid: {"a": medium.draw_batch(generators, grid)}


def two_phase(generators: list[np.random.Generator], grid: Grid) -> Inputs:
    return {"a": TwoPhase().draw_batch(generators, grid)}


def sources(generators: list[np.random.Generator], grid: Grid) -> Inputs:
    return {"f": GaussianInitial(field=NeumannField(2.0, 5.0, modes=32)).draw_batch(generators, grid)}


def waves(generators: list[np.random.Generator], grid: Grid) -> Inputs:
    """Wave numbers around 40 with a standard deviation of 5 %."""
    medium = LogNormal(0.28, median=40.0, field=PeriodicField(2.5, 7.0, modes=32))
    return {"k": medium.draw_batch(generators, grid)}


def flow(through: bool) -> Callable[[list[np.random.Generator], Grid], Inputs]:
    """Independent stream functions of cell Péclet number 10 at most; zero at the walls, or on a stream across."""

    def draw(generators: list[np.random.Generator], grid: Grid) -> Inputs:
        psi = NeumannField(3.0, 5.0, modes=32).sample(generators, grid)
        x, y = (c.numpy() for c in grid.meshgrid())
        if through:
            speed = np.abs(np.gradient(psi, grid.axes[0].h, axis=1)).max(axis=(1, 2), keepdims=True)
            psi = psi + 0.7 * speed * (y - 0.5 * x)
        else:
            psi = psi * 16 * x * (1 - x) * y * (1 - y)
        fastest = [np.abs(np.diff(psi, axis=axis)).max(axis=(1, 2), keepdims=True) for axis in (1, 2)]
        return {"psi": psi * 10.0 / np.maximum(*fastest)}

    return draw


def convection(scheme: Any, through: bool) -> OnGrid:
    return OnGrid(ConvectionDiffusion(), FiniteVolumeConvection(scheme), flow(through))


FAMILIES: dict[str, Family] = {
    "darcy mild": OnGrid(Darcy(), FiniteVolumeElliptic(), log_normal(1.0)),
    "darcy two-phase": OnGrid(Darcy(), FiniteVolumeElliptic(), two_phase),
    "darcy contrast": OnGrid(Darcy(), FiniteVolumeElliptic(), log_normal(8.3)),
    "poisson": OnGrid(Poisson(), FiniteVolumeElliptic(), sources),
    "thermal plate": OnPlate(),
    "helmholtz": OnGrid(Helmholtz(), FiniteDifferenceHelmholtz(), waves, kind="nodes"),
    "convection recirculating, upwind": convection(Upwind(), False),
    "convection recirculating, fitted": convection(ExponentialFitting(), False),
    "convection through, upwind": convection(Upwind(), True),
    "convection through, fitted": convection(ExponentialFitting(), True),
}
