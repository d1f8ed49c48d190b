"""Generation: same bits whatever the workers, a restart or a death; failures listed; nothing computed twice."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import torch
from generation import BURGERS, hashes, loaded, manifest, written

import sciml
from sciml.data import FieldDataset, read_statistics, validate_dataset
from sciml.data.layouts import PDEBenchArraysLayout, PoseidonLayout
from sciml.datagen import Plan, Recipe, generate
from sciml.datagen.manifest import Manifest
from sciml.datagen.shards import Shard, make_shard, shards_of
from sciml.files import file_hash
from sciml.solvers import ETDRK4
from sciml.status import ConfigError, DataError, ResumeMismatch, SolveFailure, Status


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    return loaded(tmp_path, BURGERS)


def test_a_data_set_has_its_splits_statistics_and_manifest(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    assert [len(FieldDataset(root, split)) for split in ("train", "valid", "test")] == [5, 1, 2]
    assert read_statistics(root)["hash"] == FieldDataset(root, "train").hash
    found = manifest(root)
    assert found["complete"]
    assert found["recipe_hash"] == recipe.hash
    assert {"sciml", "numpy", "torch"} <= set(found["versions"])
    assert [e["samples"] for e in found["shards"]] == [2, 2, 1, 1, 2]
    assert found["bytes"] == sum(p.stat().st_size for p in root.glob("*/*.h5"))
    sealed = {s["file"]: s["file_sha256"] for listed in found["splits"].values() for s in listed}
    assert sealed == {f"{p.parent.name}/{p.name}": file_hash(p) for p in root.glob("*/*.h5")}


def test_a_stored_sample_is_the_solution_of_its_problem(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    dataset = FieldDataset(root, "test")
    index = int(dataset.samples["index"][1])
    problem = recipe.problem(index)
    u = sciml.solve(problem, solver=recipe.solver).u[0, :, :, ::2].numpy()
    np.testing.assert_array_equal(dataset.fields([1])[0], u.astype(np.float32))
    assert dataset.params([1])[0] == [problem.parameters["viscosity"]]
    assert set(dataset.samples["seed"]) == {recipe.seed}
    assert set(dataset.samples["status"]) == {int(Status.SUCCESS)}
    assert (dataset.samples["residual"] < 1e-2).all()


def test_a_vector_is_stored_as_one_field_with_a_last_axis_of_its_components(tmp_path):
    field = {"class_path": "GaussianInitial"}
    changes = {"equation": "VectorBurgers", "initial": {"u_x": field, "u_y": field}}
    changes |= {"grid": {a: {"n": 6, "kind": "periodic"} for a in "xy"}, "solution_grid": {a: {"n": 12} for a in "xy"}}
    recipe = Recipe.load(written(tmp_path, BURGERS), changes)
    root = generate(recipe, train=2, valid=1, test=0, out=tmp_path / "out", workers=0)
    assert not validate_dataset(root)
    data, problem = FieldDataset(root, "train"), recipe.problem(1)
    solved = recipe.solver.solve(problem).u[0, :, :, ::2, ::2].numpy()
    np.testing.assert_allclose(data.fields([1])[0], solved, atol=1e-6)
    with h5py.File(root / "train" / "shard-00000.h5") as file:
        assert file["t1_fields/u"].shape == (2, 3, 6, 6, 2)
        np.testing.assert_allclose(file["t1_fields/u"][1, ..., 1], solved[:, 1], atol=1e-6)


def test_shards_and_splits_do_not_change_a_sample(recipe, tmp_path):
    whole = generate(recipe, out=tmp_path / "a", workers=0)
    parts = generate(dataclasses.replace(recipe, shard_size=3), train=3, test=1, out=tmp_path / "b", workers=0)
    for split, count in (("train", 3), ("test", 1)):
        a, b = (FieldDataset(root, split).fields(range(count)) for root in (whole, parts))
        np.testing.assert_array_equal(a, b)


def test_a_finished_data_set_is_not_computed_again(recipe, tmp_path, monkeypatch):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    stamps = {p: p.stat().st_mtime_ns for p in root.glob("*/*.h5")}
    monkeypatch.setattr("sciml.datagen.backends.make_shard", lambda *a: pytest.fail("computed again"))
    generate(recipe, out=root, workers=0)
    assert stamps == {p: p.stat().st_mtime_ns for p in root.glob("*/*.h5")}


def test_only_missing_and_damaged_shards_are_made_again(recipe, tmp_path, monkeypatch):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    before = hashes(root)
    (root / "train/shard-00001.h5").unlink()
    damaged = root / "test/shard-00000.h5"
    raw = bytearray(damaged.read_bytes())
    raw[len(raw) // 2] ^= 1
    damaged.write_bytes(raw)
    (root / "train/.shard-00007.h5.tmp-123").write_bytes(b"half")
    made = []

    def record(recipe, shard, *rest):
        made.append(shard.file)
        return make_shard(recipe, shard, *rest)

    monkeypatch.setattr("sciml.datagen.backends.make_shard", record)
    generate(recipe, out=root, workers=0)
    assert made == ["train/shard-00001.h5", "test/shard-00000.h5"]
    assert hashes(root) == before
    assert not list(root.glob("*/.*tmp*"))


def test_a_shard_without_its_line_in_the_manifest_is_made_again(recipe, tmp_path):
    """As after a death between the renaming of the shard and that of the manifest."""
    root = generate(recipe, out=tmp_path / "out", workers=0)
    before, found = hashes(root), manifest(root)
    found["shards"].pop(1)
    (root / "manifest.json").write_text(json.dumps(found))
    (root / "train/shard-00001.h5").write_bytes(b"something else")
    generate(recipe, out=root, workers=0)
    assert hashes(root) == before


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"seed": 7}, "seed"),
        ({"train": 6}, "splits.train"),
        ({"dtype": "float64"}, "dtype"),
        ({"viscosity": 0.06}, "parameters.viscosity"),
    ],
)
def test_another_recipe_in_the_same_folder_is_refused_with_the_key(recipe, tmp_path, change, key):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    before = hashes(root)
    if "viscosity" in change:
        recipe = dataclasses.replace(recipe, parameters=change)
        change = {}
    elif "dtype" in change:
        recipe, change = dataclasses.replace(recipe, **change), {}
    with pytest.raises(ResumeMismatch, match=key):
        generate(recipe, out=root, workers=0, **change)
    assert hashes(root) == before


def test_a_foreign_manifest_is_refused(recipe, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"manifest\.json"):
        generate(recipe, out=tmp_path / "out", workers=0)


def not_finite(trajectory, row):
    trajectory.u[row, ..., -1] = float("nan")
    return trajectory


def marked(trajectory, row):
    trajectory.status[row] = int(Status.MAX_STEPS)
    return trajectory


def raises(*arguments):
    raise SolveFailure("no solution today", Status.BREAKDOWN)


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [(not_finite, "NON_FINITE", "finite"), (marked, "MAX_STEPS", "MAX_STEPS"), (raises, "BREAKDOWN", "today")],
)
def test_failed_samples_are_listed_and_left_out_never_filled(recipe, tmp_path, how, status, words, monkeypatch):
    good = make_shard(recipe, Shard("train", 0, 0, 4), tmp_path / "good")
    bad, solve = recipe.numbers(1)["viscosity"], ETDRK4.solve

    def fail_on_one(self, problem, *, tol=1e-6):
        solved, rows = solve(self, problem, tol=tol), torch.as_tensor(problem.parameters["viscosity"]).reshape(-1)
        return how(solved, int((rows == bad).nonzero())) if bool((rows == bad).any()) else solved

    monkeypatch.setattr(ETDRK4, "solve", fail_on_one)
    entry = make_shard(recipe, Shard("train", 0, 0, 4), tmp_path / "bad")
    assert entry["samples"] == 3
    (rejected,) = entry["rejected"]
    assert (rejected["index"], rejected["status"]) == (1, status)
    assert words in rejected["reason"]
    with h5py.File(tmp_path / "good" / good["file"]) as a, h5py.File(tmp_path / "bad" / entry["file"]) as b:
        assert b["samples/index"][:].tolist() == [0, 2, 3]
        np.testing.assert_array_equal(b["t0_fields/u"][:], a["t0_fields/u"][:][[0, 2, 3]])


def test_a_shard_of_failures_has_no_file_and_a_split_of_failures_stops(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("sciml.datagen.shards.solve_samples", raises)
    with pytest.raises(SolveFailure, match="no solution today"):
        generate(recipe, out=tmp_path / "out", workers=0)
    assert not list((tmp_path / "out").glob("*/*.h5"))
    assert not manifest(tmp_path / "out")["complete"]


def test_a_dry_run_returns_the_plan_and_leaves_nothing(recipe, tmp_path):
    found = generate(recipe, samples=800, out=tmp_path / "out", dry_run=True)
    assert isinstance(found, Plan)
    assert (sum(found.splits.values()), found.shards, found.finished) == (800, len(shards_of(recipe.resized(800))), 0)
    assert found.seconds > 0
    assert not (tmp_path / "out").exists()
    root = generate(recipe, out=tmp_path / "real", workers=0)
    size = sum(p.stat().st_size for p in root.glob("*/*.h5"))
    again = generate(recipe, out=root, dry_run=True)
    assert again.finished == again.shards == 5
    assert again.bytes == pytest.approx(size, rel=0.2)


def test_two_generations_do_not_share_a_folder(recipe, tmp_path):
    from sciml.datagen.pipeline import _at_work

    (tmp_path / "out").mkdir()
    with _at_work(tmp_path / "out", alone=True), pytest.raises(ConfigError, match="another process"):
        generate(recipe, out=tmp_path / "out", workers=0)


def test_the_folder_is_named_by_the_environment(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("SCIML_DATA", str(tmp_path / "root"))
    assert generate(recipe, samples=1, workers=0) == tmp_path / "root" / "tiny"


@pytest.mark.slow
def test_workers_do_not_change_a_bit(recipe, tmp_path):
    roots = [generate(recipe, out=tmp_path / f"w{n}", workers=n) for n in (1, 3)]
    assert len({json.dumps(hashes(root)) for root in roots}) == 1
    assert len({json.dumps(manifest(root)["hashes"]) for root in roots}) == 1


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_nothing_is_lost_or_doubled(recipe, tmp_path, monkeypatch):
    from sciml.datagen import pool

    expected = hashes(generate(recipe, out=tmp_path / "calm", workers=0))
    started = []

    class Fragile(pool._Worker):
        def give(self, shard):
            super().give(shard)
            started.append(shard.file)
            if len(started) in (1, 3):
                os.kill(self.process.pid, signal.SIGKILL)

    monkeypatch.setattr(pool, "_Worker", Fragile)
    root = generate(recipe, out=tmp_path / "out", workers=2)
    assert hashes(root) == expected
    assert len(started) == len(shards_of(recipe)) + 2
    assert [e["samples"] for e in manifest(root)["shards"]] == [2, 2, 1, 1, 2]


@pytest.mark.slow
def test_a_shard_that_kills_its_worker_every_time_is_given_up(recipe, tmp_path, monkeypatch):
    from sciml.datagen import pool

    class Doomed(pool._Worker):
        def give(self, shard):
            super().give(shard)
            os.kill(self.process.pid, signal.SIGKILL)

    monkeypatch.setattr(pool, "_Worker", Doomed)
    with pytest.raises(SolveFailure, match="died 3 times"):
        generate(recipe, out=tmp_path / "out", workers=1)


@pytest.mark.slow
def test_two_kills_and_a_restart_give_the_same_bits_and_repeat_no_finished_shard(recipe, tmp_path):
    """The whole process group is killed with signal 9 after its first and after its third finished shard."""
    slow = written(tmp_path, BURGERS.replace("dt: 0.01", "dt: 0.0005"))
    expected, recipe = hashes(generate(slow, out=tmp_path / "calm", workers=0)), Recipe.load(slow)
    root, script = tmp_path / "out", "import sciml, sys; sciml.generate(sys.argv[1], out=sys.argv[2], workers=1)"
    stamps: dict[str, int] = {}
    for enough in (1, 3):
        process = subprocess.Popen([sys.executable, "-c", script, str(slow), str(root)], start_new_session=True)
        while process.poll() is None and len(Manifest.open(root, recipe).shards) < enough:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL, "it was finished before it was killed"
        kept = {e["file"]: (root / e["file"]).stat().st_mtime_ns for e in Manifest.open(root, recipe).shards}
        assert stamps.items() <= kept.items()
        stamps = kept
    generate(slow, out=root, workers=2)
    assert hashes(root) == expected
    assert all((root / file).stat().st_mtime_ns == stamp for file, stamp in stamps.items())
    assert not list(root.rglob("*tmp*"))


def test_another_version_is_a_warning_on_resume(recipe, tmp_path, caplog):
    root = generate(recipe, samples=1, out=tmp_path / "out", workers=0)
    found = manifest(root)
    found["versions"]["numpy"] = "0.1"
    (root / "manifest.json").write_text(json.dumps(found))
    generate(recipe, samples=1, out=root, workers=0)
    assert "numpy 0.1" in caplog.text


def test_a_layout_is_written_beside_the_shards_and_kept(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    before = hashes(root)
    half = root / ".pdebench.tmp-123"
    half.mkdir()
    (half / "half.hdf5").write_bytes(b"half")
    fixed = dataclasses.replace(recipe, parameters={"viscosity": 0.5 / math.pi})
    root = generate(fixed, out=tmp_path / "fixed", workers=0, layout="pdebench")
    path = root / "pdebench/1D_Burgers_Sols_Nu0.5.hdf5"
    with h5py.File(path) as file:
        assert file["tensor"].shape == (8, 3, 8)
        np.testing.assert_array_equal(file["tensor"][6:], FieldDataset(root, "test").fields([0, 1])[:, :, 0])
    assert not validate_dataset(root)
    stamp = path.stat().st_mtime_ns
    assert generate(fixed, out=root, workers=0, layout=PDEBenchArraysLayout()) == root
    assert path.stat().st_mtime_ns == stamp
    generate(recipe, out=tmp_path / "out", workers=0, layout="the_well")
    assert not half.exists()
    assert (tmp_path / "out/the_well/data/train/tiny.hdf5").is_file()
    assert hashes(tmp_path / "out") == before


def test_a_layout_without_a_place_for_the_data_is_refused_before_anything_is_solved(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("sciml.datagen.backends.make_shard", lambda *a: pytest.fail("solved"))
    with pytest.raises(ConfigError, match=r"layout: tiny: Poseidon .*2 dimensions; the grid has 1"):
        generate(recipe, out=tmp_path / "out", workers=0, layout="poseidon")
    with pytest.raises(ConfigError, match="2 dimensions"):
        generate(recipe, out=tmp_path / "out", workers=0, layout=PoseidonLayout())
    assert not (tmp_path / "out").exists()


def test_changes_are_those_of_the_recipe_that_is_read(tmp_path):
    path = written(tmp_path, BURGERS)
    changes = {"parameters.viscosity": 0.07, "name": "other", "meta.mach": 0.1}
    root = generate(path, out=tmp_path / "out", workers=0, samples=3, changes=changes)
    found = manifest(root)["recipe"]
    assert (found["parameters"], found["name"], found["meta"]) == ({"viscosity": 0.07}, "other", {"mach": 0.1})
    with pytest.raises(ConfigError, match="viscosty is no key"):
        generate(path, out=tmp_path / "out", changes={"parameters.viscosty": 0.07})
    with pytest.raises(ValueError, match="changes are those of a recipe that is read"):
        generate(Recipe.load(path), out=tmp_path / "out", changes=changes)


def test_a_folder_is_taken_while_another_process_holds_it_and_not_a_moment_longer(recipe, tmp_path, monkeypatch):
    """The children of a generation that was killed may outlive it for a moment, with its lock in their hands."""
    import fcntl
    import threading

    from sciml.datagen import pipeline

    root = tmp_path / "out"
    root.mkdir()
    with (root / ".lock").open("a+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        monkeypatch.setattr(pipeline, "PATIENCE", 0.05)
        with pytest.raises(ConfigError, match="another process is generating into this folder"):
            generate(recipe, out=root, workers=0)
        monkeypatch.setattr(pipeline, "PATIENCE", 5.0)
        release = threading.Timer(0.1, fcntl.flock, (other, fcntl.LOCK_UN))
        release.start()
        assert generate(recipe, out=root, workers=0) == root
        release.join()
