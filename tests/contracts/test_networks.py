"""What every network of `sciml.operators` keeps to.

A class is constructible without arguments or offers `example()`. Its input is one channel on a 16 x 16 grid, or what
`example_batch()` returns. A class that sets `resolution_free` also serves other grids, and converges there.
"""

import math

import pytest
import torch
from torch import Tensor, nn

import sciml.nn
import sciml.operators
from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.objective import Objective, evaluate

EXPORTS = [getattr(sciml.operators, name) for name in sciml.operators.__all__]
NETWORKS = [c for c in EXPORTS if isinstance(c, type) and issubclass(c, nn.Module) and not issubclass(c, Objective)]
RESOLUTION_FREE = [c for c in NETWORKS if getattr(c, "resolution_free", False)]


def example(cls: type) -> nn.Module:
    torch.manual_seed(0)
    return cls.example() if hasattr(cls, "example") else cls()


def batch(cls: type) -> Batch:
    return cls.example_batch() if hasattr(cls, "example_batch") else Batch(fields=smooth(16))


def smooth(n: int) -> Tensor:
    x, y = torch.meshgrid(torch.arange(n) / n, torch.arange(n) / n, indexing="ij")
    u = torch.sin(2 * math.pi * x) * torch.cos(2 * math.pi * y) + 0.5 * torch.cos(2 * math.pi * (x - y))
    return torch.stack([u, 0.3 + u.T])[:, None]


def test_there_are_networks() -> None:
    assert {"FNO", "NeuralOp"} <= {c.__name__ for c in NETWORKS}
    assert RESOLUTION_FREE


@pytest.mark.parametrize("cls", NETWORKS)
def test_output_keeps_batch_and_grid_and_does_not_mix_samples(cls: type) -> None:
    network, inputs = example(cls), batch(cls)
    out = evaluate(network, inputs)
    assert (out.shape[0], *out.shape[2:]) == (inputs.fields.shape[0], *inputs.fields.shape[2:])
    alone = evaluate(network, inputs.map(lambda v: v[:1]))
    assert torch.allclose(out[:1], alone, atol=1e-5)


@pytest.mark.parametrize("cls", NETWORKS)
def test_the_gradient_reaches_every_parameter(cls: type) -> None:
    network = example(cls)
    evaluate(network, batch(cls)).square().sum().backward()
    unreached = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert unreached == []


@pytest.mark.parametrize("cls", NETWORKS)
def test_description_and_state_dict_make_the_network_again(cls: type) -> None:
    network = example(cls)
    twin = build(describe(network))
    assert describe(twin) == describe(network)
    twin.load_state_dict(network.state_dict(), strict=True)
    assert torch.equal(evaluate(twin, batch(cls)), evaluate(network, batch(cls)))


@pytest.mark.parametrize("cls", NETWORKS)
def test_one_description_gives_unequal_weights_without_a_seed_and_equal_ones_with(cls: type) -> None:
    first, second = example(cls), example(cls)
    third = build(describe(first))
    values = [torch.cat([p.detach().flatten() for p in n.parameters()]) for n in (first, second, third)]
    assert torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])


@pytest.mark.parametrize("cls", RESOLUTION_FREE)
def test_a_smooth_input_gives_the_same_field_on_a_finer_grid(cls: type) -> None:
    network = example(cls)
    coarse, fine = network(smooth(32)), network(smooth(64))[..., ::2, ::2]
    assert (coarse - fine).norm() <= 0.01 * fine.norm()
    assert network(smooth(17)).shape[-2:] == (17, 17)


@pytest.mark.parametrize("name", [n for n in sciml.nn.__all__ if n in ("FFT", "DFT", "Auto")])
def test_a_network_remembers_the_kernel_it_was_given(name: str) -> None:
    network = sciml.operators.FNO(1, 1, width=4, modes=[4], depth=1, kernel=getattr(sciml.nn, name)())
    assert build(describe(network)).kernel == network.kernel
