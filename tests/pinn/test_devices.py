"""Everything that a shipped problem computes with lies on the device of its network."""

from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import build
from sciml.pinn import TimeWindows
from sciml.resources import resource_root

CONFIGS = sorted((resource_root() / "configs" / "pinn").glob("*.yaml"))
SHIPPED = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)


def shipped(path: Any) -> tuple[nn.Module, Any]:
    """Network and objective on the CPU, with the points of the first step."""
    model = yaml.safe_load(path.read_text())["model"]
    torch.manual_seed(0)
    network, objective = build(model["network"]).double(), build(model["objective"]).double()
    objective.advance(0, 0, network)
    return network, objective


def loss_of(network: nn.Module, objective: Any) -> Tensor:
    return torch.stack([term.scalar() for term in objective.terms(network, Batch()).values()]).sum()


@SHIPPED
def test_an_evaluation_uses_nothing_that_lies_elsewhere(path: Any) -> None:
    # The device `meta` has shapes and no values, and refuses operations with tensors of others, as a GPU does.
    network, objective = shipped(path)
    network.to("meta")
    objective.to("meta")
    if isinstance(network, TimeWindows):
        network.window = torch.zeros((), dtype=torch.long)  # which window it is has to be known
    loss = loss_of(network, objective)
    loss.backward()
    assert loss.device.type == "meta"
    assert all(p.grad is not None and p.grad.device.type == "meta" for p in network.parameters())


@pytest.mark.gpu
@SHIPPED
def test_loss_and_gradient_are_those_of_the_cpu(path: Any) -> None:
    network, objective = shipped(path)
    found = {}
    for device in ("cpu", "cuda"):
        network.to(device)
        objective.to(device)
        network.zero_grad()
        loss = loss_of(network, objective)
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        found[device] = float(loss.detach()), gradient.cpu()
    if not any(condition.random for condition in getattr(objective, "objective", objective).conditions):
        assert found["cuda"][0] == pytest.approx(found["cpu"][0], rel=1e-9)
        assert torch.allclose(found["cuda"][1], found["cpu"][1], rtol=1e-8, atol=1e-9 * float(found["cpu"][1].norm()))
    assert bool(found["cuda"][1].isfinite().all())


@pytest.mark.gpu
@pytest.mark.slow
@SHIPPED
def test_a_run_on_the_gpu_ends_with_a_solution(path: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from sciml.cli.fit import run

    monkeypatch.chdir(tmp_path)
    words = ["--trainer.accelerator=gpu", "--trainer.max_epochs=1", "--trainer.limit_train_batches=2"]
    # A loss or a weight that is not finite would end it.
    assert run("fit", ["--config", f"pinn/{path.name}", *words]) == 0
    assert (tmp_path / "runs" / path.stem / "latest" / "model.sciml").is_file()
