"""Layers without knowledge of equations."""

from sciml.nn.coordinate_maps import Chain, Scaled, TimeScales
from sciml.nn.coordinate_network import CoordinateMap, CoordinateNetwork
from sciml.nn.dense import Factorization, FactorizedLinear
from sciml.nn.fourier_features import FourierFeatures
from sciml.nn.frozen import Frozen
from sciml.nn.last_layer import fit_last_layer
from sciml.nn.low_rank import LowRank
from sciml.nn.mlp import MLP
from sciml.nn.modified_mlp import ModifiedMLP
from sciml.nn.normalization import Normalized, Normalizer
from sciml.nn.periodic_embedding import PeriodicEmbedding
from sciml.nn.pirate_net import PirateNet
from sciml.nn.pointwise import PointwiseMLP
from sciml.nn.separable import SeparableNetwork
from sciml.nn.siren import SIREN
from sciml.nn.spectral_conv import SpectralConv, parameter_count
from sciml.nn.spectral_kernels import DFT, FFT, Auto, SpectralKernel
from sciml.nn.stacked_ensemble import StackedEnsemble

__all__ = [
    "DFT",
    "FFT",
    "MLP",
    "SIREN",
    "Auto",
    "Chain",
    "CoordinateMap",
    "CoordinateNetwork",
    "Factorization",
    "FactorizedLinear",
    "FourierFeatures",
    "Frozen",
    "LowRank",
    "ModifiedMLP",
    "Normalized",
    "Normalizer",
    "PeriodicEmbedding",
    "PirateNet",
    "PointwiseMLP",
    "Scaled",
    "SeparableNetwork",
    "SpectralConv",
    "SpectralKernel",
    "StackedEnsemble",
    "TimeScales",
    "fit_last_layer",
    "parameter_count",
]
