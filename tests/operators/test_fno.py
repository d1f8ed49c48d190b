"""The native FNO against neuralop's, and what it promises on other grids, precisions and graphs."""

import re

import pytest
import torch
from torch import Tensor

from sciml.nn import DFT, FFT
from sciml.operators import FNO


def weights_of_neuralop(state: dict[str, Tensor], modes: list[int]) -> dict[str, Tensor]:
    """The state dict of neuralop's FNO in the layout of ours."""
    names = {
        r"fno_blocks\.convs\.(\d)\.bias": r"blocks.\1.spectral.bias",
        r"fno_blocks\.convs\.(\d)\.weight\.tensor": r"blocks.\1.spectral.weight",
        r"fno_blocks\.fno_skips\.(\d)\.conv": r"blocks.\1.skip",
        r"fno_blocks\.channel_mlp\.(\d)\.fcs\.0": r"blocks.\1.mlp.first",
        r"fno_blocks\.channel_mlp\.(\d)\.fcs\.1": r"blocks.\1.mlp.second",
        r"fno_blocks\.channel_mlp_skips\.(\d)\.weight": r"blocks.\1.gate",
        r"(lifting|projection)\.fcs\.0": r"\1.first",
        r"(lifting|projection)\.fcs\.1": r"\1.second",
    }
    ours = {}
    for key, value in state.items():
        if key == "_metadata":
            continue
        for pattern, replacement in names.items():
            key = re.sub(pattern, replacement, key)
        if "spectral.weight" in key:
            for axis, n in enumerate(modes[:-1], start=2):
                # theirs: -m ... p - 1; ours: 0 ... p - 1, -1 ... -m
                m = n // 2
                value = value.index_select(axis, torch.tensor([*range(m, n), *range(m - 1, -1, -1)]))
            value = torch.view_as_real(value).movedim((0, 1), (-3, -1))
        ours[key] = (
            value.reshape(-1)
            if "gate" in key or "bias" in key
            else value.squeeze(-1)
            if value.ndim == 3 and "spectral" not in key
            else value
        )
    return ours


@pytest.mark.parametrize(
    ("modes", "sizes"),
    [([16], (64,)), ([12, 12], (32, 24)), ([7, 6], (16, 16)), ([16, 16], (16, 16)), ([4, 6, 4], (8, 12, 10))],
)
@pytest.mark.parametrize("kernel", [FFT(), DFT()])
def test_fno_equals_neuralop_with_the_same_weights_on_even_grids(
    modes: list[int], sizes: tuple[int, ...], kernel
) -> None:
    from neuralop.models import FNO as TheirFNO

    torch.manual_seed(0)
    theirs = TheirFNO(n_modes=tuple(modes), in_channels=2, out_channels=3, hidden_channels=12, n_layers=3)
    ours = FNO(2, 3, width=12, modes=modes, depth=3, kernel=kernel)
    ours.load_state_dict(weights_of_neuralop(theirs.state_dict(), modes))
    u = torch.randn(3, 2, *sizes)
    with torch.no_grad():
        assert (ours(u) - theirs(u)).abs().max() <= 1e-5 * theirs(u).abs().max()
