"""Spectral convolution against exact trigonometric polynomials, an explicit sum, and the other kernel."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from sciml.nn import DFT, FFT, Auto, SpectralConv, SpectralKernel
from sciml.nn.spectral_kernels import half_count, signed_counts

KERNELS = [FFT(), DFT()]
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def identity(modes: list[int], kernel: SpectralKernel, dtype: torch.dtype) -> SpectralConv:
    layer = SpectralConv(1, 1, modes, kernel).to(dtype)
    with torch.no_grad():
        layer.bias.zero_()
        layer.weight.zero_()
        layer.weight[..., 0, :] = 1.0
    return layer


def band_limited(sizes: tuple[int, ...], highest: int, dtype: torch.dtype) -> Tensor:
    """A random trigonometric polynomial with wave numbers up to `highest` on every axis, `(2, *s, 1)`."""
    generator = torch.Generator().manual_seed(0)
    points = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) / n for n in sizes], indexing="ij")
    field = torch.zeros(2, *sizes, dtype=torch.float64)
    for k in itertools.product(range(-highest, highest + 1), repeat=len(sizes)):
        phase = sum(2 * math.pi * kk * x for kk, x in zip(k, points, strict=True))
        a = torch.randn(2, 2, *[1] * len(sizes), generator=generator, dtype=torch.float64)
        field += a[0] * torch.cos(phase) + a[1] * torch.sin(phase)
    return (field / field.abs().max()).to(dtype)[..., None]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [15, 16, 17, 31])
@pytest.mark.parametrize("kernel", KERNELS)
def test_identity_weights_reproduce_band_limited_fields(kernel: SpectralKernel, n: int, dtype: torch.dtype) -> None:
    for sizes, modes, highest in [((n,), [14], 6), ((n, n), [8, 8], 3), ((n, n - 1), [8, 10], 3)]:
        u = band_limited(sizes, highest, dtype)
        assert (identity(modes, kernel, dtype)(u) - u).abs().max() <= TOLERANCE[dtype]


@pytest.mark.parametrize("kernel", KERNELS)
def test_identity_weights_reproduce_band_limited_fields_in_three_dimensions(kernel: SpectralKernel) -> None:
    u = band_limited((9, 8, 11), 2, torch.float64)
    assert (identity([5, 6, 5], kernel, torch.float64)(u) - u).abs().max() <= 1e-12


@pytest.mark.parametrize("n", [15, 16])
@pytest.mark.parametrize("kernel", KERNELS)
def test_modes_beyond_the_cut_are_removed(kernel: SpectralKernel, n: int) -> None:
    x = torch.arange(n, dtype=torch.float64) / n
    high = torch.cos(2 * math.pi * 5 * x)[None, :, None].expand(1, n, n)[..., None]
    for u in (high, high.transpose(1, 2)):
        assert identity([6, 6], kernel, torch.float64)(u.contiguous()).abs().max() <= 1e-14


@pytest.mark.parametrize("sizes", [(11, 8), (8, 9), (5, 5), (4, 4), (6, 3)])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_layer_equals_the_explicit_sum_over_modes(kernel: SpectralKernel, sizes: tuple[int, int]) -> None:
    torch.manual_seed(0)
    modes = [6, 5]
    layer = SpectralConv(2, 3, modes, kernel).double()
    u = torch.randn(2, *sizes, 2, dtype=torch.float64)
    x, y = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) / n for n in sizes], indexing="ij")
    p, m = signed_counts(modes[0], sizes[0])
    expected = torch.zeros(2, *sizes, 3, dtype=torch.complex128)
    stored = [*range(3), *range(-1, -4, -1)]
    for k1, k2 in itertools.product([*range(p), *range(-1, -m - 1, -1)], range(half_count(modes[1], sizes[1]))):
        wave = torch.exp(2j * math.pi * (k1 * x + k2 * y))
        matrix = torch.complex(layer.weight[stored.index(k1), k2, :, 0], layer.weight[stored.index(k1), k2, :, 1])
        coefficient = torch.einsum("bxyc,xy->bc", u.to(torch.complex128), wave.conj()) / math.prod(sizes)
        twice = 1 if 2 * k2 % sizes[1] == 0 else 2
        expected += twice * torch.einsum("bc,co,xy->bxyo", coefficient, matrix, wave)
    assert (layer(u) - expected.real - layer.bias).abs().max() <= 1e-13


@pytest.mark.parametrize(("n", "size"), [(6, 16), (7, 16), (6, 5), (6, 4), (24, 15), (1, 3)])
def test_kept_modes_are_those_that_the_grid_tells_apart(n: int, size: int) -> None:
    p, m = signed_counts(n, size)
    kept = [*range(p), *range(-m, 0)]
    wanted = [k for k in range(-(n // 2), n - n // 2) if -(size // 2) <= k <= (size - 1) // 2]
    assert sorted(kept) == wanted


@pytest.mark.parametrize("sizes", [(16, 16), (15, 18)])
def test_both_kernels_have_the_same_gradients(sizes: tuple[int, int]) -> None:
    torch.manual_seed(0)
    u = torch.randn(2, *sizes, 3, dtype=torch.float64, requires_grad=True)
    layers = [SpectralConv(3, 3, [6, 8], kernel).double() for kernel in KERNELS]
    layers[1].load_state_dict(layers[0].state_dict())
    gradients = [torch.autograd.grad(layer(u).pow(3).sum(), [u, *layer.parameters()]) for layer in layers]
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


def test_the_layer_passes_a_numerical_gradient_check() -> None:
    torch.manual_seed(0)
    layer = SpectralConv(1, 1, [3, 2], DFT()).double()
    u = torch.randn(1, 4, 3, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (u,))


def test_half_precision_input_is_transformed_in_float32() -> None:
    layer = SpectralConv(2, 2, [6, 6])
    u = torch.randn(1, 16, 16, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(u.bfloat16())
    assert out.dtype == torch.float32
    assert torch.equal(out, layer(u.bfloat16().float()))


def test_the_kernel_is_chosen_by_the_kept_modes() -> None:
    like = torch.zeros(1)
    chosen = {n: type(Auto(most=32).plan((128,), (n,), like)) for n in (32, 33)}
    assert chosen[32] is type(DFT().plan((128,), (32,), like))
    assert chosen[33] is type(FFT().plan((128,), (33,), like))


@pytest.mark.parametrize("modes", [[], [4, 0], [4, 4, 4, 4]])
def test_impossible_modes_are_refused(modes: list[int]) -> None:
    with pytest.raises(ValueError, match="modes="):
        SpectralConv(1, 1, modes)
