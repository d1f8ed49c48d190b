"""A run that is cut goes on to the same bits: weights, adaptive points, causal stage, balancing weights, optimisers."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from closure_runs import STEPS, fit, informed, killed, make

pytest_plugins = ["training_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

SCRIPT = """
import sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from closure_runs import fit, informed, make
torch.set_num_threads(1)
torch.save(fit(*make(Path(sys.argv[2]), **informed()), Path(sys.argv[3])), sys.argv[4])
"""


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], v) for k, v in other.items())


@pytest.mark.parametrize("steps", [3, 4, 6])
def test_a_run_goes_on_to_the_same_bits_on_either_side_of_the_switch(tmp_path: Path, steps: int) -> None:
    whole = fit(*make(tmp_path / "whole", **informed()))
    assert int(whole["weighting.stage"]) > 0
    assert same(fit(*make(tmp_path / "rest", **informed()), killed(tmp_path / "half", steps, **informed())), whole)


def test_points_move_at_every_step(tmp_path: Path) -> None:
    name = "objective.conditions.0.sampler.points"
    runs = [fit(*make(tmp_path / str(n), **informed(), max_steps=n))[name] for n in (STEPS - 1, STEPS)]
    assert not torch.equal(*runs)


@pytest.mark.slow
def test_a_new_process_goes_on_across_the_switch_to_the_same_bits_and_the_same_points(tmp_path: Path) -> None:
    whole = fit(*make(tmp_path / "whole", **informed()))
    out, tests = tmp_path / "state.pt", Path(__file__).parents[1]
    words = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        SCRIPT,
        tests,
        tmp_path / "rest",
        killed(tmp_path / "half", 4, **informed()),
        out,
    ]
    subprocess.run(list(map(str, words)), check=True, cwd=tests.parent, capture_output=True, timeout=100)
    assert same(torch.load(out, weights_only=True), whole)
