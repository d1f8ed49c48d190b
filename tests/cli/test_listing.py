"""`sciml list` and `sciml show`: kinds of the packages, one line each."""

import pytest

from sciml.cli import main as front
from sciml.cli.listing import KINDS


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("networks", {"nn.MLP", "nn.PirateNet", "pinn.HardBoundary", "pinn.TimeWindows"}),
        ("objectives", {"operators.Supervised", "pinn.PhysicsInformed", "pinn.DeepRitz", "pinn.Marching"}),
        ("weightings", {"objective.FixedWeights", "pinn.CausalWeights", "pinn.SelfAdaptive"}),
        ("conditions", {"pinn.Interior", "pinn.Initial", "pinn.Face", "pinn.Observations", "pinn.Surface"}),
        ("points", {"pinn.Quasirandom", "pinn.TensorProduct", "pinn.RetainResample"}),
        ("regions", {"fields.Box", "fields.Ball", "fields.Difference", "fields.MeshRegion"}),
        ("energies", {"pinn.DirichletEnergy", "pinn.PLaplaceEnergy"}),
        ("references", {"pinn.Exact", "pinn.Solved", "pinn.Stored"}),
        ("optimizers", {"optim.SOAP", "optim.SSBroyden", "optim.NaturalGradient", "optim.Phases"}),
    ],
)
def test_a_kind_lists_its_classes_with_a_line_each(kind: str, names: set[str], capsys) -> None:
    assert front.main(["list", kind]) == 0
    rows = [line.split(None, 1) for line in capsys.readouterr().out.splitlines()]
    assert {f"sciml.{n}" for n in names} <= {row[0] for row in rows}
    assert all(len(row) == 2 and row[1] for row in rows)


def test_no_class_is_listed_under_two_kinds() -> None:
    listed = [path for kind, rows in KINDS.items() for path, _ in rows() if kind not in ("datasets", "configs")]
    assert sorted({p for p in listed if listed.count(p) > 1}) == []


@pytest.mark.parametrize("name", ["Interior", "CausalWeights", "HardInitial", "RetainResample", "PhysicsInformed"])
def test_the_classes_of_networks_without_data_are_shown(name: str, capsys) -> None:
    assert front.main(["show", name]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"sciml.pinn.{name}(")
    assert "Args:" in out
