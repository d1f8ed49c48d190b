#!/usr/bin/env python3
"""Flips bits of a shard, one at a time, and validates each damaged file in a child that is killed when it hangs.

    python scripts/fuzz_shards.py --flips 2000

Prints how many damaged files were refused, passed with every value as it was written, passed with another value, ended
a child, or hung; exit code 1 for any of the last three. Without a manifest: what is tested is the layout of the file,
not a checksum over it.
"""

import argparse
import collections
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sciml.data import DatasetSpec, FieldDataset, check_hdf5, validate_dataset, write_shard
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.status import DataError

NAMES = {0: "passed", 3: "refused", 6: "passed with another value"}
ACCEPTED = {"passed", "refused"}


def make(folder: Path) -> Path:
    """A shard with every kind of group: small, so that most of its bytes are structure."""
    spec = DatasetSpec(
        "fuzzed",
        (FieldSpec("u", unit="m s-1"), FieldSpec("v", rank=1)),
        (FieldSpec("a", positive=True),),
        (ParameterSpec("nu", unit="m2 s-1"),),
        Grid.periodic(8, 6),
        Boundaries.periodic(),
        times=(0.0, 0.5, 1.0),
    )
    rng, n = np.random.default_rng(0), 4
    fields = {"u": rng.normal(size=(n, 3, 8, 6)), "v": rng.normal(size=(n, 3, 8, 6, 2))}
    static = {"a": rng.random((n, 8, 6)) + 0.1}
    path = folder / "train/shard-00000.h5"
    write_shard(path, spec, fields=fields, static=static, params={"nu": rng.random(n)}, index=range(n))
    return path


def values(data: FieldDataset) -> list[np.ndarray]:
    """Every number that a user reads, and the axes they are read on."""
    everything = range(len(data))
    axes = [axis.coords for axis in data.spec.grid.axes]
    return [data.fields(everything), data.static(everything), data.params(everything), np.array(data.spec.times), *axes]


def look(root: Path, path: Path, whole: list[np.ndarray]) -> int:
    """Validates, reads everything, as a command would, and compares it with what was written."""
    try:
        check_hdf5(path)
        if validate_dataset(path) or [f for f in validate_dataset(root) if f.path.startswith("train/")]:
            return 3
        data = FieldDataset(root, "train")
        same = all(np.array_equal(a, b) for a, b in zip(values(data), whole, strict=True))
    except DataError as error:
        return 3 if "\n" not in str(error) and str(path) in str(error) else 4
    return 0 if same else 6


def outcome(root: Path, path: Path, whole: list[np.ndarray], limit: float) -> tuple[str, float]:
    """What happens to a child that looks at the file, and how long it takes."""
    start, child = time.monotonic(), os.fork()
    if child == 0:
        try:
            os._exit(look(root, path, whole))
        finally:
            os._exit(5)
    while time.monotonic() - start < limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return NAMES.get(code, f"ended by {code}"), time.monotonic() - start
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung", limit


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=1000, help="damaged files")
    parser.add_argument("--seed", type=int, default=0, help="of the places of the flips")
    parser.add_argument("--limit", type=float, default=8.0, metavar="SECONDS", help="time after which a child hangs")
    args = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = make(root)
        whole, written = path.read_bytes(), values(FieldDataset(root, "train"))
        bits = np.random.default_rng(args.seed).choice(8 * len(whole), size=args.flips, replace=False)
        for bit in bits.tolist():
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            path.write_bytes(damaged)
            found, seconds = outcome(root, path, written, args.limit)
            counts[found] += 1
            slowest = max(slowest, seconds)
            if found not in ACCEPTED or seconds > 1:
                print(f"byte {bit // 8} of {len(whole)}, bit {bit % 8}: {found} in {seconds:.2f} s", flush=True)
    print(f"{args.flips} flips: {', '.join(f'{n} {k}' for k, n in counts.items())}; slowest {slowest:.2f} s")
    return int(bool(set(counts) - ACCEPTED))


if __name__ == "__main__":
    sys.exit(main())
