"""A method that a recipe leaves open: chosen once, frozen with its reason, obeyed by every shard and process."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from generation import (
    BURGERS,
    DARCY,
    OPEN,
    files,
    hashes,
    input_hash,
    largest_difference,
    loaded,
    manifest,
    read_all,
    written,
)

from sciml.datagen import DaskBackend, NearestNeighbour, Recipe, SerialBackend, calibration, generate, learning
from sciml.datagen.calibration import calibrated, first_systems, with_linear_solver
from sciml.datagen.manifest import Manifest
from sciml.datagen.recipe_file import find_recipe, shipped_recipes
from sciml.describe import build, describe
from sciml.linalg import (
    CG,
    GCRODR,
    LU,
    Auto,
    BanditSolver,
    BiCGStab,
    Choice,
    Jacobi,
    Seconds,
    SparseDirect,
    Stale,
    candidates,
)
from sciml.linalg.structure import label
from sciml.status import ConfigError, ResumeMismatch

TOL = 1e-10
#: The shipped recipes that leave their method open.
STEADY = [name for name in shipped_recipes() if "sciml.linalg.Auto" in find_recipe(name).read_text()]
#: What else might have been chosen.
CHOICES = {
    "direct": SparseDirect(),
    "CG": CG(tol=TOL, preconditioner=Jacobi()),
    "GCRO-DR": GCRODR(tol=TOL, restart=12, recycle=4),
    "stale LU": Stale(CG(tol=TOL, preconditioner=LU()), cost_ratio=10.0),
}


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    monkeypatch.setattr(calibration, "WORTH_TIMING", 20)


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    return loaded(tmp_path, OPEN)


@pytest.fixture(scope="module")
def exact(tmp_path_factory) -> Path:
    """The data set by a direct method."""
    folder = tmp_path_factory.mktemp("exact")
    return generate(loaded(folder, OPEN), out=folder / "out", workers=0, linear_solver=SparseDirect())


@pytest.fixture
def choosing(monkeypatch):
    """Calibrations that come to a given method; returns the list of their calls."""
    calls: list[int] = []

    def install(solver) -> list[int]:
        def chosen(self, systems, **how):
            calls.append(len(systems))
            return Choice(describe(solver), "for the test.", {"it": 1.0})

        monkeypatch.setattr(Auto, "calibrated", chosen)
        return calls

    return install


def solvers_of(root) -> set[str]:
    """What the files say they were solved by."""
    found = set()
    for file in files(root):
        with h5py.File(root / file) as opened:
            spec = json.loads(opened.attrs["spec"])
            found.add(json.dumps(spec["meta"]["solver"]["init_args"]["linear_solver"], sort_keys=True))
    return found


def test_the_choice_is_in_the_manifest_with_its_reason_and_what_was_measured(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    found = manifest(root)["choices"]
    assert found["solver"] == "sciml.solvers.FiniteVolumeElliptic"
    assert found["reason"].endswith(".")
    assert "positive definite matrix on a grid of 30 unknowns" in found["reason"]
    assert {"CG+PoissonPreconditioner", "BandedCholesky"} <= set(found["seconds"])
    assert all(seconds > 0 for seconds in found["seconds"].values())
    assert found["adaptive"] is False
    assert solvers_of(root) == {json.dumps(found["linear_solver"], sort_keys=True)}
    # The recipe is the one that was asked for: what the manifest froze is not in it.
    assert manifest(root)["recipe"] == json.loads(json.dumps(recipe.to_dict()))
    assert manifest(root)["recipe_hash"] == recipe.hash
    assert (read_all(root, "samples/residual") <= TOL).all()


def test_it_is_made_once_and_parts_resumes_and_the_whole_obey_it(recipe, tmp_path, choosing):
    calls, root = choosing(CHOICES["GCRO-DR"]), tmp_path / "out"
    generate(recipe, out=root, workers=0, shard_range=(2, 4))
    choosing(CHOICES["direct"])
    generate(recipe, out=root, workers=0, shard_range=(0, 3))
    (root / "train/shard-00000.h5").unlink()
    generate(recipe, out=root, workers=0)
    assert calls == [4]
    assert solvers_of(root) == {json.dumps(describe(CHOICES["GCRO-DR"]), sort_keys=True)}
    named = generate(recipe, out=tmp_path / "named", workers=0, linear_solver=CHOICES["GCRO-DR"])
    assert hashes(root) == hashes(named)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("order", [None, NearestNeighbour()])
def test_whatever_is_chosen_inputs_are_the_same_bits_and_outputs_within_ten_tolerances(
    recipe, exact, tmp_path, choosing, name, order
):
    choosing(CHOICES[name])
    root = generate(dataclasses.replace(recipe, ordering=order), out=tmp_path / "out", workers=0)
    assert manifest(root)["choices"]["linear_solver"] == describe(CHOICES[name])
    assert input_hash(root, "t0_fields/a") == input_hash(exact, "t0_fields/a")
    assert largest_difference(root, exact, "t0_fields/u") <= 10 * TOL
    assert (read_all(root, "samples/residual") <= TOL).all()


def test_systems_are_the_first_of_the_first_shard_in_the_order_of_work(recipe):
    ordered = dataclasses.replace(recipe, ordering=NearestNeighbour())
    work = calibration.order_of_work(ordered, range(5))
    assert work != list(range(5))
    expected = [recipe.solver.systems(recipe.problem(i))[0][1] for i in work[:4]]
    found = first_systems(dataclasses.replace(ordered, splits={"train": 400, "valid": 0, "test": 9}))
    assert len(found) == 4
    for (_, b), want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(b, want)


def test_a_process_that_was_slower_to_choose_obeys_the_one_that_was_quicker(recipe, tmp_path, monkeypatch):
    """Two parts begin in an empty folder; the second one begins and ends while the first one is calibrating."""
    root, inner = tmp_path / "out", []

    def chosen(self, systems, **how):
        if inner:
            return Choice(describe(CHOICES["CG"]), "quicker.", {})
        inner.append(1)
        generate(recipe, out=root, workers=0, shard_range=(2, 4))
        return Choice(describe(CHOICES["direct"]), "slower.", {})

    monkeypatch.setattr(Auto, "calibrated", chosen)
    generate(recipe, out=root, workers=0, shard_range=(0, 2))
    assert manifest(root)["choices"]["reason"] == "quicker."
    assert len(files(root)) == 4
    assert solvers_of(root) == {json.dumps(describe(CHOICES["CG"]), sort_keys=True)}


def test_a_manifest_that_appears_while_another_is_begun_is_obeyed(recipe, tmp_path, monkeypatch, choosing):
    """The other process is as quick as it can be: it is done before this one has looked twice."""
    from sciml.datagen import manifest as module

    root, fresh, inner = tmp_path / "out", module._new, []

    def begun(recipe_):
        data = fresh(recipe_)
        if not inner:
            inner.append(1)
            choosing(CHOICES["CG"])
            generate(recipe, out=root, workers=0, shard_range=(2, 4))
            choosing(CHOICES["GCRO-DR"])
        return data

    monkeypatch.setattr(module, "_new", begun)
    generate(recipe, out=root, workers=0, shard_range=(0, 2))
    assert len(files(root)) == 4
    assert solvers_of(root) == {json.dumps(describe(CHOICES["CG"]), sort_keys=True)}


def test_of_two_recipes_that_begin_at_once_in_a_folder_one_is_refused(recipe, tmp_path, monkeypatch):
    root, inner = tmp_path / "out", []

    def chosen(self, systems, **how):
        if not inner:
            inner.append(1)
            generate(recipe, out=root, workers=0, shard_range=(2, 4), seed=7)
        return Choice(describe(CHOICES["CG"]), "for the test.", {})

    monkeypatch.setattr(Auto, "calibrated", chosen)
    with pytest.raises(ResumeMismatch, match="seed is 7 there and 0 here"):
        generate(recipe, out=root, workers=0, shard_range=(0, 2))
    assert files(root) == ["train/shard-00002.h5", "train/shard-00003.h5"]


def test_a_file_system_without_links_refuses_parts_that_could_not_agree(recipe, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(ConfigError, match=r"has no links .* begin with one alone"):
        generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 1))
    assert not list((tmp_path / "out").glob("[!.]*"))
    named = generate(recipe, out=tmp_path / "named", workers=0, shard_range=(0, 1), linear_solver=SparseDirect())
    assert files(named) == ["train/shard-00000.h5"]
    generate(recipe, out=tmp_path / "out", workers=0)


def test_entries_of_another_choice_do_not_count(recipe, tmp_path, choosing):
    """As after somebody has removed the manifest alone."""
    choosing(CHOICES["CG"])
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 2))
    (root / "manifest.json").unlink()
    choosing(CHOICES["direct"])
    generate(recipe, out=root, workers=0)
    assert solvers_of(root) == {json.dumps(describe(CHOICES["direct"]), sort_keys=True)}


def test_few_samples_are_not_worth_timing(recipe, tmp_path, choosing):
    calls = choosing(CHOICES["CG"])
    roots = [generate(recipe, samples=19, out=tmp_path / name, workers=0) for name in ("a", "b")]
    assert not calls
    found = manifest(roots[0])["choices"]
    assert found["reason"] == "by structure, CG+PoissonPreconditioner at first: 19 samples are too few to time others."
    assert found["linear_solver"] == describe(Auto(tol=TOL))
    # Nothing was timed, so that another folder has the same bits.
    assert hashes(roots[0]) == hashes(roots[1])


def test_a_first_sample_that_is_none_is_passed_over(recipe, monkeypatch):
    draw = Recipe.coefficient_batch

    def spoiled(self, indices, grid):
        fields = draw(self, indices, grid)
        fields["a"][[i < 3 for i in indices], 2, 3] = -1.0
        return fields

    monkeypatch.setattr(Recipe, "coefficient_batch", spoiled)
    assert len(first_systems(recipe)) == 2
    monkeypatch.setattr(Recipe, "coefficient_batch", lambda self, *a: {"a": -draw(self, *a)["a"]})
    found = calibrated(recipe)
    assert found["linear_solver"] == describe(Auto(tol=TOL))
    assert "systems is empty" in found["reason"]


def test_the_solver_of_a_recipe_can_be_another(recipe, tmp_path):
    changed = with_linear_solver(recipe, CG(tol=1e-9))
    assert describe(changed.solver)["init_args"]["linear_solver"] == describe(CG(tol=1e-9))
    root = generate(recipe, out=tmp_path / "out", workers=0, linear_solver=CG(tol=1e-9))
    assert manifest(root)["choices"] == {
        "solver": "sciml.solvers.FiniteVolumeElliptic",
        "linear_solver": describe(CG(tol=1e-9)),
    }
    with pytest.raises(ResumeMismatch, match=r"solver\.init_args\.linear_solver"):
        generate(recipe, out=root, workers=0)
    with pytest.raises(ConfigError, match="ETDRK4 takes no linear solver"):
        generate(loaded(tmp_path, BURGERS), out=tmp_path / "x", linear_solver=CG())


def test_a_dry_run_calibrates_nothing_and_knows_what_the_folder_froze(recipe, tmp_path, choosing):
    calls = choosing(CHOICES["CG"])
    assert generate(recipe, out=tmp_path / "out", dry_run=True).finished == 0
    assert not calls
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 2))
    assert generate(recipe, out=root, dry_run=True).finished == 2


def test_an_adaptive_data_set_has_the_same_inputs_and_outputs_within_ten_tolerances(recipe, exact, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0, adaptive=True)
    assert input_hash(root, "t0_fields/a") == input_hash(exact, "t0_fields/a")
    assert largest_difference(root, exact, "t0_fields/u") <= 10 * TOL
    found = manifest(root)["choices"]
    assert found["adaptive"] is True
    assert isinstance(solver := build(found["linear_solver"]), BanditSolver)
    for entry in manifest(root)["shards"]:
        learned = entry["learned"]
        assert learned["methods"] == list(found["seconds"])
        assert sum(learned["systems"]) == entry["samples"]
        assert learned["failures"] == [0] * len(solver.solvers)
        assert sum(learned["probabilities"]) == pytest.approx(1.0)


def test_what_was_learned_goes_on_from_shard_to_shard_and_what_methods_keep_does_not(recipe, tmp_path, monkeypatch):
    handed, start = [], learning.Learning.start

    def recording(self):
        handed.append(start(self))
        return handed[-1]

    monkeypatch.setattr(learning.Learning, "start", recording)
    monkeypatch.setattr(learning, "_KNOWN", {})
    generate(recipe, out=tmp_path / "out", workers=0, adaptive=True)
    # Each shard asks at its beginning, and at its end for what it began with.
    assert [sum(state.uses) for state in handed[::2]] == [0, 5, 10, 15, 17, 19]
    assert all(state.inner == (None,) * len(state.inner) for state in handed)


def test_learning_that_can_be_repeated_begins_anew_with_every_shard(recipe, tmp_path):
    arms = BanditSolver([CHOICES["CG"], CHOICES["GCRO-DR"]])

    class Backwards(SerialBackend):
        def run(self, recipe, root, shards, progress):
            yield from super().run(recipe, root, shards[::-1], progress)

    roots = [
        generate(recipe, out=tmp_path / str(i), backend=backend, linear_solver=arms)
        for i, backend in enumerate((SerialBackend(), Backwards()))
    ]
    assert hashes(roots[0]) == hashes(roots[1])
    assert "learned" not in manifest(roots[0])["shards"][0]


def test_adaptive_and_frozen_do_not_mix(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "a", workers=0, adaptive=True, shard_range=(0, 1))
    with pytest.raises(ResumeMismatch, match="was begun with adaptive; it cannot go on without"):
        generate(recipe, out=root, workers=0)
    other = generate(recipe, out=tmp_path / "b", workers=0, shard_range=(0, 1))
    with pytest.raises(ResumeMismatch, match="was begun without adaptive; it cannot go on with"):
        generate(recipe, out=other, workers=0, adaptive=True)
    with pytest.raises(ConfigError, match="adaptive: tiny names its method"):
        generate(loaded(tmp_path, DARCY), out=tmp_path / "c", workers=0, adaptive=True)


@pytest.mark.slow
def test_workers_and_kills_do_not_change_a_bit_of_what_was_frozen(recipe, tmp_path):
    """The process group of a generation is killed with signal 9; what it froze is what the resumes go on with."""
    root, path = tmp_path / "out", written(tmp_path, OPEN)
    script = (
        "import sys, sciml.datagen; sciml.datagen.calibration.WORTH_TIMING = 20;"
        " sciml.generate(sys.argv[1], out=sys.argv[2], workers=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(path), str(root)], start_new_session=True)
    while process.poll() is None and not (root / "manifest.json").is_file():
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it was finished before it was killed"
    frozen = manifest(root)["choices"]
    generate(path, out=root, workers=2)
    assert manifest(root)["choices"] == frozen
    named = build(frozen["linear_solver"])
    for workers in (0, 3):
        other = generate(path, out=tmp_path / f"w{workers}", workers=workers, linear_solver=named)
        assert hashes(other) == hashes(root)


@pytest.mark.parametrize("name", ["learned", "stale LU"])
def test_a_recipe_with_its_choice_made_reaches_a_worker_as_it_is(recipe, name):
    solver = BanditSolver(list(CHOICES.values()), cost=Seconds()) if name == "learned" else CHOICES[name]
    frozen = with_linear_solver(recipe, solver)
    there = Recipe.from_dict(json.loads(json.dumps(frozen.to_dict())))
    assert there.hash == frozen.hash != recipe.hash
    assert describe(there.solver.linear_solver)["class_path"] == describe(solver)["class_path"]


@pytest.mark.slow
def test_workers_that_learn_make_the_same_inputs_and_outputs_within_ten_tolerances(recipe, exact, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=2, adaptive=True)
    assert input_hash(root, "t0_fields/a") == input_hash(exact, "t0_fields/a")
    assert largest_difference(root, exact, "t0_fields/u") <= 10 * TOL
    assert all(sum(e["learned"]["systems"]) == e["samples"] for e in manifest(root)["shards"])


@pytest.mark.slow
def test_two_processes_that_begin_at_once_agree(tmp_path):
    """Each would choose another method; both begin when both are ready, on an empty folder."""
    path, root = written(tmp_path, OPEN), tmp_path / "out"
    script = (
        "import sys, sciml.datagen; from sciml.describe import describe; from sciml import linalg;"
        " sciml.datagen.calibration.WORTH_TIMING = 20;"
        " method = {'a': linalg.CG(), 'b': linalg.SparseDirect()}[sys.argv[3]];"
        " linalg.Auto.calibrated = lambda *a, **k: linalg.Choice(describe(method), 'for the test.', {});"
        " print('ready', flush=True); sys.stdin.readline(); first, stop = map(int, sys.argv[4:]);"
        " sciml.generate(sys.argv[1], out=sys.argv[2], workers=0, shard_range=(first, stop))"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    jobs = [
        subprocess.Popen([sys.executable, "-c", script, str(path), str(root), *words], **pipes)
        for words in (("a", "0", "3"), ("b", "3", "6"))
    ]
    for job in jobs:
        assert job.stdout.readline() == "ready\n"
    for job in jobs:
        job.stdin.write("\n")
        job.stdin.flush()
    for job in jobs:
        job.communicate()
    assert [job.returncode for job in jobs] == [0, 0]
    assert len(files(root)) == 6
    assert solvers_of(root) == {json.dumps(manifest(root)["choices"]["linear_solver"], sort_keys=True)}
    stamps = {file: (root / file).stat().st_mtime_ns for file in files(root)}
    generate(path, out=root, workers=0)
    assert stamps == {file: (root / file).stat().st_mtime_ns for file in files(root)}


@pytest.mark.slow
def test_a_killed_dask_worker_changes_no_bit_of_what_was_frozen(recipe, tmp_path):
    pytest.importorskip("distributed", reason="distributed is not installed")
    import psutil

    killed: set[int] = set()

    class Deadly(DaskBackend):
        def run(self, *arguments):
            for entry in super().run(*arguments):
                children = [] if killed else psutil.Process().children(recursive=True)
                for process in (p for p in children if "spawn_main" in " ".join(p.cmdline())):
                    os.kill(process.pid, signal.SIGKILL)
                    killed.add(process.pid)
                yield entry

    root = generate(recipe, out=tmp_path / "out", backend=Deadly(workers=1))
    assert killed
    named = build(manifest(root)["choices"]["linear_solver"])
    assert hashes(root) == hashes(generate(recipe, out=tmp_path / "calm", workers=0, linear_solver=named))


def test_a_manifest_tells_its_recipe_with_the_method_that_was_frozen(recipe, tmp_path, choosing):
    choosing(CHOICES["CG"])
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 1))
    assert describe(Manifest.open(root, recipe).recipe.solver.linear_solver) == describe(CHOICES["CG"])


@pytest.mark.slow
@pytest.mark.parametrize("name", STEADY)
def test_every_method_that_may_be_chosen_for_a_shipped_recipe_gives_its_solutions_within_ten_tolerances(name):
    shipped = Recipe.load(name)
    (a, b), *_ = shipped.solver.systems(shipped.problem(0))
    exact, tol, tried = SparseDirect(tol=1e-9).solve(a, b).x, shipped.solver.linear_solver.tol, []
    for method in candidates(a, tol):
        if len(tried) > 1 and isinstance(method, GCRODR | BiCGStab) and a.dtype.kind == "c":
            continue  # incomplete factors of an indefinite matrix: a second per solve, and none at the end
        solution = method.solve(a, b)
        if solution.status.ok:
            tried.append(label(method))
            assert np.linalg.norm(solution.x - exact) <= 10 * tol * np.linalg.norm(exact), tried[-1]
    assert len(tried) >= 2
