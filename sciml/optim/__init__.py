"""Optimisers beside torch's. They need no trainer and know no network."""

from sciml.optim.grouped import GroupedAdamW
from sciml.optim.jacobian import jacobian
from sciml.optim.line_search import StrongWolfe
from sciml.optim.natural_gradient import NaturalGradient
from sciml.optim.phases import Phase, Phases
from sciml.optim.rates import CosineDecay, ExponentialDecay, Rate
from sciml.optim.soap import SOAP
from sciml.optim.ssbroyden import BFGS, SSBroyden
from sciml.optim.transforms import LogLoss, LossTransform, RootLoss

__all__ = [
    "BFGS",
    "SOAP",
    "CosineDecay",
    "ExponentialDecay",
    "GroupedAdamW",
    "LogLoss",
    "LossTransform",
    "NaturalGradient",
    "Phase",
    "Phases",
    "Rate",
    "RootLoss",
    "SSBroyden",
    "StrongWolfe",
    "jacobian",
]
