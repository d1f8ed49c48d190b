import pytest

from sciml.cli.names import nearest, suggestion


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("max_epoch", "max_epochs"),
        ("FNO", "sciml.operators.FNO"),
        ("sciml.operator.FNO", "sciml.operators.FNO"),
        ("darcy_2d_fno", "operators/darcy_2d_fno.yaml"),
        ("MAX_EPOCHS", "max_epochs"),
    ],
)
def test_the_nearest_name_is_the_one_meant(word, meant):
    assert nearest(word, ["max_epochs", "devices", "sciml.operators.FNO", "operators/darcy_2d_fno.yaml"]) == meant


def test_nothing_is_offered_for_a_word_far_from_all():
    assert nearest("qqqqqq", ["max_epochs", "devices"]) is None
    assert "nearest" not in suggestion("qqqqqq", ["max_epochs"])


def test_a_long_list_is_cut_and_counted():
    text = suggestion("a7", [f"a{i}" for i in range(100)], limit=5)
    assert "(100 in all)" in text
    assert text.count(",") == 5
    assert text.endswith("nearest: a7")
