"""What every map and network of the coordinates in `sciml.nn` keeps to: `of_coordinates` marks them.

A class is constructible without arguments or offers `example()`, with two coordinates.
"""

import inspect

import pytest
import torch
from torch import Tensor, nn

import sciml.nn
from sciml.describe import build, describe
from sciml.numerics import ReverseMode, TaylorMode, value

EXPORTS = [getattr(sciml.nn, name) for name in sciml.nn.__all__]
MAPS = [c for c in EXPORTS if getattr(c, "of_coordinates", False) and not inspect.isabstract(c)]
ORDERS = ["", "x", "t", "xx", "xt", "tt", "xxx", "xxt", "xxxx", "xxtt", "tttt"]


def example(cls: type) -> nn.Module:
    torch.manual_seed(0)
    network = (cls.example() if hasattr(cls, "example") else cls()).double()
    # At a general point: some networks start where a gradient vanishes (a gate of zero).
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in network.parameters():
            p += 0.1 * torch.randn(p.shape, dtype=p.dtype, generator=generator)
    return network


TRAINED = [c for c in MAPS if [*example(c).parameters()]]
RANDOM = [c for c in MAPS if example(c).state_dict()]


def points(*shape: int) -> Tensor:
    return torch.rand(*shape, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).detach().abs().max() / b.detach().abs().max().clamp_min(1e-300))


def test_there_are_networks_and_embeddings() -> None:
    assert {"MLP", "ModifiedMLP", "PeriodicEmbedding", "FourierFeatures"} <= {c.__name__ for c in MAPS}
    assert {"MLP", "ModifiedMLP", "PirateNet", "SIREN", "SeparableNetwork"} <= {c.__name__ for c in TRAINED}


@pytest.mark.parametrize("cls", MAPS)
def test_jets_equal_nested_reverse_mode(cls: type) -> None:
    network, axes = example(cls), ("x", "t")
    names = [str(i) for i in range(network.out_features)]
    taylor, reverse = TaylorMode(points(5), axes, [(4, 0), (2, 2), (0, 4)]), ReverseMode(points(5), axes)
    u, v = taylor.evaluate(network, names), reverse.evaluate(network, names)
    for wrt in ORDERS:
        ours = torch.stack([value(taylor(u[n], wrt)) for n in names])
        oracle = torch.stack([reverse(v[n], wrt) for n in names])
        assert (ours - oracle).abs().max() <= 1e-10 * oracle.abs().max(), wrt


@pytest.mark.parametrize("cls", TRAINED)
def test_gradients_through_jets_equal_those_of_reverse_mode_and_reach_every_parameter(cls: type) -> None:
    network, axes = example(cls), ("x", "t")
    names = [str(i) for i in range(network.out_features)]
    parameters = dict(network.named_parameters())
    gradients = []
    for engine in (TaylorMode(points(5), axes, [(2, 1)]), ReverseMode(points(5), axes)):
        u = engine.evaluate(network, names)
        loss = sum((value(u[n]) + value(engine(u[n], "xxt"))).square().sum() for n in names)
        gradients.append(torch.autograd.grad(loss, list(parameters.values())))
    for name, ours, oracle in zip(parameters, *gradients, strict=True):
        assert oracle.abs().max() > 0, name
        assert difference(ours, oracle) <= 1e-9, name


@pytest.mark.parametrize("cls", MAPS)
def test_leading_axes_and_dtypes_are_free(cls: type) -> None:
    network, z = example(cls), points(3, 4)
    out = network(z)
    assert out.shape == (3, 4, network.out_features)
    assert difference(network(z.reshape(-1, 2)).reshape(out.shape), out) <= 1e-14
    assert difference(network(z[1, 2]), out[1, 2]) <= 1e-14
    single = network.float()(z.float())
    assert single.dtype == torch.float32
    assert difference(single.double(), out) <= 1e-4


@pytest.mark.parametrize("cls", MAPS)
def test_a_map_made_in_single_precision_takes_single_precision(cls: type) -> None:
    torch.manual_seed(0)
    network = cls.example() if hasattr(cls, "example") else cls()
    assert network(points(3).float()).dtype == torch.float32


@pytest.mark.parametrize("cls", MAPS)
def test_nothing_is_left_behind_on_another_device(cls: type) -> None:
    # The device without memory refuses operands that were not moved, as every other one does.
    network, z = example(cls).to("meta"), points(3).to("meta")
    assert network(z).device == z.device
    taylor = TaylorMode(z, ("x", "t"), [(2, 1)])
    assert network(taylor.coords).device == z.device


@pytest.mark.parametrize("cls", MAPS)
def test_description_and_state_dict_make_the_network_again(cls: type) -> None:
    network = example(cls)
    twin = build(describe(network)).double()
    assert describe(twin) == describe(network)
    twin.load_state_dict(network.state_dict(), strict=True)
    assert torch.equal(twin(points(5)), network(points(5)))


@pytest.mark.parametrize("cls", RANDOM)
def test_the_global_seed_fixes_all_that_is_random(cls: type) -> None:
    first, second = example(cls), example(cls)
    third = build(describe(first))
    states = [[*n.state_dict().values()] for n in (first, second, third)]
    flat = [torch.cat([v.double().flatten() for v in state]) for state in states]
    assert torch.equal(flat[0], flat[1])
    assert not torch.equal(flat[0], flat[2])


@pytest.mark.parametrize("cls", TRAINED)
def test_gradients_per_point_are_those_of_one_point_after_another(cls: type) -> None:
    network, z = example(cls), points(4)
    parameters = {k: v.detach() for k, v in network.named_parameters()}

    def residual(p: dict[str, Tensor], point: Tensor) -> Tensor:
        engine = TaylorMode(point[None], ("x", "t"), [(2, 0)])
        u = torch.func.functional_call(network, p, (engine.coords,))[..., 0]
        return (value(u) + value(engine.derivative(u, (2, 0)))).sum()

    rows = torch.func.vmap(torch.func.grad(residual), in_dims=(None, 0))(parameters, z)
    for i, point in enumerate(z):
        alone = torch.func.grad(residual)(parameters, point)
        for name, row in rows.items():
            assert (row[i] - alone[name]).abs().max() <= 1e-10 * alone[name].abs().max().clamp_min(1.0), name
