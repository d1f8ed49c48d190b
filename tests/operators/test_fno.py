"""The native FNO against neuralop's, and what it promises on other grids, precisions and graphs."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sciml.nn import DFT, FFT, SpectralKernel, parameter_count
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


@pytest.mark.parametrize(("modes", "width", "count"), [(8, 24, 99_721), (12, 32, 357_217), (24, 32, 1_291_105)])
def test_parameter_counts_are_those_of_neuralop(modes: int, width: int, count: int) -> None:
    assert parameter_count(FNO(1, 1, width=width, modes=[modes, modes])) == count


def test_float64_agrees_with_float32() -> None:
    torch.manual_seed(0)
    network = FNO.example()
    u = torch.randn(2, 1, 15, 18)
    single = network(u)
    double = network.double()(u.double())
    assert double.dtype == torch.float64
    assert (single - double).abs().max() <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("kernel", [FFT(), DFT()])
def test_the_exported_program_equals_eager_on_every_grid(kernel: SpectralKernel, tmp_path: Path) -> None:
    from torch.export import Dim, export, load, save

    torch.manual_seed(0)
    network = FNO(1, 1, width=8, modes=[8, 8], depth=2, kernel=kernel).eval()
    dynamic = {"u": {0: Dim("b", min=1), 2: Dim("x", min=16), 3: Dim("y", min=16)}}
    program = export(network, (torch.randn(3, 1, 20, 22),), dynamic_shapes=dynamic, strict=False)
    save(program, tmp_path / "network.pt2")
    exported = load(tmp_path / "network.pt2").module()
    for shape in [(1, 1, 16, 16), (3, 1, 17, 17), (5, 1, 31, 24), (2, 1, 64, 64), (16, 1, 33, 40)]:
        u = torch.randn(shape)
        assert (exported(u) - network(u)).abs().max() <= 1e-6


def test_a_grid_coarser_than_the_modes_is_served_by_the_modes_it_holds() -> None:
    torch.manual_seed(0)
    fine = FNO(1, 1, width=8, modes=[16, 16], depth=2)
    coarse = FNO(1, 1, width=8, modes=[6, 6], depth=2)
    state = fine.state_dict()
    for i in range(2):
        key = f"blocks.{i}.spectral.weight"
        state[key] = torch.cat([state[key][:3], state[key][8:11]])[:, :4]
    coarse.load_state_dict(state)
    u = torch.randn(2, 1, 6, 6)
    assert torch.allclose(fine(u), coarse(u), atol=1e-6)


def test_without_coordinates_the_operator_commutes_with_translations() -> None:
    torch.manual_seed(0)
    network = FNO(1, 1, width=8, modes=[6, 6], depth=2, coordinates=False)
    u = torch.randn(2, 1, 15, 16)
    assert torch.allclose(network(u.roll((3, 5), (2, 3))), network(u).roll((3, 5), (2, 3)), atol=1e-6)


def test_bfloat16_autocast_stays_close_and_trains() -> None:
    torch.manual_seed(0)
    network = FNO.example()
    u = torch.randn(2, 1, 15, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = network(u)
    assert (half.float() - network(u)).abs().max() <= 0.03 * network(u).abs().max()
    half.float().square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("shape", [(2, 2, 16, 16), (2, 1, 16), (2, 1, 8, 8, 8)])
def test_input_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"accepted is \(b, 1, x, y\)"):
        FNO.example()(torch.zeros(shape))


@pytest.mark.parametrize("argument", ["in_channels", "out_channels", "width", "depth"])
def test_a_count_of_zero_is_refused_by_name(argument: str) -> None:
    with pytest.raises(ValueError, match=f"{argument}=0 must be at least 1"):
        FNO(**{"in_channels": 1, "out_channels": 1, argument: 0})


@pytest.mark.gpu
def test_the_operator_agrees_between_cpu_and_gpu() -> None:
    torch.manual_seed(0)
    network = FNO.example()
    u = torch.randn(2, 1, 17, 16)
    expected = network(u)
    assert (network.cuda()(u.cuda()).cpu() - expected).abs().max() <= 1e-4
