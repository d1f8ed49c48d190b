"""The classical solver beside a surrogate is the one that made the data, with the method that was chosen for them."""

import json
from pathlib import Path

import numpy as np
from generation import OPEN, loaded, manifest

from sciml.cli.test import classical_solvers
from sciml.data import FieldDataset
from sciml.datagen import generate
from sciml.linalg import Auto, SparseDirect


def test_the_choice_of_the_manifest_is_obeyed(tmp_path: Path, monkeypatch) -> None:
    root = generate(loaded(tmp_path, OPEN), out=tmp_path / "out", workers=0)
    path = root / "manifest.json"
    content = manifest(root)
    content["choices"] |= {"linear_solver": {"class_path": "sciml.linalg.SparseDirect", "init_args": {}}, "reason": "x"}
    path.write_text(json.dumps(content))
    used: list[str] = []
    for cls in (Auto, SparseDirect):
        solve = cls.solve
        monkeypatch.setattr(cls, "solve", lambda *a, c=cls, f=solve, **k: used.append(c.__name__) or f(*a, **k))
    solvers = classical_solvers(root)
    test = FieldDataset(root, "test")
    for i, number in enumerate(test.samples["index"].tolist()):
        found, stored = solvers["classical solver"](number), test.fields([i])[0]
        assert np.abs(found - stored).max() <= 1e-9 * np.abs(stored).max()
    assert set(used) == {"SparseDirect"}
