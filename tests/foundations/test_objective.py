"""Weightings against hand-made gradients; what a network is given and what not; batches; random streams."""

import pytest
import torch
from torch import Tensor, nn

from sciml.batch import Batch, collate
from sciml.objective import FixedWeights, GradNormWeights, Term, accepts, evaluate
from sciml.rng import sample_rng, seed_of, torch_generator


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor, *, time: Tensor | None = None) -> Tensor:
        self.seen = time
        return self.a * x


def terms(network: Scale) -> dict[str, Term]:
    return {"one": Term((network.a * 1.0).expand(3)), "ten": Term((network.a * 10.0).expand(3))}


def test_fixed_weights_are_the_weighted_sum() -> None:
    network = Scale()
    assert FixedWeights({"ten": 0.5})(terms(network), network).item() == pytest.approx(1.0 + 5.0)
    with pytest.raises(ValueError, match="'tin'"):
        FixedWeights({"tin": 1.0})(terms(network), network)


def test_grad_norm_weights_of_gradients_g_and_10g_are_10_to_1() -> None:
    network, weighting = Scale(), GradNormWeights(["one", "ten"], every=2)
    weighting(terms(network), network).backward()
    assert torch.allclose(weighting.weights, torch.tensor([11.0, 1.1]))
    assert float(network.a.grad) == pytest.approx(11.0 + 11.0)  # type: ignore[arg-type]


def test_the_state_of_a_weighting_survives_a_checkpoint() -> None:
    network, weighting = Scale(), GradNormWeights(["one", "ten"], every=2, smoothing=0.5)
    for _ in range(3):
        weighting(terms(network), network)
    twin = GradNormWeights(["one", "ten"], every=2, smoothing=0.5)
    twin.load_state_dict(weighting.state_dict())
    assert torch.equal(weighting(terms(network), network), twin(terms(network), network))
    assert int(twin.calls) == 4


def test_evaluation_does_not_renew_the_weights() -> None:
    network, weighting = Scale(), GradNormWeights(["one", "ten"]).eval()
    weighting(terms(network), network)
    assert torch.equal(weighting.weights, torch.ones(2))


def test_a_network_is_given_what_it_accepts_and_nothing_else() -> None:
    network = Scale()
    batch = Batch(fields=torch.ones(2, 1, 4), static=torch.zeros(2, 2, 4), lead=torch.ones(2), params=torch.ones(2, 1))
    assert accepts(network) == {"time"}
    assert evaluate(network, batch).shape == (2, 3, 4)
    assert torch.equal(network.seen, torch.ones(2))


def test_collate_stacks_samples_and_shares_coordinates() -> None:
    coords = torch.rand(1, 4)
    samples = [Batch(fields=torch.full((1, 4), float(i)), coords=coords, index=torch.tensor(i)) for i in range(3)]
    batch = collate(samples)
    assert batch.fields is not None
    assert batch.fields.shape == (3, 1, 4)
    assert batch.coords is coords
    assert batch.targets is None
    half = batch.to(torch.float64)
    assert half.fields is not None
    assert half.fields.dtype == torch.float64
    assert half.index is not None
    assert half.index.dtype == torch.long


def test_streams_depend_on_their_key_alone() -> None:
    first = sample_rng(0, 5).normal(size=3)
    sample_rng(0, 4).normal(size=100)
    assert (sample_rng(0, 5).normal(size=3) == first).all()
    assert (sample_rng(0, 6).normal(size=3) != first).all()
    assert seed_of(0, 1) != seed_of(1, 0)
    draws = [torch.rand(2, generator=torch_generator(7, 1)) for _ in range(2)]
    assert torch.equal(*draws)
