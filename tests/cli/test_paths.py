import argparse

import pytest

from sciml.cli.arguments import count, splits, times
from sciml.cli.paths import existing, local, writable
from sciml.status import ConfigError, DataError


@pytest.mark.parametrize(
    "address", ["http://h/x", "HTTPS://h/x", "s3://b/x", "file:///etc/passwd", "gs:/b", "//h/x", "\\\\h\\x"]
)
def test_an_address_is_no_path(address):
    with pytest.raises(ConfigError, match="remote address"):
        local(address, "--in")


@pytest.mark.parametrize("path", ["a.nc", "/tmp/a.nc", "../a", "runs/a:b", "C", "a b", "./http"])
def test_a_path_of_this_machine_is_accepted(path):
    assert str(local(path, "--in")) == path.removeprefix("./")


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_cannot_be_a_path_is_refused(path):
    with pytest.raises(ConfigError, match="no path"):
        local(path, "--in")


def test_existence_and_kind_are_checked(tmp_path):
    file = tmp_path / "a"
    file.write_text("")
    assert existing(str(file), "X", folder=False) == file
    assert existing(str(tmp_path), "X", folder=True) == tmp_path
    for text, folder in ((str(file), True), (str(tmp_path), False), (str(tmp_path / "b"), None)):
        with pytest.raises(DataError, match=text):
            existing(text, "X", folder=folder)


def test_an_output_needs_its_folder_and_an_offered_ending(tmp_path):
    assert writable(str(tmp_path / "u.nc"), "--out", (".nc",)) == tmp_path / "u.nc"
    with pytest.raises(ConfigError, match=r"accepted are \.nc"):
        writable(str(tmp_path / "u.csv"), "--out", (".nc",))
    with pytest.raises(ConfigError, match="does not exist"):
        writable(str(tmp_path / "absent" / "u.nc"), "--out", (".nc",))


def test_counts_have_a_lower_bound():
    assert count(1)("3") == 3
    for text in ("0", "-1", "1.5", "x", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="at least 1"):
            count(1)(text)


def test_times_are_a_list_or_a_range():
    assert times("0,0.5,1e0") == (0.0, 0.5, 1.0)
    assert times("0:1:5") == (0.0, 0.25, 0.5, 0.75, 1.0)


@pytest.mark.parametrize(
    "text", ["", "1", "1,0", "0,nan", "0:1", "0:1:1", "0:1:x", "1:0:5", "0,inf", "a,b", "0:1:99999999"]
)
def test_times_that_do_not_increase_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="FIRST:LAST:COUNT"):
        times(text)


def test_splits_are_three_numbers():
    assert splits("900,50,0") == (900, 50, 0)
    for text in ("1,2", "1,2,3,4", "a,1,2", "0,0,0", "-1,1,1", "", "1,,1"):
        with pytest.raises(argparse.ArgumentTypeError, match="TRAIN,VALID,TEST"):
            splits(text)
