"""Normalisers are inverses; a wrapped network sees normalised channels and shows physical ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sciml.describe import build, describe
from sciml.nn import Normalized, Normalizer
from sciml.objective import accepts


def normalizer(shift: list[float], scale: list[float]) -> Normalizer:
    made = Normalizer(len(shift))
    made.shift.copy_(torch.tensor(shift))
    made.scale.copy_(torch.tensor(scale))
    return made


@given(
    shift=st.floats(-1e3, 1e3, width=32),
    scale=st.floats(0.0009765625, 1e3, width=32),
    shape=st.lists(st.integers(1, 4), max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_decoding_undoes_encoding(shift: float, scale: float, shape: list[int]):
    made = normalizer([shift, 0.0], [scale, 2.0]).double()
    x = torch.randn(3, 2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(made.decode(made.encode(x)), x, rtol=1e-12, atol=1e-10)


def test_channels_are_shifted_and_scaled_one_by_one():
    made = normalizer([1.0, -2.0], [2.0, 0.5])
    x = torch.stack([torch.full((3,), 5.0), torch.full((3,), -1.0)])[None]
    assert made.encode(x)[0, :, 0].tolist() == [2.0, 2.0]


class Sum(nn.Module):
    def forward(self, x, *, params=None):
        return x.sum(1, keepdim=True) + params[:, :1, None]


def test_a_wrapped_network_takes_and_gives_physical_units():
    wrapped = Normalized(Sum(), normalizer([1.0, 2.0], [2.0, 4.0]), normalizer([10.0], [3.0]))
    x, params = torch.tensor([[[5.0], [6.0]]]), torch.tensor([[0.5]])
    assert wrapped(x, params=params).item() == pytest.approx(10 + 3 * ((5 - 1) / 2 + (6 - 2) / 4 + 0.5))
    assert accepts(wrapped) == {"params"}


def test_the_buffers_travel_in_the_state_dict_and_the_shape_in_the_description():
    wrapped = Normalized(nn.Tanh(), normalizer([1.0], [2.0]), normalizer([3.0], [4.0]))
    again = build(describe(wrapped))
    assert again.inputs.shift.item() == 0
    again.load_state_dict(wrapped.state_dict())
    x = torch.randn(2, 1, 5)
    assert torch.equal(again(x), wrapped(x))
    assert set(wrapped.state_dict()) == {
        "inputs.shift", "inputs.scale", "outputs.shift", "outputs.scale",
    }  # fmt: skip


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="x has 3 channels; this normaliser was made for 2"):
        Normalizer(2).encode(torch.ones(1, 3, 4))
