"""Optimisers beside torch's. They need no trainer and know no network."""

from sciml.optim.grouped import GroupedAdamW
from sciml.optim.line_search import StrongWolfe
from sciml.optim.soap import SOAP
from sciml.optim.ssbroyden import BFGS, SSBroyden
from sciml.optim.transforms import LogLoss, LossTransform, RootLoss

__all__ = ["BFGS", "SOAP", "GroupedAdamW", "LogLoss", "LossTransform", "RootLoss", "SSBroyden", "StrongWolfe"]
