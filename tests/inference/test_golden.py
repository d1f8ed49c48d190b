"""Predictor files of every released schema stay readable, and say the same."""

from pathlib import Path

import torch

from sciml.fields import Grid
from sciml.inference import Surrogate

GOLDEN = Path(__file__).parent / "golden"


def test_a_file_of_schema_1_is_read_and_predicts_what_it_did():
    """Written by version 0.1.0; the numbers beside it were printed by the process that wrote it."""
    surrogate = Surrogate.load(GOLDEN / "predictor_schema1.sciml")
    spec = surrogate.spec
    assert (spec.version, spec.grid, spec.dt, spec.fields[0].unit) == ("0.1.0", Grid.periodic(8), 0.25, "m s-1")
    assert (spec.ranges, spec.dataset, spec.data_hash) == ({"u": (-1.0, 1.0)}, "golden", "0123456789abcdef" * 4)
    u = torch.linspace(-1, 1, 8).reshape(1, 1, 8)
    expected = torch.tensor(EXPECTED)
    assert torch.allclose(surrogate(u)[0, 0], expected, rtol=0, atol=1e-6)
    assert torch.allclose(surrogate.rollout(u, [0.0, 0.25]).u[0, 1, 0], expected, rtol=0, atol=1e-6)


EXPECTED = [0.3508843, 0.3437079, 0.3377731, 0.333488, 0.3300725, 0.3277898, 0.3277901, 0.329938]
