"""Ranges of shards: any division gives the bits of the whole, with any number of processes in the folder at once."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from generation import DARCY, files, hashes, loaded, written
from generation import manifest as read

from sciml.data import read_statistics, validate_dataset
from sciml.datagen import Recipe, generate, manifest
from sciml.datagen.manifest import ENTRIES, Manifest
from sciml.datagen.pipeline import _at_work
from sciml.datagen.shards import make_shard, shards_of
from sciml.status import ConfigError, ResumeMismatch

#: Of the recipe: five of the training split, one of the validation split, two of the test split.
SHARDS = 8


@pytest.fixture
def path(tmp_path) -> Path:
    return written(tmp_path, DARCY)


@pytest.fixture
def recipe(path) -> Recipe:
    return Recipe.load(path)


def same(a: Path, b: Path) -> bool:
    """Whether two data sets are the same, statistics included."""
    identical = hashes(a) == hashes(b) and read(a)["hashes"] == read(b)["hashes"]
    return identical and read_statistics(a) == read_statistics(b)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The data set made at once."""
    folder = tmp_path_factory.mktemp("whole")
    return generate(loaded(folder, DARCY), out=folder / "out", workers=0)


@pytest.mark.parametrize("ranges", [[(0, 3), (3, 6), (6, 99)], [(5, 8), (0, 5)], [(2, 4), (3, 5)], []])
def test_any_division_gives_the_bits_of_the_whole(recipe, tmp_path, ranges, whole, monkeypatch):
    root, made = tmp_path / "parts", []

    def record(recipe, shard, *rest):
        made.append(shard)
        return make_shard(recipe, shard, *rest)

    monkeypatch.setattr("sciml.datagen.backends.make_shard", record)
    for shard_range in ranges:
        before = len(made)
        assert generate(recipe, out=root, workers=0, shard_range=shard_range) == root
        assert set(made[before:]) <= set(shards_of(recipe)[slice(*shard_range)])
        assert not read(root)["complete"]
        assert not (root / "stats.yaml").exists()
    generate(recipe, out=root, workers=0)
    assert sorted(made, key=shards_of(recipe).index) == shards_of(recipe)
    assert same(root, whole)
    assert read(root)["complete"]
    assert not validate_dataset(root)
    assert not (root / ENTRIES).exists()


def test_a_range_is_made_in_the_order_of_the_manifest(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(4, 7))
    assert files(root) == ["test/shard-00000.h5", "train/shard-00004.h5", "valid/shard-00000.h5"]


@pytest.mark.parametrize("shard_range", [(8, 9), (3, 3), (4, 2), (-1, 2)])
def test_a_range_without_shards_is_refused(recipe, tmp_path, shard_range):
    with pytest.raises(ConfigError, match=f"shard_range={shard_range[0]}:{shard_range[1]} .* 8 shards"):
        generate(recipe, out=tmp_path / "out", workers=0, shard_range=shard_range)
    assert not (tmp_path / "out").exists()


def test_a_part_has_no_layout(recipe, tmp_path):
    with pytest.raises(ConfigError, match="layout"):
        generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 1), layout="the_well")


def test_a_range_of_another_recipe_is_refused(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 2))
    before = hashes(root)
    with pytest.raises(ResumeMismatch, match="seed"):
        generate(recipe, out=root, workers=0, shard_range=(2, 4), seed=3)
    assert hashes(root) == before


def test_a_dry_run_tells_the_shards_of_the_range(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(4, 6))
    found = generate(recipe, out=root, workers=0, shard_range=(4, 7), dry_run=True)
    assert (found.shards, found.finished, found.splits) == (3, 2, {"train": 1, "valid": 2, "test": 2})
    assert "3 shards, 4:7 of 8, (2 finished)" in str(found)
    assert generate(recipe, out=root, workers=0, dry_run=True).finished == 2


def test_ranges_work_side_by_side_and_a_whole_data_set_alone(recipe, tmp_path):
    root = tmp_path / "out"
    root.mkdir()
    with _at_work(root, alone=False):
        generate(recipe, out=root, workers=0, shard_range=(0, 1))
        with pytest.raises(ConfigError, match="another process"):
            generate(recipe, out=root, workers=0)
    with _at_work(root, alone=True), pytest.raises(ConfigError, match="another process"):
        generate(recipe, out=root, workers=0, shard_range=(0, 1))


def test_a_range_leaves_alone_what_others_are_writing(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 1))
    foreign = root / "train/.shard-00001.tmp-123.h5"
    foreign.write_bytes(b"half")
    stamp = (root / "manifest.json").stat().st_mtime_ns
    generate(recipe, out=root, workers=0, shard_range=(1, 2))
    assert foreign.exists()
    assert (root / "manifest.json").stat().st_mtime_ns == stamp
    generate(recipe, out=root, workers=0)
    assert not foreign.exists()


def test_a_file_system_without_locks_is_a_warning(recipe, tmp_path, monkeypatch, caplog):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 1))
    assert "no locks" in caplog.text


@pytest.mark.parametrize("content", ["", "[]", '{"recipe_hash": "x"}', '{"recipe_hash": "x", "entry": {"split": 1}}'])
def test_an_entry_that_cannot_be_read_means_that_the_shard_is_made_again(recipe, tmp_path, content):
    root = generate(recipe, out=tmp_path / "out", workers=0, shard_range=(0, 2))
    (root / ENTRIES / "train-00001.json").write_text(content)
    found = Manifest.open(root, recipe)
    assert [found.finished(shard) for shard in shards_of(recipe)[:3]] == [True, False, False]


@pytest.mark.parametrize("change", [{"seed": 5}, {"train": 8}, {"shard_size": 1}])
def test_entries_of_another_recipe_or_of_other_ranges_do_not_count(path, tmp_path, change):
    """As after somebody has removed the manifest alone."""
    root = generate(path, out=tmp_path / "out", workers=0, shard_range=(0, 5))
    (root / "manifest.json").unlink()
    changes = {"splits.train" if key == "train" else key: value for key, value in change.items()}
    other = Recipe.load(path, changes)
    found = Manifest.open(root, other)
    # A shard of the same recipe and range is the same shard, whatever the number of samples.
    assert sum(found.finished(s) for s in shards_of(other)) == (4 if "train" in change else 0)


def test_a_manifest_that_is_dear_to_write_is_left_for_the_end_and_nothing_is_lost(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "SAVING", 0.0)
    listed, add = [], Manifest.add

    def record(self, entry):
        add(self, entry)
        listed.append((len(read(self.root)["shards"]), len(list((self.root / ENTRIES).glob("*.json")))))
        assert len(Manifest.open(self.root, recipe).shards) == len(listed)

    monkeypatch.setattr(Manifest, "add", record)
    root = generate(recipe, out=tmp_path / "out", workers=0)
    # The manifest has cost something when it was written at first, before any shard.
    assert listed == [(0, n) for n in range(1, SHARDS + 1)]
    assert len(read(root)["shards"]) == SHARDS


def test_an_interrupted_generation_leaves_a_manifest_of_what_is_there(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "SAVING", 0.0)

    def interrupted(recipe, shard, *rest):
        if shard.number == 3:
            raise KeyboardInterrupt
        return make_shard(recipe, shard, *rest)

    monkeypatch.setattr("sciml.datagen.backends.make_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(recipe, out=tmp_path / "out", workers=0)
    assert [s["file"] for s in read(tmp_path / "out")["splits"]["train"]] == [
        f"train/shard-0000{n}.h5" for n in range(3)
    ]
    assert not read(tmp_path / "out")["complete"]


@pytest.mark.slow
def test_two_processes_make_disjoint_ranges_of_one_folder_at_once(path, tmp_path):
    whole = generate(path, train=60, out=tmp_path / "whole", workers=0)
    root, count = tmp_path / "out", len(files(whole))
    # Both begin when both are ready, so that they are at work together.
    script = (
        "import sys, sciml.datagen; print('ready', flush=True); sys.stdin.readline(); a, b = sys.argv[3:];"
        " sciml.generate(sys.argv[1], train=60, out=sys.argv[2], workers=0, shard_range=(int(a), int(b)))"
    )
    ranges = [("0", "16"), ("16", str(count))]
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), str(root), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for words in ranges
    ]
    for job in jobs:
        assert job.stdout.readline() == "ready\n"
    for job in jobs:
        job.stdin.write("\n")
        job.stdin.flush()
    assert [job.wait() for job in jobs] == [0, 0]
    for job in jobs:
        job.stdin.close()
        job.stdout.close()
    stamps = {file: (root / file).stat().st_mtime_ns for file in files(root)}
    assert len(stamps) == count
    generate(path, train=60, out=root, workers=0)
    assert stamps == {file: (root / file).stat().st_mtime_ns for file in files(root)}
    assert same(root, whole)
