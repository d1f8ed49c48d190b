"""The literal matrices have the defects that are described, entry by entry."""

import numpy as np
import pytest

from sciml.datagen.skr_literal import literal_darcy, literal_field


def test_the_matrix_is_the_one_written_out_point_by_point():
    s = 5
    k = literal_field(0, s + 2)
    matrix, b = literal_darcy(k)
    expected = np.zeros((s * s, s * s))
    over = [k[r, c] for r in range(s) for c in range(1, s + 1)]
    for r in range(s):
        for c in range(s):
            i = r * s + c
            expected[i, i] = 4 * k[r + 1, c + 1]
            for dr, dc in ((0, 1), (0, -1), (1, 0)):
                if 0 <= r + dr < s and 0 <= c + dc < s:
                    expected[i, i + dr * s + dc] = -k[r + dr + 1, c + dc + 1]
            if r > 0:
                expected[i, i - s] = -over[i - 2]
    np.testing.assert_array_equal(matrix.toarray(), expected)
    np.testing.assert_allclose(b, 1 / (s - 1) ** 2)


def test_apart_from_the_misplaced_diagonal_it_is_the_laplacian_of_k_u():
    s = 100
    k = literal_field(1, s + 2)
    matrix = literal_darcy(k)[0]
    line = 2 * np.eye(s) - np.eye(s, k=1) - np.eye(s, k=-1)
    u = np.random.default_rng(0).standard_normal((s, s))
    w = k[1:-1, 1:-1] * u
    difference = (matrix @ u.ravel()).reshape(s, s) - (line @ w + w @ line)
    assert np.abs(difference[0]).max() < 1e-12
    assert (np.abs(difference[1:]) > 1e-12).sum() > 9800
    upper = matrix.diagonal(s)
    lower = matrix.diagonal(-s)
    above = -k[1:-2, 1:-1].ravel()
    assert (lower != above).sum() == 9900
    assert 0.01 < np.abs(lower - above).max() / abs(matrix).max() < 0.03
    assert len(upper) == 9900


def test_the_field_has_the_deviation_that_was_measured():
    deviations = [np.log(literal_field(seed, 64)).std() for seed in range(12)]
    assert np.mean(deviations) == pytest.approx(0.19, abs=0.02)
    fields = np.stack([literal_field(seed, 64) for seed in range(12)])
    assert 2.0 < np.median(fields.max(axis=(1, 2)) / fields.min(axis=(1, 2))) < 3.0


def test_a_field_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match="square"):
        literal_darcy(np.ones((5, 6)))
