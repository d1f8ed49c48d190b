"""The program as a user runs it: hostile and damaged files are refused in one line, before anything heavy is loaded."""

import io
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from sciml.cli.field_files import read_fields
from sciml.cli.main import main
from sciml.data import FieldDataset

PROGRAM = """
import sys
from sciml.cli.field_files import read_fields
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


CONFIG = """
model:
  network:
    class_path: sciml.operators.FNO
    init_args: {in_channels: 1, out_channels: 1, width: 4, modes: [2, 2], depth: 1}
  objective: {class_path: sciml.operators.Supervised}
data: {class_path: sciml.training.FieldData, init_args: {dataset: tiny, batch_size: 2}}
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A folder with a data set, a configuration that names it, and a run whose predictor is sound."""
    from sciml.datagen import generate
    from sciml.inference import Surrogate, SurrogateSpec
    from sciml.operators import FNO

    folder = tmp_path_factory.mktemp("tiny")
    generate("darcy_2d", train=4, valid=2, test=2, out=folder / "tiny", workers=0, progress=False)
    (folder / "c.yaml").write_text(CONFIG)
    (folder / "run").mkdir()
    (folder / "run" / "config.yaml").write_text(CONFIG)
    data = FieldDataset(folder / "tiny", "test").spec
    network = FNO(in_channels=1, out_channels=1, width=4, modes=[2, 2], depth=1)
    spec = SurrogateSpec(
        fields=data.fields, inputs=data.static, grid=data.grid, boundaries=data.boundaries, dataset="tiny"
    )
    Surrogate(network, spec).save(folder / "run" / "model.sciml")
    return folder


def flip_bit(shard: Path) -> None:
    with h5py.File(shard) as file:
        offset = file["t0_fields/u"].id.get_chunk_info(0).byte_offset
    content = bytearray(shard.read_bytes())
    content[offset + 100] ^= 4
    shard.write_bytes(content)


def truncate(shard: Path) -> None:
    shard.write_bytes(shard.read_bytes()[:-1000])


def make_objects(shard: Path) -> None:
    with h5py.File(shard, "r+") as file:
        del file["t0_fields/u"]
        file["t0_fields"].create_dataset("u", (4,), h5py.ref_dtype)


def spoil_sample(shard: Path) -> None:
    with h5py.File(shard, "r+") as file:
        file["t0_fields/u"][1, 0, 3, 3] = float("nan")


def link_outside(shard: Path) -> None:
    with h5py.File(shard, "r+") as file:
        del file["t0_fields/u"]
        file["t0_fields/u"] = h5py.ExternalLink("/etc/passwd", "u")


@pytest.mark.parametrize("harm", [flip_bit, truncate, make_objects, spoil_sample, link_outside])
def test_damaged_and_hostile_data_are_refused_before_torch_is_loaded(tiny, tmp_path, harm):
    folder = tmp_path / "copy"
    shutil.copytree(tiny, folder)
    harm(folder / "tiny" / "train" / "shard-00000.h5")
    for words in (["fit", "--config", "c.yaml"], ["fit", "--config", "c.yaml", "--dry-run"], ["test", "run"]):
        assert_refused(sciml(folder, *words), 3, "train/shard-00000.h5")
    assert sorted(p.name for p in folder.iterdir()) == ["c.yaml", "run", "tiny"]
    assert sorted(p.name for p in (folder / "run").iterdir()) == ["config.yaml", "model.sciml"]
    done = sciml(folder, "data", "validate", "tiny")
    assert done.returncode == 3
    assert "train/shard-00000.h5" in done.stdout
    assert "torch" not in done.stdout
    assert done.stderr.count("\n") == 1


def test_an_undamaged_data_set_passes_the_same_checks(tiny):
    done = sciml(tiny, "data", "validate", "tiny")
    assert (done.returncode, done.stderr) == (0, "")
    done = sciml(tiny, "data", "inspect", "tiny")
    assert done.returncode == 0
    assert "train 4, valid 2, test 2" in done.stdout
    assert "loaded:\n" in done.stdout


def test_input_fields_with_a_value_that_is_not_finite_are_refused_before_torch_is_loaded(tiny):
    a = np.ones((2, 32, 32))
    a[1, 4, 5] = np.nan
    np.savez(tiny / "nan.npz", a=a)
    done = sciml(tiny, "predict", "run/model.sciml", "--in", "nan.npz", "--out", "u.npz")
    assert_refused(done, 3, "nan.npz: a is not finite at sample=1, x=4, y=5")
    assert not (tiny / "u.npz").exists()


def test_a_predictor_is_applied_to_a_file(tiny, monkeypatch):
    from sciml.inference import Surrogate

    monkeypatch.chdir(tiny)
    rng = np.random.default_rng(0)
    np.savez("a.npz", a=rng.uniform(3, 12, size=(2, 32, 32)))
    expected = Surrogate.load("run/model.sciml")(np.load("a.npz")["a"][:, None])[:, 0]
    for out in ("u.npz", "u.nc", "u.h5"):
        assert main(["predict", "run/model.sciml", "--in", "a.npz", "--out", out]) == 0
        np.testing.assert_allclose(read_fields(Path(out), ("x", "y"))["u"], expected, rtol=1e-6)


@pytest.mark.slow
def test_a_run_is_tested_and_reported_beside_the_solver_that_made_its_data(tiny, tmp_path, monkeypatch, capsys):
    shutil.copytree(tiny, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setenv("SCIML_DATA", str(tmp_path / "copy"))
    assert main(["test", "run"]) == 0
    assert "classical solver" in capsys.readouterr().out
    methods = json.loads(Path("run/metrics.json").read_text())["methods"]
    assert methods["classical solver"]["summary"]["relative_l2"]["max"] <= 1e-12
    assert methods["FNO"]["summary"]["relative_l2"]["mean"] > 0.1
    assert main(["report", "run"]) == 0
    assert "classical solver" in Path("run/report.html").read_text()


def test_a_recipe_is_rolled_out_from_its_own_and_from_a_given_state(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["rollout", "burgers_1d", "--times", "0:0.02:3", "--out", "u.nc"]) == 0
    whole = read_fields(Path("u.nc"), ("x",))
    np.testing.assert_allclose(whole["time"], [0.0, 0.01, 0.02])
    np.savez("half.npz", u=whole["u"].values[0, 1])
    assert main(["rollout", "burgers_1d", "--times", "0,0.01", "--in", "half.npz", "--out", "rest.h5"]) == 0
    rest = read_fields(Path("rest.h5"), ("x",))
    np.testing.assert_allclose(rest["u"].values[0, 1], whole["u"].values[0, 2], rtol=1e-9)


def test_fields_that_do_not_fit_the_predictor_are_one_line(tiny, monkeypatch, capsys):
    monkeypatch.chdir(tiny)
    np.savez("b.npz", b=np.ones((32, 32)))
    assert main(["predict", "run/model.sciml", "--in", "b.npz", "--out", "u.npz"]) == 3
    err = capsys.readouterr().err
    assert "b.npz" in err
    assert "'a' is missing" in err
    assert err.count("\n") == 1


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


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["generate", "darcy_2d", "--train", "0", "--valid", "0", "--test", "0"], 2, ["--train", "at least one"]),
        (["generate", "darcy_2d", "--samples", "2", "--out", "c.yaml"], 2, ["--out", "c.yaml", "is a file"]),
        (["generate", "darcy_2d", "--samples", "2", "--out", "c.yaml/x"], 2, ["--out", "c.yaml is a file"]),
        (["generate", "darcy_2d", "--set", "solver=os.system"], 2, ["solver", "'os.system' is not allowed"]),
        (["generate", "darcy_2d", "--set", "seed"], 2, ["--set", "'seed' is not accepted", "KEY=VALUE"]),
        (["generate", "darcy_2d", "--set", "seed=*a"], 2, ["--set", "seed"]),
        (["generate", "darcy_2d", "--set", "equation.x=1"], 2, ["equation.x", "'Darcy' and has no keys"]),
        (["generate", "darcy_2d", "--layout", "hdf"], 2, ["--layout", "'hdf'", "poseidon"]),
        (["data", "export", "nothing", "--layout", "pdebench", "--out", "made"], 3, ["nothing: no such data set"]),
        (["data", "inspect", "c.yaml"], 3, ["c.yaml", "is a file", "sciml data convert"]),
        (["data", "convert", "c.yaml", "made", "--name", "../x"], 2, ["--name", "'../x'", "letters"]),
    ],
)
def test_a_wrong_place_or_number_is_named_and_leaves_nothing(tiny, words, code, parts):
    before = sorted(tiny.iterdir())
    assert_refused(sciml(tiny, *words), code, *parts)
    assert sorted(tiny.iterdir()) == before


def test_a_stationary_problem_refuses_times(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["rollout", "darcy_2d", "--out", "u.nc", "--times", "0,1"]) == 2
    assert "--times: darcy_2d is a stationary problem" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
