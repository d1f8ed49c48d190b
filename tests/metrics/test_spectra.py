"""Spectral metrics against single modes, Parseval's identity and the cosine transform."""

import pytest
import torch

from sciml.metrics.spectra import band_errors, energy_spectrum, relative_band_errors


def modes(n, *amplitudes):
    """sum_k a_k sin(2 pi k x) on n periodic points, as (1, 1, n)."""
    x = torch.arange(n, dtype=torch.float64) / n
    return sum(a * torch.sin(2 * torch.pi * k * x) for k, a in amplitudes).reshape(1, 1, n)


def test_an_error_in_one_mode_shows_up_in_the_band_of_that_mode_alone():
    target = modes(64, (2, 1.0))
    for k, band in ((4, 0), (5, 1), (12, 1), (13, 2)):
        errors = band_errors(target + modes(64, (k, 0.1)), target, ["periodic"])
        expected = torch.zeros(1, 3, dtype=torch.float64)
        expected[0, band] = 0.1
        assert torch.allclose(errors, expected, atol=1e-12)


def test_relative_band_errors_are_one_where_a_band_is_missing():
    target = modes(64, (2, 1.0), (8, 0.01), (20, 0.001))
    errors = relative_band_errors(modes(64, (2, 1.0), (8, 0.005)), target, ["periodic"])
    assert torch.allclose(errors, torch.tensor([[0.0, 0.5, 1.0]], dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("kinds", [("periodic", "periodic"), ("cells", "periodic"), ("cells", "cells")])
def test_squares_of_band_errors_sum_to_the_square_of_the_relative_error(kinds):
    g = torch.Generator().manual_seed(0)
    u, p = (torch.randn(3, 2, 18, 15, generator=g, dtype=torch.float64) for _ in range(2))
    relative = (p - u).flatten(1).norm(dim=1) / u.flatten(1).norm(dim=1)
    assert torch.allclose(band_errors(p, u, kinds).square().sum(dim=1).sqrt(), relative, rtol=1e-12)


def test_nodes_axes_use_the_trapezoidal_rule():
    g = torch.Generator().manual_seed(1)
    u, p = (torch.randn(2, 1, 9, generator=g, dtype=torch.float64) for _ in range(2))
    w = torch.ones(9, dtype=torch.float64)
    w[0] = w[-1] = 0.5
    relative = ((w * (p - u) ** 2).sum(-1) / (w * u**2).sum(-1)).sqrt()[:, 0]
    assert torch.allclose(band_errors(p, u, ["nodes"]).square().sum(dim=1).sqrt(), relative, rtol=1e-12)


def test_half_waves_on_cells_have_half_integer_wave_numbers():
    """cos(pi m x) is one mode of the cosine transform, with m/2 periods in the domain."""
    x = (torch.arange(32, dtype=torch.float64) + 0.5) / 32
    target = torch.ones(1, 1, 32, dtype=torch.float64)
    for m, band in ((8, 0), (9, 1), (24, 1), (25, 2)):
        errors = band_errors(target + torch.cos(torch.pi * m * x), target, ["cells"])
        assert errors[0, band] == pytest.approx(2**-0.5, rel=1e-12)
        assert errors.sum() == pytest.approx(2**-0.5, rel=1e-10)


def test_energy_spectrum_of_a_plane_wave_is_a_quarter_in_its_shell():
    n = 16
    x, y, z = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) / n] * 3, indexing="ij")
    u = torch.sin(2 * torch.pi * (3 * x + 4 * y)).reshape(1, 1, n, n, n) + 0 * z
    spectrum = energy_spectrum(u, ["periodic"] * 3)
    expected = torch.zeros_like(spectrum)
    expected[0, 5] = 0.25
    assert torch.allclose(spectrum, expected, atol=1e-14)


def test_energy_spectrum_sums_to_half_the_mean_square_of_all_channels():
    u = torch.randn(2, 3, 15, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    total = 0.5 * u.square().sum(dim=1).mean(dim=(1, 2))
    assert torch.allclose(energy_spectrum(u, ["periodic", "cells"]).sum(dim=1), total, rtol=1e-12)


def test_identical_fields_have_no_error_and_diverged_ones_an_infinite_one():
    u = modes(16, (1, 1.0))
    assert band_errors(u, u, ["periodic"]).eq(0).all()
    assert relative_band_errors(u, u, ["periodic"]).eq(0).all()
    assert band_errors(u * torch.nan, u, ["periodic"]).isinf().all()
    assert band_errors(u, 0 * u, ["periodic"])[0, 0].isinf()


def test_wrong_kinds_and_edges_are_refused():
    u = modes(16, (1, 1.0))
    with pytest.raises(ValueError, match="kind='open'"):
        band_errors(u, u, ["open"])
    with pytest.raises(ValueError, match="1 space axes"):
        band_errors(u, u, ["periodic", "periodic"])
    with pytest.raises(ValueError, match="ascending"):
        band_errors(u, u, ["periodic"], edges=(12.0, 4.0))
