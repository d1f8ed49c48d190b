"""Types of command-line values, with messages that say what is accepted."""

import argparse
import itertools
import math
import re
from collections.abc import Callable
from typing import Any

#: Names of `sciml.data.layouts.LAYOUTS`, known here without its imports.
LAYOUTS = ("pdebench", "the_well", "poseidon")


def count(low: int) -> Callable[[str], int]:
    """An integer of at least `low`."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(f"{text!r} is not accepted; an integer of at least {low} is")
        return value

    return convert


def times(text: str) -> tuple[float, ...]:
    """Times as `0,0.5,1` or as `first:last:count`; finite and increasing."""
    try:
        if ":" in text:
            first, last, number = text.split(":")
            low, high, n = float(first), float(last), int(number)
            values = tuple(low + (high - low) * i / (n - 1) for i in range(n)) if 2 <= n <= 1_000_000 else ()
        else:
            values = tuple(float(word) for word in text.split(","))
    except ValueError:
        values = ()
    increasing = all(a < b for a, b in itertools.pairwise(values))
    if len(values) < 2 or not increasing or not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"{text!r} is not accepted; increasing times are, 0,0.5,1 or FIRST:LAST:COUNT")
    return values


def change(text: str) -> tuple[str, Any]:
    """A dotted key and its value in YAML, `parameters.viscosity=0.001`."""
    from sciml.status import ConfigError
    from sciml.yaml_files import parse_yaml

    key, equals, value = text.partition("=")
    if not equals or not all(word.isidentifier() for word in key.split(".")):
        raise argparse.ArgumentTypeError(f"{text!r} is not accepted; KEY=VALUE is, parameters.viscosity=0.001")
    try:
        return key, parse_yaml(value, f"--set {key}").data
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def described(text: str) -> Any:
    """A class by name, or as `{class_path: ..., init_args: ...}` in YAML."""
    from sciml.status import ConfigError
    from sciml.yaml_files import parse_yaml

    if re.fullmatch(r"[\w.]+", text):
        return text
    try:
        return parse_yaml(text, "the value").data
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def shard_range(text: str) -> tuple[int, int]:
    """A range of shards, `0:10`, that ends before its second number."""
    words = text.split(":")
    if len(words) != 2 or not all(w.isascii() and w.isdigit() for w in words) or int(words[0]) >= int(words[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not accepted; FIRST:STOP is, 0:10")
    return int(words[0]), int(words[1])


def splits(text: str) -> tuple[int, int, int]:
    """Three numbers of samples, `900,50,50`; at least one is positive."""
    words = text.split(",")
    sizes = tuple(int(word) for word in words if word.isascii() and word.isdigit())
    if len(words) != 3 or len(sizes) != 3 or not any(sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is not accepted; three numbers are, TRAIN,VALID,TEST")
    return sizes[0], sizes[1], sizes[2]
