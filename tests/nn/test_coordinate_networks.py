"""Properties of single networks of the coordinates."""

import math

import pytest
import torch
from torch import nn

from sciml.describe import build, describe
from sciml.nn import (
    MLP,
    SIREN,
    Chain,
    Factorization,
    FactorizedLinear,
    FourierFeatures,
    ModifiedMLP,
    PeriodicEmbedding,
    PirateNet,
    Scaled,
    SeparableNetwork,
    StackedEnsemble,
    TimeScales,
    fit_last_layer,
)
from sciml.numerics import ReverseMode, TaylorMode, value


def test_the_modified_network_is_that_of_its_equations() -> None:
    torch.manual_seed(0)
    network = ModifiedMLP(2, 1, width=6, depth=2, activation=nn.Sigmoid()).double()
    z = torch.rand(5, 2, dtype=torch.float64)
    u, v = torch.sigmoid(network.first_encoder(z)), torch.sigmoid(network.second_encoder(z))
    h = z
    for layer in network.hidden:
        gate = torch.sigmoid(layer(h))
        h = gate * u + (1 - gate) * v
    assert torch.allclose(network(z), network.last(h), rtol=1e-14, atol=1e-15)


def test_the_perceptron_is_that_of_torch() -> None:
    network = MLP(3, 2, width=5, depth=3)
    layers = [m for layer in network.hidden for m in (layer, nn.Tanh())]
    z = torch.rand(4, 3)
    assert len(layers) == 6
    assert torch.equal(network(z), nn.Sequential(*layers, network.last)(z))


def test_glorot_weights_have_the_variance_of_both_sides() -> None:
    torch.manual_seed(0)
    for factorized in (None, Factorization(mean=1.0, spread=0.1)):
        weight = MLP(300, 1, width=500, depth=1, factorized=factorized).hidden[0].weight.detach()
        assert float(weight.var()) == pytest.approx(2 / 800, rel=0.02)
        assert abs(float(weight.mean())) < 5e-4


def test_a_factorised_layer_has_the_scales_that_were_asked_for() -> None:
    torch.manual_seed(0)
    layer = FactorizedLinear(3, 20000, mean=0.5, spread=0.1)
    assert float(layer.scale.detach().mean()) == pytest.approx(0.5, abs=3e-3)
    assert float(layer.scale.detach().std()) == pytest.approx(0.1, abs=3e-3)
    z = torch.rand(4, 3)
    assert torch.allclose(layer(z), z @ (torch.exp(layer.scale)[:, None] * layer.direction).T, atol=1e-6)


def test_a_periodic_embedding_makes_all_derivatives_periodic() -> None:
    torch.manual_seed(0)
    periods = (2.0, 0.7)
    network = MLP(2, 1, width=8, depth=2, embedding=PeriodicEmbedding(periods, modes=3)).double()
    z = torch.rand(6, 2, dtype=torch.float64)
    orders = [(4, 0), (0, 4), (2, 2)]
    here, there = (TaylorMode(p, ("x", "y"), orders) for p in (z, z + torch.tensor(periods, dtype=torch.float64)))
    u, v = here.evaluate(network, "u")["u"], there.evaluate(network, "u")["u"]
    for wrt in ("", "x", "y", "xx", "xy", "xxx", "xxxx", "yyyy", "xxyy"):
        a, b = value(here(u, wrt)), value(there(v, wrt))
        assert float((a - b).detach().abs().max()) <= 1e-10 * float(a.detach().abs().max()), wrt


def test_a_periodic_embedding_holds_every_product_of_harmonics() -> None:
    embedding = PeriodicEmbedding((2.0, None, 4.0), modes=2, intervals=(None, (0.0, 5.0), None)).double()
    z = torch.rand(9, 3, dtype=torch.float64)
    x, t, y = z.unbind(-1)
    axes = []
    for phase in (math.pi * x, math.pi / 2 * y):
        axes.append([torch.ones_like(x), *(f(k * phase) for f in (torch.cos, torch.sin) for k in (1, 2))])
    expected = [a * b for a in axes[0] for b in axes[1]] + [t / 2.5 - 1]
    assert torch.allclose(embedding(z), torch.stack(expected, dim=-1), rtol=1e-13, atol=1e-14)


def test_fourier_features_have_the_kernel_of_their_scale() -> None:
    # The mean of cos b(z - y) over b ~ N(0, s^2) is exp(-s^2 (z - y)^2 / 2).
    features = FourierFeatures(1, 40000, scale=2.0, seed=3)
    z = torch.tensor([[0.0], [0.3], [0.9]])
    kernel = features(z) @ features(z).T / 20000
    expected = torch.exp(-2.0 * (z - z.T) ** 2)
    assert float((kernel - expected).abs().max()) < 0.02


def test_fourier_features_of_a_seed_are_the_same_everywhere() -> None:
    torch.manual_seed(0)
    first = FourierFeatures(2, 8, seed=5).frequencies
    torch.manual_seed(1)
    assert torch.equal(first, FourierFeatures(2, 8, seed=5).frequencies)
    assert not torch.equal(first, FourierFeatures(2, 8, seed=6).frequencies)


def test_time_scales_and_boxes_are_affine() -> None:
    z = torch.tensor([[0.5, 3.0]], dtype=torch.float64)
    expected = torch.tensor([[0.5, 0.3, 3.0, 300.0]], dtype=torch.float64)
    assert torch.allclose(TimeScales(2, (-1, 0, 2))(z), expected, rtol=1e-15)
    box = Scaled([0.1, 1.0], [0.7, 4.0]).double()
    corners = torch.tensor([[0.1, 4.0], [0.7, 1.0], [0.4, 2.5]], dtype=torch.float64)
    expected = torch.tensor([[-1.0, 1.0], [1.0, -1.0], [0.0, 0.0]], dtype=torch.float64)
    assert torch.allclose(box(corners), expected, atol=1e-15)


def test_a_pirate_network_starts_linear_in_its_embedding() -> None:
    torch.manual_seed(0)
    embedding = Chain([PeriodicEmbedding((2.0, None), modes=2), FourierFeatures(6, 16)])
    network = PirateNet(2, 3, width=12, blocks=2, embedding=embedding).double()
    z = torch.rand(7, 2, dtype=torch.float64)
    assert torch.equal(network(z), embedding(z) @ network.last.weight.T)


def test_a_pirate_block_is_that_of_its_equations() -> None:
    torch.manual_seed(0)
    network = PirateNet(2, 1, width=5, blocks=1).double()
    block = network.blocks[0]
    block.alpha.data.fill_(0.3)
    x = torch.rand(4, 2, dtype=torch.float64)
    u, v = torch.tanh(network.first_gate(x)), torch.tanh(network.second_gate(x))
    f = torch.tanh(block.first(x))
    g = torch.tanh(block.second(f * u + (1 - f) * v))
    h = torch.tanh(block.third(g * u + (1 - g) * v))
    assert torch.allclose(network.features(x), 0.3 * h + 0.7 * x, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("make", [PirateNet, MLP], ids=lambda c: c.__name__)
def test_the_last_layer_is_fitted_to_initial_data(make) -> None:
    torch.manual_seed(0)
    network = make(2, 1, width=12, embedding=PeriodicEmbedding((2.0, None), modes=3)).double()
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)
    z = torch.stack([x, torch.zeros_like(x)], dim=1)
    u = (0.3 + torch.cos(2 * math.pi * x) - torch.sin(3 * math.pi * x))[:, None]
    fit_last_layer(network, z, u)
    if make is PirateNet:  # the data are in the span of the embedding
        assert float((network(z) - u).detach().abs().max()) < 1e-12
    residual, features = (network(z) - u).detach(), network.features(z).detach()
    assert float((features.T @ residual).abs().max()) < 1e-10
    with pytest.raises(ValueError, match="values of shape"):
        fit_last_layer(network, z, torch.cat([u, u], dim=1))
    with pytest.raises(ValueError, match="FactorizedLinear"):
        fit_last_layer(MLP(2, 1, factorized=Factorization()).double(), z, u)


def test_sinusoidal_activations_keep_their_distribution_through_the_depth() -> None:
    # Weights of variance 2 / (n w^2) and biases of variance 1 / (3 n) give phases of variance 2 E[h^2] + w^2 / (3 n).
    torch.manual_seed(0)
    network, z = SIREN(1, 1, width=512, depth=6, frequency=30.0), torch.linspace(-1, 1, 500)[:, None]
    with torch.no_grad():
        h = torch.sin(30.0 * network.hidden[0](z))
        for layer in network.hidden[1:]:
            phase = 30.0 * layer(h)
            assert float(phase.var()) == pytest.approx(2 * float(h.square().mean()) + 900 / (3 * 512), rel=0.1)
            h = torch.sin(phase)
            assert float(h.var()) == pytest.approx(0.5, abs=0.05)
        assert torch.equal(network.features(z), h)


def test_a_separable_network_on_a_grid_is_that_at_its_points_with_all_derivatives() -> None:
    torch.manual_seed(0)
    network = SeparableNetwork([MLP(1, 6, width=7, depth=1) for _ in range(3)], out_features=2).double()
    axes = [torch.rand(n, dtype=torch.float64) for n in (3, 4, 5)]
    points = torch.cartesian_prod(*axes)
    reverse = ReverseMode(points, ("x", "y", "t"))
    u = reverse.evaluate(network, "ab")
    for orders, wrt in (((0, 0, 0), ""), ((2, 0, 0), "xx"), ((1, 2, 1), "xyyt")):
        expected = torch.stack([reverse(u[n], wrt) for n in "ab"], dim=-1).reshape(3, 4, 5, 2)
        ours = network.on_grid(axes, orders)
        assert float((ours - expected).detach().abs().max()) <= 1e-10 * float(expected.detach().abs().max()), wrt


def ensemble() -> StackedEnsemble:
    torch.manual_seed(0)
    embedding = Chain([PeriodicEmbedding((2.0, None), modes=2), FourierFeatures(6, 8)])
    return StackedEnsemble(ModifiedMLP(2, 2, width=8, depth=2, embedding=embedding), members=3).double()


def test_an_ensemble_is_its_members() -> None:
    stacked, z = ensemble(), torch.rand(4, 5, 2, dtype=torch.float64)
    members = [stacked.member(i) for i in range(3)]
    out = stacked(z)
    assert out.shape == (3, 4, 5, 2)
    for i, member in enumerate(members):
        assert float((out[i] - member(z)).detach().abs().max()) <= 1e-14
    assert float((out[0] - out[1]).detach().abs().max()) > 1e-2
    with pytest.raises(IndexError, match="member 3 of 3"):
        stacked.member(3)


def test_an_ensemble_has_the_derivatives_and_gradients_of_its_members() -> None:
    stacked, z = ensemble(), torch.rand(5, 2, dtype=torch.float64)

    def loss(network: nn.Module) -> torch.Tensor:
        engine = TaylorMode(z, ("x", "t"), [(2, 0), (0, 1)])
        u = engine.evaluate(network, "uv")
        return (value(engine(u["u"], "t")) - value(u["v"]) * value(engine(u["u"], "xx"))).square().mean()

    total = loss(stacked)
    total.backward()
    members = [stacked.member(i) for i in range(3)]
    losses = [loss(member) for member in members]
    assert float(total.detach()) == pytest.approx(float(sum(losses).detach()) / 3, rel=1e-12)
    for i, (member, alone) in enumerate(zip(members, losses, strict=True)):
        alone.backward()
        for name, p in member.named_parameters():
            ours = stacked.get_parameter(name.replace(".", "__")).grad[i]
            assert float((3 * ours - p.grad).abs().max()) <= 1e-9 * max(1.0, float(p.grad.abs().max())), name


def test_an_ensemble_is_made_again_from_its_description_and_state() -> None:
    stacked, z = ensemble(), torch.rand(5, 2, dtype=torch.float64)
    twin = build(describe(stacked)).double()
    assert not torch.equal(twin(z), stacked(z))
    twin.load_state_dict(stacked.state_dict())
    assert torch.equal(twin(z), stacked(z))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP(2, 1, width=0), "width=0"),
        (lambda: MLP(2, 1, depth=0), "depth=0"),
        (lambda: MLP(0, 1), "in_features=0"),
        (lambda: MLP(3, 1, embedding=TimeScales(2)), "in_features=3 must be the 2"),
        (lambda: PeriodicEmbedding((None, None)), "periods"),
        (lambda: PeriodicEmbedding((-1.0, None)), "periods"),
        (lambda: PeriodicEmbedding((1.0, None), intervals=((0.0, 1.0),)), "1 entries for 2"),
        (lambda: PeriodicEmbedding((1.0, None), intervals=(None, (1.0, 0.0))), "ascending"),
        (lambda: FourierFeatures(2, 7), "out_features=7"),
        (lambda: FourierFeatures(2, 8, scale=0.0), "scale=0.0"),
        (lambda: Scaled([0.0], [0.0]), "low="),
        (lambda: TimeScales(2, ()), "exponents"),
        (lambda: Chain([]), "maps is empty"),
        (lambda: Chain([TimeScales(2), Scaled([0.0], [1.0])]), "Scaled takes in_features=1; TimeScales"),
        (lambda: PirateNet(2, 1, blocks=0), "blocks=0"),
        (lambda: SIREN(2, 1, frequency=0.0), "frequency=0.0"),
        (lambda: SeparableNetwork([]), "factors"),
        (lambda: SeparableNetwork([MLP(2, 1)]), "factors"),
        (lambda: SeparableNetwork([MLP(1, 3)], out_features=2), "multiple of 2"),
        (lambda: StackedEnsemble(MLP(2, 1), members=0), "members=0"),
        (lambda: Factorization(spread=-1.0), "spread=-1.0"),
    ],
)
def test_a_wrong_argument_is_named(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
