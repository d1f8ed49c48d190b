"""Layers without knowledge of equations."""

from sciml.nn.frozen import Frozen
from sciml.nn.low_rank import LowRank
from sciml.nn.normalization import Normalized, Normalizer
from sciml.nn.pointwise import PointwiseMLP
from sciml.nn.spectral_conv import SpectralConv, parameter_count
from sciml.nn.spectral_kernels import DFT, FFT, Auto, SpectralKernel

__all__ = [
    "DFT",
    "FFT",
    "Auto",
    "Frozen",
    "LowRank",
    "Normalized",
    "Normalizer",
    "PointwiseMLP",
    "SpectralConv",
    "SpectralKernel",
    "parameter_count",
]
