import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sciml.status import ConfigError
from sciml.yaml_files import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml, with_changes


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "file.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("file.yaml")
    return message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.0e-3", 1e-3),
        ("-2E5", -2e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", float("-inf")),
        ("1_000.5", 1000.5),
    ],
)
def test_every_spelling_of_a_float_is_a_float(text, value):
    read = parse_yaml(text, "x").data
    assert read == value
    assert type(read) is float


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("-3", -3), ("0", 0), ("1_000", 1000), ("0xff", 255)])
def test_integers_stay_integers(text, value):
    read = parse_yaml(text, "x").data
    assert read == value
    assert type(read) is int


@pytest.mark.parametrize("text", ["1e", "e-3", "1.2.3", "2024-01-01", "v1", "'1e-3'", '"no"', "1-2"])
def test_words_that_are_no_numbers_stay_words(text):
    assert parse_yaml(text, "x").data == text.strip("'\"")


@pytest.mark.parametrize("word", ["no", "Yes", "on", "OFF", "010", "0b11", "1:30", "12:30:45"])
def test_a_word_that_yaml_versions_read_differently_is_refused(word):
    message = refusal(f"a: 1\nkey: {word}\n")
    assert "file.yaml:2" in message
    assert word in message


def test_a_key_given_twice_is_refused_with_both_lines():
    message = refusal("trainer:\n  max_epochs: 1\n  devices: 1\n  max_epochs: 2\n")
    assert "file.yaml:4: trainer.max_epochs" in message
    assert "line 2" in message


def test_the_line_of_an_entry_is_that_of_its_key():
    document = parse_yaml("a:\n  b:\n    - 1\n    - c: 2\n", "f")
    assert document.where(("a", "b", 1, "c")) == "f:4: a.b[1].c"
    assert document.where(("a", "missing")) == "f:1: a.missing"


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.system ['true']", "a: !custom 1", "a: !!python/name:os.system"]
)
def test_a_tag_is_refused(text):
    assert "tag" in refusal(text)


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "aliases" in refusal("\n".join(lines))


def test_an_alias_of_itself_is_refused():
    assert "contains itself" in refusal("a: &a [*a]")


def test_an_alias_repeats_its_value():
    assert parse_yaml("a: &x [1, 2]\nb: *x\n", "f").data == {"a": [1, 2], "b": [1, 2]}


def test_deep_nesting_is_refused_before_a_tree_is_built():
    assert "deeper" in refusal("[" * 500 + "]" * 500)
    deepest = parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f").data
    assert deepest == eval_brackets(MAX_DEPTH)


def eval_brackets(depth: int) -> list:
    nested: list = []
    for _ in range(depth - 1):
        nested = [nested]
    return nested


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "\ta: 1", "a: 'open", "{a: 1"])
def test_bad_syntax_is_one_line_with_a_line_number(text):
    assert refusal(text).startswith("file.yaml:")


def test_a_file_that_is_too_large_is_refused(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_text("a: 1\n" + "# filler\n" * (MAX_BYTES // 9 + 1))
    with pytest.raises(ConfigError, match="larger than"):
        read_yaml(path)


def test_binary_and_lists_and_absent_files_are_refused(tmp_path):
    path = tmp_path / "x.yaml"
    for content, part in [(b"\xff\xfe\x00", "UTF-8"), (b"- 1\n", "mapping"), (b"just text", "mapping")]:
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=part):
            read_yaml(path)
    with pytest.raises(ConfigError, match="No such file"):
        read_yaml(tmp_path / "absent.yaml")


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("# nothing\n")
    assert read_yaml(path).data == {}


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False)
    | st.text("abcxyz_-. :", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(plain)
def test_what_a_yaml_writer_writes_is_read_back(value):
    assert parse_yaml(yaml.safe_dump(value), "f").data == value


def test_changes_reach_dotted_keys_and_leave_the_original_alone():
    data = {"a": {"b": 1, "c": 2}, "d": 3}
    assert with_changes(data, {"a.b": 5, "e.f": [1], "d": {"g": 0}}) == {
        "a": {"b": 5, "c": 2},
        "d": {"g": 0},
        "e": {"f": [1]},
    }
    assert data == {"a": {"b": 1, "c": 2}, "d": 3}
    with pytest.raises(ConfigError, match=r"d\.x: d is 3 and has no keys"):
        with_changes(data, {"d.x": 1})
