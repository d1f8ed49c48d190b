"""Descriptions: what is recorded, what may be built, and what is refused before anything is imported."""

import json
import sys
from pathlib import Path

import pytest
from torch import nn

from sciml.describe import Described, build, describe, is_allowed
from sciml.fields import Axis, Grid
from sciml.objective import FixedWeights, GradNormWeights
from sciml.status import ConfigError


class Base(Described):
    def __init__(self, width: int, scale: float = 1.0) -> None:
        self.width, self.scale = width, scale


class Derived(Base):
    def __init__(self, depth: int, **kwargs: object) -> None:
        super().__init__(width=2 * depth, **kwargs)  # type: ignore[arg-type]


def test_the_outermost_constructor_call_is_recorded() -> None:
    assert describe(Derived(3, scale=2.0))["init_args"] == {"depth": 3, "scale": 2.0}
    assert describe(Base(4))["init_args"] == {"width": 4}


@pytest.mark.parametrize(
    "obj",
    [
        FixedWeights({"data": 2.0}),
        GradNormWeights(["a", "b"], every=7),
        Grid.periodic(8, 9, high=2.0),
        Axis(4, 0.0, float("inf")),
        nn.GELU(approximate="tanh"),
        nn.LeakyReLU(0.2),
    ],
    ids=lambda o: type(o).__name__,
)
def test_a_description_is_plain_json_and_builds_the_same_object(obj: object) -> None:
    plain = json.loads(json.dumps(describe(obj), allow_nan=False))
    assert describe(build(plain)) == plain


def test_public_paths_are_the_short_ones() -> None:
    assert describe(Axis(4))["class_path"] == "sciml.fields.Axis"


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "subprocess.Popen",
        "sciml.describe.importlib.import_module",
        "sciml.describe.ConfigError.__class__",
        "sciml._private.Thing",
        "sciml",
        "torch.hub.load",
        "torch.nnx.Linear",
        "sciml.describe.Callable",
        "sciml.describe.describe",
    ],
)
def test_a_path_off_the_list_builds_nothing(path: str) -> None:
    with pytest.raises(ConfigError):
        build({"class_path": path, "init_args": {}})


def test_a_foreign_module_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "canary.py").write_text(f"open({str(tmp_path / 'sung')!r}, 'w').close()\nclass Bird: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="not allowed"):
        build({"class_path": "canary.Bird"})
    assert not (tmp_path / "sung").exists()
    assert "canary" not in sys.modules
    build({"class_path": "canary.Bird"}, trust=("canary",))
    assert (tmp_path / "sung").exists()


def test_a_wrong_argument_is_named_in_one_line() -> None:
    with pytest.raises(ConfigError, match=r"sciml.fields.Axis: .*'m'") as caught:
        build({"class_path": "sciml.fields.Axis", "init_args": {"m": 3}})
    assert "\n" not in str(caught.value)


def test_an_object_that_records_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match="Described"):
        describe(nn.Sequential(nn.Linear(2, 2)))


def test_the_allow_list_ends_at_a_dot() -> None:
    assert is_allowed("torch.nn.GELU")
    assert not is_allowed("torch.nnx.GELU")
    assert is_allowed("mine.Net", trust=("mine",))
