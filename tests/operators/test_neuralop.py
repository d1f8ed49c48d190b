"""The adapter of neuraloperator's models against the bare models and their known faults."""

import copy
import io
import sys
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from sciml.describe import build, describe
from sciml.operators import NeuralOp
from sciml.status import ConfigError

FNO = (
    "neuralop.models.FNO",
    {"n_modes": [6, 6], "in_channels": 1, "out_channels": 1, "hidden_channels": 8, "n_layers": 2},
)
TFNO = ("neuralop.models.TFNO", {**FNO[1], "factorization": "tucker", "rank": 0.3})
UNO = (
    "neuralop.models.UNO",
    {
        "in_channels": 1,
        "out_channels": 1,
        "hidden_channels": 8,
        "n_layers": 3,
        "uno_out_channels": [8, 8, 8],
        "uno_n_modes": [[6, 6], [4, 4], [6, 6]],
        "uno_scalings": [[1.0, 1.0], [0.5, 0.5], [2.0, 2.0]],
        "channel_mlp_skip": "linear",
    },
)
MODELS = [FNO, TFNO, UNO]


@pytest.mark.parametrize(("path", "arguments"), MODELS)
def test_a_wrapped_model_computes_what_the_bare_one_computes(path: str, arguments: dict[str, Any]) -> None:
    import neuralop.models

    torch.manual_seed(0)
    ours = NeuralOp(path, arguments)
    torch.manual_seed(0)
    bare = getattr(neuralop.models, path.rpartition(".")[2])(**arguments)
    u = torch.randn(2, 1, 16, 16)
    assert torch.equal(ours(u), bare(u))


@pytest.mark.parametrize(("path", "arguments"), MODELS)
def test_a_surrounding_module_saves_and_strictly_loads(path: str, arguments: dict[str, Any]) -> None:
    outer = nn.ModuleDict({"a": NeuralOp(path, arguments), "b": NeuralOp(path, arguments)})
    file = io.BytesIO()
    torch.save(outer.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    assert not [key for key in state if "_metadata" in key]
    twin = nn.ModuleDict({name: build(describe(network)) for name, network in outer.items()})
    twin.load_state_dict(state, strict=True)
    u = torch.randn(1, 1, 16, 16)
    assert torch.equal(twin["b"](u), outer["b"](u))


def test_construction_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    NeuralOp(*UNO)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("path", "arguments"), MODELS)
def test_a_deep_copy_is_independent_of_the_original(path: str, arguments: dict[str, Any]) -> None:
    network = NeuralOp(path, arguments)
    u = torch.randn(1, 1, 16, 16)
    before = network(u).detach()
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    assert torch.equal(twin(u), before)
    assert not torch.equal(network(u), before)


def test_odd_leading_axes_are_refused_with_the_sizes_named() -> None:
    network = NeuralOp(*FNO)
    with pytest.raises(ValueError, match=r"leading axes \(15,\)"):
        network(torch.randn(1, 1, 15, 16))
    assert network(torch.randn(1, 1, 16, 15)).shape == (1, 1, 16, 15)


def test_construction_leaves_warning_filters_alone_and_starts_no_wandb_run() -> None:
    for name in [m for m in sys.modules if m.split(".")[0] == "neuralop"]:
        del sys.modules[name]
    with warnings.catch_warnings():
        before = list(warnings.filters)
        NeuralOp(*FNO)
        assert list(warnings.filters) == before
    assert "wandb" not in sys.modules or sys.modules["wandb"].run is None


@pytest.mark.parametrize("path", ["torch.nn.Linear", "sciml.operators.FNO", "neuralop.training.Trainer", "os.system"])
def test_classes_of_other_packages_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"below neuralop\.models"):
        NeuralOp(path, {})


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ConfigError, match="NoSuchModel"):
        NeuralOp("neuralop.models.NoSuchModel", {})
