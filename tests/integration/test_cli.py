"""The program as a user runs it: hostile and damaged files are refused in one line, before anything heavy is loaded."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sciml.cli.main import main

PROGRAM = """
import sys
from sciml.cli.main import main
code = main(sys.argv[1:])
loaded = [m for m in ("torch", "lightning", "jsonargparse", "canary") if m in sys.modules]
print("loaded:", *loaded)
sys.exit(code)
"""


class Touch:
    """Its pickle makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def sciml(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Runs a command in `folder`, which is also on the path of modules, with no data root but its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.getcwd()]), "SCIML_DATA": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)], cwd=folder, env=environment, capture_output=True, text=True
    )


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *parts: object) -> None:
    """One line on standard error with the parts, the exit code, and neither torch nor Lightning loaded."""
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("sciml: error: ")
    for part in parts:
        assert str(part) in done.stderr, done.stderr
    assert done.stdout == "loaded:\n"


def hostile_zip(path: Path, canary: Path) -> Path:
    """A torch archive whose pickle calls `os.mkdir`."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"state_dict": Touch(canary)}))
        archive.writestr("archive/version", "3\n")
    return path


def hostile_pickle(path: Path, canary: Path) -> Path:
    path.write_bytes(pickle.dumps(Touch(canary), protocol=2))
    return path


@pytest.mark.parametrize("make", [hostile_zip, hostile_pickle])
def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, make):
    canary = tmp_path / "canary"
    checkpoint = make(tmp_path / "evil.ckpt", canary)
    config = tmp_path / "c.yaml"
    config.write_text("seed_everything: 0\n")
    for words in (
        ["export", checkpoint, "--out", "m.sciml"],
        ["fit", "--config", config, "--ckpt_path", checkpoint],
        ["test", "--config", config, f"--ckpt_path={checkpoint}"],
        ["validate", "--config", config, "--ckpt_path", checkpoint],
        ["predict", "--config", config, "--ckpt_path", checkpoint],
        ["data", "convert", make(tmp_path / "evil.pt", canary), tmp_path / "out"],
    ):
        assert_refused(sciml(tmp_path, *words), 3, "evil")
        assert not canary.exists()
    assert not (tmp_path / "m.sciml").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [hostile_zip, hostile_pickle])
def test_a_predictor_that_is_a_pickle_is_refused(tmp_path, make):
    canary = tmp_path / "canary"
    run = tmp_path / "run"
    run.mkdir()
    make(tmp_path / "m.sciml", canary)
    make(run / "model.sciml", canary)
    (tmp_path / "a.npz").write_bytes(b"")
    for words in (
        ["predict", "m.sciml", "--in", "a.npz", "--out", "u.npz"],
        ["test", "run"],
        ["report", "run"],
    ):
        assert_refused(sciml(tmp_path, *words), 3, ".sciml")
    assert not canary.exists()


def test_a_predictor_with_a_broken_header_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"")
    header = json.dumps({"w": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    for content in (
        b"",
        b"abc",
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 10) + b"{not json}",
        struct.pack("<Q", len(header)) + header,
        struct.pack("<Q", 2) + b"[]",
    ):
        (tmp_path / "m.sciml").write_bytes(content)
        assert_refused(sciml(tmp_path, "predict", "m.sciml", "--in", "a.npz", "--out", "u.npz"), 3, "m.sciml")


@pytest.mark.parametrize(
    "text",
    [
        "model: {network: {class_path: canary.Network}}",
        "model: {network: canary.Network}",
        "model: {network: '{class_path: canary.Network}'}",
        "trainer: {callbacks: [{class_path: canary.Callback}]}",
        "trainer: {logger: canary.Logger}",
        "model: {network: {class_path: sciml.operators.NeuralOp, init_args: {class_path: canary.Network}}}",
        "model: !!python/object/apply:canary.Network []",
        "!!python/module:canary",
    ],
)
def test_a_configuration_that_names_a_foreign_module_is_refused(tmp_path, text):
    (tmp_path / "canary.py").write_text("import os\nos.mkdir('imported')\nclass Network: pass\n")
    (tmp_path / "c.yaml").write_text(text)
    for verb in ("fit", "validate", "test", "predict"):
        assert_refused(sciml(tmp_path, verb, "--config", "c.yaml"), 2, "c.yaml:1")
    assert not (tmp_path / "imported").exists()


def test_an_override_that_names_a_foreign_module_is_refused(tmp_path):
    (tmp_path / "canary.py").write_text("import os\nos.mkdir('imported')\nclass Network: pass\n")
    (tmp_path / "c.yaml").write_text("seed_everything: 0\n")
    for words in (
        ["--model.network=canary.Network"],
        ["--model.network.class_path", "canary.Network"],
        ["--data", "canary.D"],
    ):
        assert_refused(sciml(tmp_path, "fit", "--config", "c.yaml", *words), 2, "canary")
    assert not (tmp_path / "imported").exists()


def test_a_recipe_that_names_a_foreign_module_is_refused(tmp_path):
    (tmp_path / "canary.py").write_text("import os\nos.mkdir('imported')\nclass PDE: pass\n")
    (tmp_path / "r.yaml").write_text("name: x\npde: {class_path: canary.PDE}\n")
    done = sciml(tmp_path, "generate", "r.yaml", "--samples", "1")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "r.yaml" in done.stderr
    assert not (tmp_path / "imported").exists()


def npz(path: Path, **arrays: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return path


def npy(descr: str, shape: tuple[int, ...], body: bytes) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


def test_an_archive_of_objects_or_of_absurd_size_is_refused(tmp_path):
    canary = tmp_path / "canary"
    stream = io.BytesIO()
    pickle.dump(Touch(canary), stream)
    npz(tmp_path / "object.npz", a=npy("|O", (1,), stream.getvalue()))
    npz(tmp_path / "huge.npz", a=npy("<f8", (10**6, 10**6), b""))
    (tmp_path / "text.npz").write_bytes(b"no archive")
    for name in ("object.npz", "huge.npz", "text.npz"):
        done = sciml(tmp_path, "rollout", "m.sciml", "--in", name, "--times", "0,1", "--out", "u.npz")
        assert_refused(done, 3, name)
    assert not canary.exists()


def test_remote_addresses_are_refused_wherever_a_path_is_taken(tmp_path, monkeypatch, capsys):
    address = "s3://bucket/x"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.npz").write_bytes(b"")
    (tmp_path / "c.yaml").write_text("seed_everything: 0\n")
    for words in (
        ["generate", address],
        ["generate", "darcy_2d", "--out", address],
        ["fit", "--config", address],
        ["fit", "--config", "c.yaml", "--ckpt_path", address],
        ["fit", "--config", "c.yaml", "--data.dataset", address],
        ["test", address],
        ["predict", address, "--in", "a.npz", "--out", "u.npz"],
        ["rollout", "m.sciml", "--in", address, "--times", "0,1", "--out", "u.npz"],
        ["rollout", "m.sciml", "--in", "a.npz", "--times", "0,1", "--out", f"{address}.npz"],
        ["rollout", address, "--in", "a.npz", "--times", "0,1", "--out", "u.npz"],
        ["report", address],
        ["export", address, "--out", "m.sciml"],
        ["data", "inspect", address],
        ["data", "validate", address],
        ["data", "convert", address, "out"],
        ["data", "convert", "a.npz", address],
    ):
        assert main(words) == 2, words
        assert "is a remote address" in (err := capsys.readouterr().err), words
        assert err.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    program = "import sys; from sciml.cli.main import main; sys.exit(main(['list']))"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
