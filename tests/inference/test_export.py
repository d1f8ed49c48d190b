"""Exported programs against the surrogate that they were made from, at grids and batches that tracing did not see."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.inference import Surrogate, SurrogateSpec, export_program
from sciml.nn import Normalized, Normalizer
from sciml.operators import FNO


def darcy(**changes):
    torch.manual_seed(0)
    network = Normalized(FNO(1, 1, width=8, modes=[6, 6], depth=1), Normalizer(1), Normalizer(1))
    network.inputs.scale.fill_(2.0)
    entries = {"inputs": (FieldSpec("a", unit="m2"),), "any_resolution": True, **changes}
    return Surrogate(network, SurrogateSpec((FieldSpec("u"),), Grid.cells(16, 16), Boundaries.dirichlet(), **entries))


@pytest.mark.slow
def test_one_program_serves_any_batch_and_any_grid(tmp_path):
    """Exported in a process of its own: sizes are symbols while tracing, which run-time type checks take for errors."""
    surrogate = darcy()
    source, path = surrogate.save(tmp_path / "darcy.sciml"), tmp_path / "darcy.pt2"
    code = "import sys, sciml.inference as i; i.export_program(i.Surrogate.load(sys.argv[1]), sys.argv[2])"
    root = str(Path(__file__).resolve().parents[2])
    subprocess.run([sys.executable, "-c", code, str(source), str(path)], env={"PYTHONPATH": root}, check=True)
    program = torch.export.load(path).module()
    for shape in ((1, 1, 16, 16), (3, 1, 17, 17), (2, 1, 12, 20), (5, 1, 13, 32), (4, 1, 33, 8)):
        a = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            assert torch.allclose(program(a), surrogate(a), rtol=0, atol=1e-6)


def test_the_card_says_what_the_program_takes(tmp_path, steady):
    path = export_program(steady, tmp_path / "out" / "map.pt2")
    card = json.loads((tmp_path / "out" / "map.pt2.json").read_text())
    assert card["arguments"] == ["fields"]
    assert (card["any_batch"], card["any_grid"]) == (True, False)
    assert card["spec"]["inputs"][0]["unit"] == "m2"
    assert sorted(p.name for p in path.parent.iterdir()) == ["map.pt2", "map.pt2.json"]
    a = -torch.ones(3, 1, 4, 6)
    assert torch.equal(torch.export.load(path).module()(a), steady(a))


class Conditioned(nn.Module):
    accepts = ("time", "params")

    def forward(self, x, *, time, params):
        return x * time.view(-1, 1, 1) + params[:, :1, None]


def test_lead_time_and_parameters_follow_the_fields(tmp_path, monkeypatch):
    spec = SurrogateSpec(
        (FieldSpec("u"),), Grid.periodic(8), Boundaries.periodic(), (ParameterSpec("nu"),), dt=0.5, any_dt=True
    )
    surrogate = Surrogate(Conditioned(), spec)
    monkeypatch.setattr("sciml.inference.export.describe", lambda network: {})
    path = export_program(surrogate, tmp_path / "step.pt2")
    assert json.loads((tmp_path / "step.pt2.json").read_text())["arguments"] == ["fields", "time", "params"]
    u, nu = torch.rand(3, 1, 8), torch.rand(3, 1)
    exported = torch.export.load(path).module()(u, torch.full((3,), 0.5), nu)
    assert torch.equal(exported, surrogate(u, params=nu))


def test_a_free_grid_is_refused_where_the_network_does_not_claim_it(tmp_path):
    with pytest.raises(ValueError, match=r"takes the grid \(16, 16\) alone"):
        export_program(darcy(any_resolution=False), tmp_path / "x.pt2", any_grid=True)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_a_network_that_cannot_be_traced_is_refused_in_one_line_and_leaves_no_file(tmp_path, steady):
    with pytest.raises(ValueError, match="cannot trace Branching") as caught:
        export_program(Surrogate(Branching(), steady.spec), tmp_path / "x.pt2")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
