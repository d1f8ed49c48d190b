"""Cosine and sine transforms against SciPy, against their matrices, and against the operator they diagonalise."""

import math

import pytest
import scipy.fft
import torch

from sciml.numerics import Cosine, Fourier, LineTransform, QuarterCosine, QuarterSine, Sine
from sciml.numerics.cosine import cosine_transform, inverse_cosine_transform

LENGTHS = pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 15, 16])
#: Transform, then the signs with which cells are mirrored at the low and the high end.
ENDS = pytest.mark.parametrize(
    ("transform", "low", "high"), [(Cosine(), 1, 1), (Sine(), -1, -1), (QuarterCosine(), 1, -1), (QuarterSine(), -1, 1)]
)


def rows(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@LENGTHS
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_the_cosine_transform_is_that_of_scipy_and_is_inverted(n: int, dim: int) -> None:
    x = rows(3, 4, 5).movedim(dim, -1)[..., :1].expand(-1, -1, n).clone().movedim(-1, dim)
    x = x * torch.linspace(-1, 2, n, dtype=torch.float64).view([n if i == dim % 3 else 1 for i in range(3)])
    spectrum = cosine_transform(x, dim)
    assert torch.allclose(2 * spectrum, torch.from_numpy(scipy.fft.dct(x.numpy(), axis=dim)), rtol=0, atol=1e-13)
    assert torch.allclose(inverse_cosine_transform(spectrum, dim), x, rtol=0, atol=1e-14)


@LENGTHS
@ENDS
def test_a_transform_diagonalises_the_second_difference(transform: LineTransform, low: int, high: int, n: int) -> None:
    x, h = rows(3, n, 2), 0.3
    padded = torch.cat([low * x[:, :1], x, high * x[:, -1:]], dim=1)
    image = padded.diff(dim=1).diff(dim=1) / h**2
    check_eigenvectors(transform, x, image, h)


@LENGTHS
def test_the_fourier_transform_diagonalises_it_on_a_period(n: int) -> None:
    x, h = rows(3, n, 2), 0.3
    check_eigenvectors(Fourier(), x, (x.roll(1, 1) - 2 * x + x.roll(-1, 1)) / h**2, h)


def check_eigenvectors(transform: LineTransform, x: torch.Tensor, image: torch.Tensor, h: float) -> None:
    n, spectrum = x.shape[1], transform.forward(x, 1)
    assert spectrum.shape == x.shape
    expected = transform.backward(transform.eigenvalues(n, h)[:, None] * spectrum, 1)
    assert float((image - expected).abs().max()) <= 1e-12 / h**2
    assert torch.allclose(transform.backward(spectrum, 1), x, rtol=0, atol=1e-13)


@LENGTHS
def test_the_sine_and_quarter_transforms_are_those_of_scipy(n: int) -> None:
    x = rows(4, n)
    for transform, oracle in (
        (Sine(), scipy.fft.dst(x.numpy(), type=2)),
        (QuarterCosine(), scipy.fft.dct(x.numpy(), type=4)),
        (QuarterSine(), scipy.fft.dct(x.numpy()[:, ::-1], type=4)),
    ):
        assert torch.allclose(2 * transform.forward(x, 1), torch.from_numpy(oracle.copy()), rtol=0, atol=1e-13)


@pytest.mark.parametrize("transform", [Fourier(), Cosine(), Sine(), QuarterCosine(), QuarterSine()])
def test_bits_do_not_depend_on_the_batch_and_gradients_pass(transform: LineTransform) -> None:
    def there_and_back(x: torch.Tensor) -> torch.Tensor:
        return transform.backward(transform.backward(transform.forward(transform.forward(x, 1), 2).sin(), 1), 2)

    for shape in ((5, 7, 6), (5, 9, 8), (5, 16, 16), (5, 33, 32)):
        x = rows(*shape)
        assert torch.equal(there_and_back(x), torch.cat([there_and_back(x[i : i + 1]) for i in range(5)]))
    probe = rows(5, 7, 6)[:1, :4, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: transform.backward(transform.forward(v, 1).tanh(), 1), (probe,))


def test_eigenvalues_of_one_cell_are_those_of_its_ghosts() -> None:
    h = 0.5
    found = [float(t.eigenvalues(1, h)) for t in (Cosine(), Sine(), QuarterCosine())]
    assert found == pytest.approx([0.0, -4 / h**2, -2 / h**2])
    assert float(Cosine().angles(4)[1]) == pytest.approx(math.pi / 4)
