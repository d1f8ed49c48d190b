r"""Errors and energies by wave number, on periodic and on bounded grids.

The wave number of a mode counts periods per length of the domain, $|k| = \sqrt{k_x^2 + k_y^2 + k_z^2}$. A periodic
axis is transformed as it is. A bounded one is reflected at its ends first, so that no jump between them fills the
spectrum (the cosine transform); its wave numbers are then multiples of one half.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

#: Borders between low, middle and high wave numbers: low is |k| <= 4, middle 4 < |k| <= 12, high beyond.
BAND_EDGES = (4.0, 12.0)
BAND_NAMES = ("low", "mid", "high")

_KINDS = ("periodic", "cells", "nodes")


def _reflected(u: Tensor, kinds: Sequence[str]) -> tuple[Tensor, list[float]]:
    """Even periodic extension of the bounded axes, and the number of domain lengths that each axis then spans."""
    spans = []
    if len(kinds) != u.ndim - 2:
        raise ValueError(f"kinds={tuple(kinds)} must name one kind for each of the {u.ndim - 2} space axes.")
    for axis, kind in enumerate(kinds, start=2):
        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r} must be one of {', '.join(_KINDS)}.")
        if kind == "cells":
            u = torch.cat([u, u.flip(axis)], dim=axis)
        elif kind == "nodes":
            # Both ends lie on the mirror: they must not be doubled.
            u = torch.cat([u, u.narrow(axis, 1, u.shape[axis] - 2).flip(axis)], dim=axis)
        spans.append(1.0 if kind == "periodic" else 2.0)
    return u, spans


def _energies(u: Float[Tensor, "b c *s"], kinds: Sequence[str]) -> tuple[Tensor, Tensor]:
    r"""$\sum_c |\hat u_c(k)|^2$ and $|k|$; the energies sum to the mean over space of $\sum_c u_c^2$."""
    extended, spans = _reflected(u.double(), kinds)
    axes = tuple(range(2, extended.ndim))
    energy = torch.fft.fftn(extended, dim=axes, norm="forward").abs().square().sum(dim=1)
    squares = torch.zeros((), dtype=torch.float64, device=u.device)
    for axis, span in enumerate(spans):
        n = extended.shape[2 + axis]
        k = torch.fft.fftfreq(n, d=span / n, dtype=torch.float64, device=u.device)
        squares = squares + k.square().reshape(-1, *(1,) * (len(spans) - axis - 1))
    return energy.flatten(1), squares.sqrt().expand(extended.shape[2:]).flatten()


def _band_sums(energy: Tensor, k: Tensor, edges: Sequence[float]) -> Tensor:
    borders = [-1.0, *edges, float("inf")]
    if any(a >= b for a, b in pairwise(borders)):
        raise ValueError(f"edges={tuple(edges)} must be ascending wave numbers.")
    sums = torch.stack([energy[:, (k > low) & (k <= high)].sum(dim=1) for low, high in pairwise(borders)], dim=1)
    # A field that is not finite spoils all bands, those that a coarse grid leaves empty included.
    return sums + 0 * energy.sum(dim=1, keepdim=True)


def band_errors(
    prediction: Float[Tensor, "b c *s"],
    target: Float[Tensor, "b c *s"],
    kinds: Sequence[str],
    edges: Sequence[float] = BAND_EDGES,
) -> Float[Tensor, "b k"]:
    r"""Parts of the relative error by spectral band, $(\sum_{k \in B} |\hat e_k|^2 / \sum_k |\hat u_k|^2)^{1/2}$.

    Their squares sum to the square of the relative L2 error (with the trapezoidal rule on `nodes` axes), so they say
    where the error sits. A target that vanishes gives infinity, or zero where the prediction vanishes too.

    Args:
        prediction, target: fields in physical units.
        kinds: kind of each space axis, as `Axis.kind`.
        edges: borders of the bands in periods per domain length; a border belongs to the band below it.
    """
    error, k = _energies(prediction - target, kinds)
    return _ratio(_band_sums(error, k, edges), _energies(target, kinds)[0].sum(dim=1, keepdim=True))


def relative_band_errors(
    prediction: Float[Tensor, "b c *s"],
    target: Float[Tensor, "b c *s"],
    kinds: Sequence[str],
    edges: Sequence[float] = BAND_EDGES,
) -> Float[Tensor, "b k"]:
    r"""Relative error within each spectral band, $(\sum_{k \in B} |\hat e_k|^2 / \sum_{k \in B} |\hat u_k|^2)^{1/2}$.

    One means that a band is not predicted at all. Arguments as for `band_errors`.
    """
    error, k = _energies(prediction - target, kinds)
    return _ratio(_band_sums(error, k, edges), _band_sums(_energies(target, kinds)[0], k, edges))


def _ratio(error: Tensor, reference: Tensor) -> Tensor:
    """Square root of the ratio; 0/0 is no error, and what is not finite is an infinite one."""
    ratio = torch.where(error == 0, torch.zeros_like(error), (error / reference).sqrt())
    return torch.where(ratio.isfinite(), ratio, torch.inf)


def energy_spectrum(u: Float[Tensor, "b c *s"], kinds: Sequence[str]) -> Float[Tensor, "b k"]:
    r"""Energy in shells of wave numbers, $E(k) = \frac12 \sum_{|k'| \in S_k} \sum_c |\hat u_c(k')|^2$.

    The shell $S_k$, $k = 0, 1, \dots$, is $k - 1/2 \le |k'| < k + 1/2$. The shells together
    hold $\frac12 \langle \sum_c u_c^2 \rangle$, with the mean over space.

    Args:
        u: fields in physical units; the energy's unit is the square of theirs.
        kinds: kind of each space axis, as `Axis.kind`.
    """
    energy, k = _energies(u, kinds)
    shell = (k + 0.5).floor().long()
    spectrum = energy.new_zeros(energy.shape[0], int(shell.max()) + 1)
    return spectrum.index_add_(1, shell, 0.5 * energy)
