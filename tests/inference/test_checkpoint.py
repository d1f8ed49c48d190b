"""From a checkpoint in the layout of `sciml fit` to a surrogate, and what is refused."""

import copy
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from sciml.data import AllToAll, DatasetSpec, OneStep, Rollout, Steady
from sciml.describe import describe
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.inference import from_checkpoint
from sciml.nn import Normalized, Normalizer
from sciml.operators import FNO
from sciml.status import DataError

DARCY = DatasetSpec(
    name="darcy",
    fields=(FieldSpec("u", unit="Pa"),),
    static=(FieldSpec("a", unit="m2", positive=True),),
    grid=Grid.cells(12, 10),
    boundaries=Boundaries.dirichlet(),
    parameters=(),
    times=(0.0,),
    length_unit="m",
    meta={"licence": "CC0"},
)
WAVES = DatasetSpec(
    name="waves",
    fields=(FieldSpec("v", rank=1), FieldSpec("p")),
    static=(FieldSpec("c"),),
    parameters=(ParameterSpec("nu"),),
    grid=Grid.periodic(8, 8),
    boundaries=Boundaries.periodic(),
    times=(0.0, 0.1, 0.2, 0.3, 0.4),
    time_unit="s",
)


def trained(inputs, outputs, dims=2):
    torch.manual_seed(0)
    network = Normalized(
        FNO(inputs, outputs, width=4, modes=[4] * dims, depth=1), Normalizer(inputs), Normalizer(outputs)
    )
    network.inputs.shift.fill_(3.0)
    network.outputs.scale.fill_(0.5)
    return network


def checkpoint(network, spec, inputs, outputs, windows):
    return {
        "state_dict": {f"network.{k}": v for k, v in network.state_dict().items()},
        "sciml": {
            "schema": 1,
            "version": "0.1.0",
            "module": {"network": describe(network.network)},
            "data": {
                "spec": spec.to_dict(),
                "inputs": list(inputs),
                "outputs": list(outputs),
                "windows": describe(windows),
                "hash": "ef" * 32,
                "ranges": {"a": [3.0, 12.0], "elsewhere": [0.0, 1.0]},
            },
        },
    }


@pytest.fixture
def darcy(tmp_path):
    network = trained(1, 1)
    content = checkpoint(network, DARCY, ["a"], ["u"], Steady())
    return network, content, tmp_path / "best.ckpt"


def test_a_steady_network_becomes_a_map_with_all_that_is_known_of_its_data(darcy):
    network, content, path = darcy
    torch.save(content, path)
    surrogate = from_checkpoint(path)
    a = torch.rand(2, 1, 12, 10)
    with torch.no_grad():
        assert torch.equal(surrogate(a), network(a))
    spec = surrogate.spec
    assert (spec.input_channels, spec.channels, spec.dt) == (("a",), ("u",), None)
    assert (spec.inputs[0].unit, spec.fields[0].unit, spec.length_unit) == ("m2", "Pa", "m")
    assert (spec.grid, spec.boundaries, spec.dataset) == (DARCY.grid, DARCY.boundaries, "darcy")
    assert (spec.data_hash, spec.meta, spec.ranges) == ("ef" * 32, {"licence": "CC0"}, {"a": (3.0, 12.0)})
    assert spec.any_resolution


def test_averaged_weights_are_preferred(darcy):
    network, content, path = darcy
    content["ema_state_dict"] = {k: v + 1 for k, v in content["state_dict"].items()}
    torch.save(content, path)
    loaded = from_checkpoint(path).network.state_dict()
    assert all(torch.equal(loaded[k], v + 1) for k, v in network.state_dict().items())


@pytest.mark.parametrize(
    ("windows", "dt"),
    [(OneStep(), 0.1), (OneStep(stride=2), 0.2), (Rollout(1, 2, stride=2), 0.2), (AllToAll(gaps=[3], start=0), 0.3)],
)
def test_windows_give_the_step_of_a_stepper(tmp_path, windows, dt):
    network = trained(4, 3)
    names = ["v_x", "v_y", "p"]
    torch.save(checkpoint(network, WAVES, [*names, "c"], names, windows), tmp_path / "best.ckpt")
    spec = from_checkpoint(tmp_path / "best.ckpt").spec
    assert spec.dt == pytest.approx(dt)
    assert not spec.any_dt
    assert [f.name for f in spec.fields] == ["v", "p"]
    assert spec.static_channels == ("c",)
    assert spec.parameters == ()  # the network takes none


def test_several_lead_times_need_a_network_that_takes_them(tmp_path):
    content = checkpoint(trained(4, 3), WAVES, ["v_x", "v_y", "p", "c"], ["v_x", "v_y", "p"], AllToAll())
    torch.save(content, tmp_path / "best.ckpt")
    with pytest.raises(DataError, match="lead time"):
        from_checkpoint(tmp_path / "best.ckpt")


def test_several_input_frames_are_refused(tmp_path):
    content = checkpoint(trained(4, 3), WAVES, ["v_x", "v_y", "p", "c"], ["v_x", "v_y", "p"], Rollout(2, 1))
    torch.save(content, tmp_path / "best.ckpt")
    with pytest.raises(DataError, match="steps_in=2"):
        from_checkpoint(tmp_path / "best.ckpt")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: c.pop("sciml"), "no checkpoint of sciml fit"),
        (lambda c: c["sciml"].update(schema=2), "schema 1"),
        (lambda c: c["sciml"].update(data=None), "described data set"),
        (lambda c: c["state_dict"].popitem(), "Missing key"),
        (lambda c: c["sciml"]["module"]["network"].update(class_path="os.system"), "os.system"),
        (lambda c: c["sciml"]["module"]["network"]["init_args"].update(kernel={"class_path": "evil.Kernel"}), "evil"),
        (lambda c: c["sciml"]["module"]["network"]["init_args"].update(colour=1), "colour"),
        (lambda c: c["sciml"]["data"].update(outputs=["q"]), "channel 'q'"),
    ],
)
def test_what_is_no_sound_checkpoint_is_refused_in_one_line(darcy, change, match):
    _, content, path = darcy
    content = copy.deepcopy(content)
    change(content)
    torch.save(content, path)
    with pytest.raises(DataError, match=match) as caught:
        from_checkpoint(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("bomb_went_off"),))


def test_a_pickle_that_calls_anything_is_refused_without_running_it(darcy, monkeypatch, tmp_path):
    _, content, path = darcy
    monkeypatch.chdir(tmp_path)
    torch.save({**content, "more": Bomb()}, path)
    with pytest.raises(DataError, match=r"best\.ckpt"):
        from_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    with pytest.raises(DataError, match=r"best\.ckpt"):
        from_checkpoint(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match=r"best\.ckpt"):
        from_checkpoint(path)
    assert not (tmp_path / "bomb_went_off").exists()
