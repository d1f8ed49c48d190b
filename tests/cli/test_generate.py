"""`sciml generate` and the linear solver: named, left open, learned; `sciml data inspect` says which and why."""

import json

import pytest

from sciml.cli import main as front

SMALL = ["--quiet", "--set", "grid.x.n=8", "--set", "grid.y.n=8"]
FEW = [*SMALL, "--train", "2", "--valid", "1", "--test", "1"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def here(monkeypatch):
    """Shards made in this process: what a worker does is tested elsewhere."""
    from sciml.datagen import SerialBackend

    monkeypatch.setattr("sciml.datagen.ProcessBackend", lambda workers: SerialBackend())


def choices(folder) -> dict:
    return json.loads((folder / "manifest.json").read_text())["choices"]


@pytest.mark.parametrize(
    ("word", "path", "arguments"),
    [
        ("SparseDirect", "sciml.linalg.SparseDirect", {}),
        ("sciml.linalg.SparseDirect", "sciml.linalg.SparseDirect", {}),
        ("{class_path: CG, init_args: {tol: 1.0e-9}}", "sciml.linalg.CG", {"tol": 1e-9}),
    ],
)
def test_a_linear_solver_can_be_named(folder, here, word, path, arguments):
    assert front.main(["generate", "darcy_2d", *FEW, "--out", "d", "--solver", word]) == 0
    assert choices(folder / "d")["linear_solver"] == {"class_path": path, "init_args": arguments}
    assert "reason" not in choices(folder / "d")


def test_one_argument_of_the_recipe_s_own_can_be_set(folder, here):
    key = "solver.init_args.linear_solver"
    assert front.main(["generate", "darcy_2d", *FEW, "--out", "d", "--set", f"{key}.class_path=sciml.linalg.CG"]) == 0
    assert choices(folder / "d")["linear_solver"] == {"class_path": "sciml.linalg.CG", "init_args": {"tol": 1e-10}}


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("SparseDirekt", "did you mean 'SparseDirect'"),
        ("ILU0", "is no linear solver"),
        ("os.system", "not allowed"),
        ("{class_path: CG, init_args: {tol: 1}}", "tol=1"),
        ("{class_path: CG, init_args: {tool: 1}}", "did you mean 'tol'"),
        ("{class_path: [", "--solver"),
    ],
)
def test_a_linear_solver_that_is_none_is_one_line(capsys, word, told):
    assert front.main(["generate", "darcy_2d", *FEW, "--out", "d", "--solver", word]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_a_recipe_that_solves_no_systems_takes_no_linear_solver(capsys):
    assert front.main(["generate", "burgers_1d", "--samples", "3", "--out", "d", "--solver", "CG"]) == 2
    assert "takes no linear solver" in capsys.readouterr().err
    assert front.main(["generate", "burgers_1d", "--samples", "3", "--out", "d", "--adaptive"]) == 2
    assert "names its method" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "learned"), [([], False), (["--adaptive"], True)])
def test_inspect_says_which_linear_solver_was_chosen_and_why(folder, here, capsys, words, learned):
    assert front.main(["generate", "darcy_2d", *SMALL, "--samples", "100", "--out", "d", *words]) == 0
    found = choices(folder / "d")
    capsys.readouterr()
    assert front.main(["data", "inspect", "d"]) == 0
    lines = [line.split(None, 1) for line in capsys.readouterr().out.splitlines() if line]
    (method,) = (text for first, *text in lines if first == "linear")
    (reason,) = (text for first, *text in lines if first == "chosen")
    assert found["linear_solver"]["class_path"] in method[0]
    assert ("learned all along" in method[0]) is learned
    assert reason[0].strip() == found["reason"]
