"""The operator transformer against its formulas, against the reference implementation's output, and on odd grids."""

import json

import numpy as np
import pytest
import torch
from helpers import data_file
from scot_literal import scot
from torch import Tensor, nn

from sciml.nn.fourier_resize import fourier_resize
from sciml.operators import ScOT

PUBLISHED = {"T": (20_774_444, 844), "S": (39_901_076, 1580), "B": (157_729_988, 1580), "L": (628_575_524, 1580)}


def small(**changes: object) -> ScOT:
    """Two blocks on each of three levels; the first level is cut into shifted windows."""
    torch.manual_seed(0)
    arguments = {"image_size": 32, "patch": 2, "width": 8, "depths": (2, 2, 3), "heads": (2, 4, 8), "skips": (1, 2, 0)}
    network = ScOT(2, 3, **{**arguments, "window": 4, **changes})
    # Untrained weights hardly move anything: larger ones make every term of the formulas count.
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return network


def inputs(n: int = 32, dtype: torch.dtype = torch.float32, batch: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    u = torch.randn(batch, 2, n, n, generator=generator, dtype=dtype)
    return u, torch.linspace(0.3, 1.0, batch, dtype=dtype)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_sizes_have_their_numbers_of_parameters_and_tensors(name: str) -> None:
    with torch.device("meta"):
        network = ScOT.of_size(name)
    assert (sum(p.numel() for p in network.parameters()), len(network.state_dict())) == PUBLISHED[name]


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match="name='XL' is no published size; there are T, S, B, L"):
        ScOT.of_size("XL")


def test_the_reference_implementation_returns_the_same() -> None:
    folder = data_file("parity/poseidon-parity-a", "config.json").parent
    network, fresh = ScOT.from_pretrained(folder)
    stored = np.load(folder / "io.npz")
    u, lead, expected = (torch.from_numpy(stored[k]) for k in "xty")
    with torch.no_grad():
        found = network(u, time=lead)
    assert fresh == []
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max()
    assert len(network.state_dict()) == 329
    assert json.loads((folder / "config.json").read_text())["embed_dim"] == network.settings["width"]


def test_the_output_and_every_gradient_are_those_of_the_literal_formulas() -> None:
    network = small().double()
    u, lead = inputs(dtype=torch.float64)
    state = {k: v.detach().clone().requires_grad_() for k, v in network.state_dict().items()}
    found, expected = network(u, time=lead), scot(state, u, lead, (2, 2, 3), (2, 4, 8), 4)
    assert (found - expected).abs().max() <= 1e-12 * expected.abs().max()
    found.square().sum().backward()
    expected.square().sum().backward()
    for name, p in network.named_parameters():
        assert (p.grad - state[name].grad).abs().max() <= 1e-10 * state[name].grad.abs().max(), name


def test_single_precision_stays_within_rounding_of_double() -> None:
    network = small()
    u, lead = inputs()
    expected = network.double()(u.double(), time=lead.double())
    found = network.float()(u, time=lead)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_checkpoints_change_no_output_and_no_gradient() -> None:
    u, lead = inputs()
    gradients = []
    for checkpointed in (False, True):
        network = small(checkpointed=checkpointed)
        network(u, time=lead).square().mean().backward()
        gradients.append([p.grad for p in network.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_checkpoints_keep_less_than_half() -> None:
    def kept(network: nn.Module) -> int:
        sizes: dict[int, int] = {}
        alive = []

        def pack(t: Tensor) -> Tensor:
            alive.append(t)
            sizes[t.untyped_storage().data_ptr()] = t.untyped_storage().nbytes()
            return t

        u, lead = inputs(batch=8)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            out = network(u, time=lead)
        own = {p.untyped_storage().data_ptr() for p in network.parameters()}
        assert out.requires_grad
        return sum(v for k, v in sizes.items() if k not in own)

    assert kept(small(checkpointed=True)) <= 0.5 * kept(small())


@pytest.mark.parametrize("grid", [(30, 30), (26, 38), (32, 20), (33, 31)])
def test_a_network_for_a_grid_that_nothing_divides_keeps_the_grid_and_reaches_every_weight(
    grid: tuple[int, int],
) -> None:
    network = small(image_size=grid)
    u = torch.randn(2, 2, *grid)
    out = network(u, time=torch.tensor([0.2, 0.9]))
    assert out.shape == (2, 3, *grid)
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_another_grid_is_reached_through_the_fourier_series() -> None:
    """Band-limited input has the same Fourier series on every grid, so the network sees the same numbers."""
    network = small()
    x = torch.arange(48) / 48

    def field(x: Tensor) -> Tensor:
        a = torch.sin(2 * torch.pi * x)[:, None] * torch.cos(4 * torch.pi * x)[None]
        return torch.stack([a, 0.5 + a.T])[None]

    lead = torch.tensor([0.5])
    there = network(field(torch.arange(32) / 32), time=lead)
    back = network(field(x), time=lead)
    assert back.shape == (1, 3, 48, 48)
    # Every third point of 48.
    assert torch.allclose(back[..., ::3, ::3], fourier_resize(there, (48, 48))[..., ::3, ::3], atol=1e-5)


def test_without_a_lead_time_it_is_one() -> None:
    network = small()
    u, _ = inputs()
    assert torch.equal(network(u), network(u, time=torch.ones(2)))
    assert not torch.equal(network(u), network(u, time=torch.full((2,), 0.5)))


def test_lead_times_are_divided_by_their_scale() -> None:
    u, lead = inputs()
    scaled = small(lead_scale=4.0)
    assert torch.allclose(scaled(u, time=4.0 * lead), small()(u, time=lead), atol=1e-6)


def test_parameters_change_nothing_until_their_maps_are_trained_and_something_then() -> None:
    plain = small()
    network = small(params=2)
    network.load_state_dict({**network.state_dict(), **plain.state_dict()})
    for name, p in network.named_parameters():
        if "_params" in name:
            nn.init.zeros_(p)
    u, lead = inputs()
    first, second = torch.tensor([[1.0, -2.0], [0.5, 3.0]]), torch.zeros(2, 2)
    assert torch.equal(network(u, time=lead, params=first), plain(u, time=lead))
    with torch.no_grad():
        for name, p in network.named_parameters():
            if "_params" in name:
                p.fill_(0.1)
    assert not torch.allclose(network(u, time=lead, params=first), network(u, time=lead, params=second))


def test_a_network_starts_with_zero_maps_of_parameters() -> None:
    network = ScOT(1, 1, 16, 2, 8, (2, 2), (2, 4), (1, 0), 4, params=3)
    maps = [p for name, p in network.named_parameters() if "_params" in name]
    assert len(maps) > 0
    assert not torch.cat([p.detach().flatten() for p in maps]).any()


def test_norms_that_start_at_one_let_the_input_through() -> None:
    """As published an untrained network returns next to nothing; the option mends that."""
    u, lead = inputs()
    sizes = {}
    for identity in (False, True):
        torch.manual_seed(0)
        network = ScOT(2, 3, 32, 2, 8, (2, 2), (2, 4), (1, 0), 4, identity_norms=identity)
        sizes[identity] = float(network(u, time=lead).detach().std())
    assert sizes[True] > 5 * sizes[False]


def test_without_conditioning_there_are_plain_norms_and_no_time() -> None:
    network = small(conditioned=False)
    assert network.state_dict()["embeddings.norm.weight"].shape == (8,)
    assert network.accepts == frozenset()
    u, lead = inputs()
    assert torch.equal(network(u, time=lead), network(u))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depths": (2, 2)}, "depths, heads and skips have 2, 3 and 3 levels"),
        ({"heads": (3, 4, 8)}, "heads=3 must divide the 8 channels"),
        ({"width": 0}, "width=0 must be at least 1"),
        ({"image_size": 0}, "image_size=0 must be at least 1"),
        ({"lead_scale": 0.0}, "lead_scale=0.0 must be positive"),
        ({"conditioned": False, "params": 1}, "params=1 needs conditioned=True"),
    ],
)
def test_counts_that_do_not_fit_are_refused_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)


def test_input_of_another_shape_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"input of shape \(2, 3, 32, 32\) does not fit; accepted is \(b, 2, h, w\)"):
        small()(torch.zeros(2, 3, 32, 32))
    with pytest.raises(ValueError, match=r"params has shape None; this network was made for \(b, 2\)"):
        small(params=2)(torch.zeros(2, 2, 32, 32))
