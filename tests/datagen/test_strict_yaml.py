"""YAML as people mean it."""

import math

import pytest

from sciml.datagen.strict_yaml import load_yaml
from sciml.status import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("-2.5E+4", -2.5e4),
        (".5", 0.5),
        ("1.", 1.0),
        ("7", 7),
        ("-0", 0),
        (".inf", math.inf),
        ("true", True),
        ("null", None),
        ("", None),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("017", "017"),
        ('"1e-3"', "1e-3"),
        ("[1, 2.0]", [1, 2.0]),
    ],
)
def test_a_plain_word_is_what_it_looks_like(tmp_path, text, value):
    (tmp_path / "a.yaml").write_text(f"key: {text}\n")
    found = load_yaml(tmp_path / "a.yaml")["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", ["line 3", "'a' stands twice"]),
        ("a: {b: 1, b: 2}\n", ["line 1", "'b' stands twice"]),
        ("a: &x [1]\nb: *x\n", ["line 2", "aliases"]),
        ("a: !!python/object/apply:os.getcwd []\n", ["line 1", "tag"]),
        ("1: 2\n", ["key 1"]),
        ("a: [1\n", ["line"]),
    ],
)
def test_what_could_be_misread_is_refused_with_its_line(tmp_path, text, words):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_yaml(path)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in [str(path), *words])


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_yaml(tmp_path / "a.yaml")
