"""Low-rank adapters: nothing changes at first, little is trained, and what was learned can be added in."""

import pytest
import torch
from torch import nn

from sciml.describe import build, describe
from sciml.nn import LowRank
from sciml.operators import ScOT


def base() -> ScOT:
    torch.manual_seed(0)
    return ScOT(1, 1, 16, 2, 8, (2, 2), (2, 4), (1, 0), 4, identity_norms=True)


def trained(network: nn.Module) -> list[str]:
    return [name for name, p in network.named_parameters() if p.requires_grad]


def train(network: LowRank) -> tuple[torch.Tensor, torch.Tensor]:
    u, lead = torch.randn(2, 1, 16, 16), torch.rand(2)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        (network(u, time=lead) - 1).square().mean().backward()
        optimizer.step()
    return u, lead


def test_it_starts_as_the_network_it_was_made_of() -> None:
    u, lead = torch.randn(2, 1, 16, 16), torch.rand(2)
    assert torch.equal(LowRank(base(), rank=2)(u, time=lead), base()(u, time=lead))


def test_training_moves_the_updates_and_what_is_named_and_nothing_else() -> None:
    network = LowRank(base(), rank=2, also=("patch_recovery",))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    names = trained(network)
    train(network)
    moved = {k for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == set(names)
    assert all(".parametrizations.weight.0." in k or k.startswith("network.patch_recovery") for k in moved)
    assert any(k.startswith("network.patch_recovery") for k in moved)


def test_what_it_learned_can_be_added_in() -> None:
    network = LowRank(base(), rank=2)
    u, lead = train(network)
    expected = network(u, time=lead).detach()
    merged = network.merged()
    assert merged.state_dict().keys() == base().state_dict().keys()
    assert torch.allclose(merged(u, time=lead), expected, atol=1e-6)
    assert not torch.allclose(base()(u, time=lead), expected, atol=1e-3)


def test_the_update_has_the_rank_that_was_asked_for() -> None:
    network = LowRank(base(), rank=2)
    train(network)
    old, new = base().state_dict(), network.merged().state_dict()
    name = "encoder.layers.1.blocks.0.attention.self.query.weight"
    assert torch.linalg.matrix_rank((new[name] - old[name]).double(), rtol=1e-4) == 2


def test_weights_of_the_plain_network_are_taken_by_their_own_names() -> None:
    torch.manual_seed(7)
    other = ScOT(1, 1, 16, 2, 8, (2, 2), (2, 4), (1, 0), 4, identity_norms=True)
    network = LowRank(base(), rank=2)
    network.load_base(other.state_dict())
    u, lead = torch.randn(2, 1, 16, 16), torch.rand(2)
    assert torch.equal(network(u, time=lead), other(u, time=lead))
    with pytest.raises(RuntimeError, match="Missing key"):
        network.load_base({})


def test_its_description_makes_it_again() -> None:
    network = LowRank(base(), rank=3, layers=("key",), alpha=4.0)
    twin = build(describe(network))
    twin.load_state_dict(network.state_dict(), strict=True)
    assert (trained(twin), twin.in_channels, twin.accepts) == (trained(network), 1, frozenset({"time"}))


def test_layers_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match=r"layers=\['gate'\] names no linear layer of ScOT"):
        LowRank(base(), layers=("gate",))
    with pytest.raises(ValueError, match="rank=0 must be at least 1"):
        LowRank(base(), rank=0)
