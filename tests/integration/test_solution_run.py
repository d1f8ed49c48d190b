"""From a configuration without data to a file, a NetCDF file, a table and a page; what does not go with a solution."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray

from sciml.cli import main as front

CONFIG = """
seed_everything: 0
trainer: {max_epochs: 2, precision: 64-true, accelerator: cpu}
model:
  network:
    class_path: sciml.pinn.HardInitial
    init_args:
      initial: cos(pi*x)
      network:
        class_path: sciml.nn.MLP
        init_args:
          in_features: 2
          out_features: 1
          width: 8
          depth: 1
          embedding: {class_path: sciml.nn.PeriodicEmbedding, init_args: {periods: [2.0, null]}}
  objective:
    class_path: sciml.pinn.PhysicsInformed
    init_args:
      problem:
        class_path: sciml.pdes.Statement
        init_args:
          pde: {class_path: sciml.pdes.Heat, init_args: {diffusivity: 0.1}}
          domain: {x: [0.0, 2.0]}
          periodic: [x]
          initial: {u: cos(pi*x)}
          times: [0.0, 1.0]
          exact: {u: exp(-0.1*pi**2*t)*cos(pi*x)}
          points: 16
          length_unit: m
          time_unit: s
      conditions:
        - class_path: sciml.pinn.Interior
          init_args: {sampler: {class_path: sciml.pinn.Quasirandom, init_args: {points: 64}}}
  optimizer: {class_path: sciml.optim.SSBroyden, init_args: {iterations: 25}}
data:
  class_path: sciml.training.Collocation
  init_args: {steps: 1, reference: {class_path: sciml.pinn.Exact}}
"""


def run(*words: str) -> None:
    assert front.main([*words]) == 0


@pytest.mark.slow
def test_a_problem_becomes_a_solution_that_is_used_measured_and_drawn(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sciml.report.style.DPI", 60)
    Path("heat.yaml").write_text(CONFIG)
    run("fit", "--config", "heat.yaml")
    folder = Path("runs/heat/latest")
    run("export", str(folder / "checkpoints/best.ckpt"), "--out", "u.sciml")
    assert Path("u.sciml").read_bytes() == (folder / "model.sciml").read_bytes()

    run("predict", "u.sciml", "--out", "u.nc", "--points", "8", "--frames", "3")
    data = xarray.load_dataset("u.nc", engine="h5netcdf", decode_times=False)
    assert (data["x"].units, data["time"].units, data["u"].dims) == ("m", "s", ("time", "x"))
    assert data["time"].values.tolist() == [0.0, 0.5, 1.0]
    exact = np.exp(-0.1 * np.pi**2 * data["time"].values[:, None]) * np.cos(np.pi * data["x"].values)
    assert np.abs(data["u"].values - exact).max() < 1e-2
    run("predict", "u.sciml", "--out", "own.nc")
    assert dict(xarray.load_dataset("own.nc", engine="h5netcdf", decode_times=False).sizes) == {"time": 51, "x": 16}

    capsys.readouterr()
    run("test", str(folder))
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("u: relative L2 ")
    assert float(line.split()[3].rstrip(",")) < 1e-2
    run("report", str(folder))
    assert sorted(p.name for p in (folder / "figures").iterdir()) == ["fields.png", "losses.png"]

    shutil.copy(folder / "checkpoints/best.ckpt", "best.ckpt")
    for code, words in [
        (2, ["predict", "u.sciml", "--out", "v.nc", "--in", "u.nc"]),
        (2, ["predict", "u.sciml", "--out", "v.nc", "--points", "1"]),
        (2, ["rollout", "u.sciml", "--in", "u.nc", "--times", "0,1", "--out", "v.nc"]),
        (2, ["export", "best.ckpt", "--out", "v.pt2", "--format", "pt2"]),
        (2, ["test", str(folder), "--dataset", "burgers_1d"]),
        (2, ["report", str(folder), "--dataset", "burgers_1d"]),
    ]:
        assert front.main(words) == code
        err = capsys.readouterr().err
        assert err.startswith("sciml: error: "), err
        assert err.count("\n") == 1
    assert not Path("v.nc").exists()
