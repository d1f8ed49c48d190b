import pytest

from sciml.cli import main as front
from sciml.cli.errors import one_line, report
from sciml.status import ConfigError, DataError, ResumeMismatch, SolveFailure


@pytest.fixture
def failing(monkeypatch):
    """`sciml list` that ends with a given exception."""

    def install(error: BaseException) -> None:
        def run(args):
            raise error

        monkeypatch.setattr("sciml.cli.listing.run", run)

    return install


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("bad"), 2),
        (DataError("bad"), 3),
        (SolveFailure("bad"), 4),
        (ResumeMismatch("bad"), 5),
        (FileNotFoundError(2, "No such file", "a.h5"), 3),
        (RuntimeError("bad"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_failure_has_its_exit_code_and_one_line(failing, capsys, error, code):
    failing(error)
    assert front.main(["list"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("sciml: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_fault_of_the_program_says_how_to_see_more(failing, capsys):
    failing(RuntimeError("odd"))
    front.main(["list"])
    assert "RuntimeError: odd" in (line := capsys.readouterr().err)
    assert "--debug" in line


@pytest.mark.parametrize("words", [["--debug", "list"], ["list", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(failing, capsys, words):
    failing(DataError("bad"))
    assert front.main(words) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupted_generation_says_how_to_go_on(capsys):
    assert report(KeyboardInterrupt(), debug=False, verb="generate") == 130
    assert "same command" in capsys.readouterr().err


def test_a_message_cannot_forge_a_second_line():
    assert one_line("a\nsciml: done\x1b[2J\r b") == "a sciml: done [2J b"


def test_an_unknown_verb_is_answered_with_the_nearest(capsys):
    assert front.main(["generat", "darcy_2d"]) == 2
    assert capsys.readouterr().err.endswith("nearest: generate.\n")


def test_an_unknown_option_is_answered_with_the_nearest(capsys):
    assert front.main(["generate", "darcy_2d", "--sample", "3"]) == 2
    err = capsys.readouterr().err
    assert "nearest: --samples" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["generate"],
        ["generate", "darcy_2d", "--samples", "0"],
        ["generate", "darcy_2d", "--workers", "two"],
        ["generate", "darcy_2d", "--shard-range", "3"],
        ["generate", "darcy_2d", "--shard-range", "3:3"],
        ["generate", "darcy_2d", "--shard-range=-1:3"],
        ["generate", "darcy_2d", "--backend", "ray"],
        ["generate", "darcy_2d", "--scheduler", "tcp://127.0.0.1:8786"],
        ["generate", "http://example.org/recipe.yaml"],
        ["fit"],
        ["fit", "--config", "s3://bucket/c.yaml"],
        ["test"],
        ["test", "run", "--config", "c.yaml"],
        ["predict", "m.sciml"],
        ["predict", "m.sciml", "--in", "a.nc", "--out", "u.nc", "--trainer.devices", "1"],
        ["rollout", "m.sciml", "--times", "1:0:5", "--out", "u.nc"],
        ["rollout", "m.sciml", "--times", "0,1", "--out", "u.txt"],
        ["data"],
        ["data", "inspekt", "x"],
        ["data", "inspect", "https://example.org/x"],
        ["export", "c.ckpt"],
        ["list", "operater"],
        ["show", "Nothing"],
        ["--nonsense"],
    ],
)
def test_a_mistake_of_use_is_one_line_and_exit_code_2(capsys, words):
    assert front.main(words) == 2
    out, err = capsys.readouterr()
    assert err.startswith("sciml: error: ")
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["test", "absent"],
        ["report", "absent"],
        ["export", "absent.ckpt", "--out", "m.sciml"],
        ["predict", "absent.sciml", "--in", "a.nc", "--out", "u.nc"],
        ["rollout", "absent.sciml", "--in", "a.nc", "--times", "0,1", "--out", "u.nc"],
        ["data", "validate", "absent"],
        ["data", "inspect", "absent"],
    ],
)
def test_a_missing_file_is_one_line_and_exit_code_3(capsys, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert front.main(words) == 3
    err = capsys.readouterr().err
    assert "absent" in err or "a.nc" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", list(front.VERBS))
def test_every_verb_has_help_with_an_example(capsys, verb):
    with pytest.raises(SystemExit) as caught:
        front.main([verb, "--help"])
    assert caught.value.code == 0
    assert f"example:\n  sciml {verb}" in capsys.readouterr().out


def test_the_examples_of_every_verb_are_accepted_by_its_parser(capsys, monkeypatch):
    seen = []
    for verb in front.VERBS:
        parser = front.build_parser(verb).verb_parser(verb)
        example = parser.epilog.partition("\n")[2].split()
        monkeypatch.setattr(parser.__class__, "error", lambda self, message: pytest.fail(message))
        words = front.split_words(example[1:], verb)[0]
        seen.append(front.build_parser(verb).parse_args(words).verb)
    assert seen == list(front.VERBS)


def test_help_names_every_verb(capsys):
    assert front.main([]) == 0
    out = capsys.readouterr().out
    assert all(f"    {verb} " in out for verb in front.VERBS)


def test_the_command_line_knows_the_names_of_the_layouts():
    from sciml.cli.arguments import LAYOUTS
    from sciml.data import layouts

    assert tuple(layouts.LAYOUTS) == LAYOUTS


def test_a_generated_data_set_is_exported_by_its_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--train", "2", "--valid", "1", "--test", "1", "--quiet", "--set", "grid.x.n=8", "--set", "grid.y.n=8"]
    assert (
        front.main(["generate", "darcy_2d", *words, "--set", "parameters.f=10", "--out", "d", "--layout", "pdebench"])
        == 0
    )
    assert (tmp_path / "d/pdebench/2D_DarcyFlow_beta10.0_Train.hdf5").is_file()
    assert front.main(["data", "export", "d", "--layout", "poseidon", "--out", "p"]) == 0
    assert (tmp_path / "p/darcy_2d.nc").is_file()
    assert capsys.readouterr().out.split() == [str(tmp_path / "d"), "p"]
    assert front.main(["data", "export", "d", "--layout", "the_well", "--out", "p"]) == 3
    assert "nothing is overwritten" in capsys.readouterr().err
