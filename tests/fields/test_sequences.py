"""Point sets of the unit cube."""

import pytest
import torch
from torch import Tensor

from sciml.fields import Halton, Hammersley, LatinHypercube, MonteCarlo, Sequence, Sobol

SEQUENCES = [MonteCarlo(), Sobol(), Sobol(scramble=False), Halton(), Halton(scramble=False)]
SEQUENCES += [Hammersley(), Hammersley(scramble=False), LatinHypercube()]
QUASI_RANDOM = [s for s in SEQUENCES if not isinstance(s, MonteCarlo | LatinHypercube)]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def integrand(points: Tensor) -> Tensor:
    return torch.prod(1 + 0.5 * (points - 0.5), dim=1) * torch.exp(points.sum(dim=1))


def error(sequence: Sequence, n: int) -> float:
    exact = (0.75 * (torch.e - 1) + 0.5) ** 3  # each factor: int (1 + (x - 1/2)/2) e^x
    return float(((integrand(sequence.points(n, 3, generator())).mean() - exact) / exact).abs())


@pytest.mark.parametrize("sequence", SEQUENCES, ids=repr)
def test_points_lie_in_the_cube_and_follow_the_generator(sequence: Sequence) -> None:
    points = sequence.points(100, 3, generator())
    assert points.shape == (100, 3)
    assert points.dtype == torch.float64
    assert bool(((points >= 0) & (points < 1)).all())
    assert torch.equal(points, sequence.points(100, 3, generator()))
    if getattr(sequence, "scramble", True):
        assert not torch.equal(points, sequence.points(100, 3, generator(1)))


@pytest.mark.parametrize("sequence", SEQUENCES, ids=repr)
def test_every_cell_gets_its_share(sequence: Sequence) -> None:
    cells = (sequence.points(4096, 2, generator()) * 4).long()
    counts = torch.bincount(cells[:, 0] * 4 + cells[:, 1], minlength=16).double()
    chi_square = ((counts - 256) ** 2 / 256).sum()
    assert chi_square < 38  # the 99.9 % quantile with 15 degrees of freedom is 37.7


@pytest.mark.parametrize("sequence", QUASI_RANDOM, ids=repr)
def test_quasi_random_means_converge_faster_than_random_ones(sequence: Sequence) -> None:
    assert error(sequence, 4096) < 3e-3  # a third of the standard error of random points
    assert error(sequence, 4096) < 0.1 * error(sequence, 64)


def test_random_means_converge() -> None:
    assert error(MonteCarlo(), 2**17) < 5e-3
    assert error(LatinHypercube(), 4096) < 5e-3


@pytest.mark.parametrize("sequence", [LatinHypercube(), Hammersley()], ids=repr)
def test_one_point_lies_in_every_slice(sequence: Sequence) -> None:
    points = sequence.points(37, 3 if isinstance(sequence, LatinHypercube) else 1, generator())
    for column in (points * 37).long().unbind(1):
        assert torch.equal(column.sort().values, torch.arange(37))


def test_halton_points_are_radical_inverses() -> None:
    points = Halton(scramble=False).points(5, 2)
    expected = [[0, 0], [1 / 2, 1 / 3], [1 / 4, 2 / 3], [3 / 4, 1 / 9], [1 / 8, 4 / 9]]
    assert torch.allclose(points, torch.tensor(expected, dtype=torch.float64), atol=1e-15)


def test_a_number_of_points_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="n=0"):
        Sobol().points(0, 2)
