"""Shared by the tests of generation: small recipes, and what two data sets have in common."""

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np

from sciml.data import content_hash
from sciml.datagen import Recipe

#: Decaying waves on a line: no system to solve, every sample on its own.
BURGERS = """
name: tiny
equation: Burgers
grid: {x: {n: 8, kind: periodic}}
solution_grid: {x: {n: 16}}
parameters:
  viscosity: {class_path: LogUniform, init_args: {low: 0.05, high: 0.1}}
initial:
  u: {class_path: GaussianInitial, init_args: {field: {class_path: PeriodicField, init_args: {modes: 3, tau: 5.0}}}}
times: {start: 0.0, stop: 0.1, count: 3}
solver: {class_path: ETDRK4, init_args: {dt: 0.01}}
dtype: float32
splits: {train: 5, valid: 1, test: 2}
shard_size: 2
"""
#: Flow through two materials: a system per sample. Five shards of the training split, one of the validation split, two
#: of the test split.
DARCY = """
name: tiny
equation: Darcy
grid: {x: {n: 6, kind: cells}, y: {n: 5, kind: cells}}
boundaries: {all: {kind: dirichlet}}
parameters:
  a: {class_path: TwoPhase, init_args: {field: {class_path: NeumannField, init_args: {modes: 3}}}}
solver: FiniteVolumeElliptic
dtype: float64
splits: {train: 9, valid: 2, test: 3}
shard_size: 2
"""
#: The same with enough samples for a calibration, and the method left open.
OPEN = (
    DARCY.replace("train: 9", "train: 17")
    .replace("shard_size: 2", "shard_size: 5")
    .replace("solver: FiniteVolumeElliptic", "solver: {class_path: FiniteVolumeElliptic, init_args: INIT}")
    .replace("INIT", "{linear_solver: {class_path: Auto, init_args: {tol: 1.0e-10}}}")
)


def written(folder: Path, text: str) -> Path:
    """A recipe as a file."""
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path


def loaded(folder: Path, text: str) -> Recipe:
    return Recipe.load(written(folder, text))


def files(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.glob("*/*.h5"))


def hashes(root: Path) -> dict[str, str]:
    """sha256 over the data sets of every shard."""
    return {file: content_hash(root / file) for file in files(root)}


def manifest(root: Path) -> dict:
    return json.loads((root / "manifest.json").read_text())


def read_all(root: Path, name: str) -> np.ndarray:
    """One data set of all shards, in the order of their names."""
    parts = []
    for file in files(root):
        with h5py.File(root / file) as opened:
            parts.append(opened[name][:])
    return np.concatenate(parts)


def input_hash(root: Path, *names: str) -> str:
    """sha256 over what a solver is given: numbers of the samples, and the named data sets."""
    arrays = [read_all(root, name) for name in ("samples/index", *names)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def largest_difference(a: Path, b: Path, name: str) -> float:
    """Largest relative L2 distance of two data sets' samples."""
    u, v = (read_all(root, name) for root in (a, b))
    u, v = u.reshape(len(u), -1), v.reshape(len(v), -1)
    return float((np.linalg.norm(u - v, axis=1) / np.linalg.norm(v, axis=1)).max())
