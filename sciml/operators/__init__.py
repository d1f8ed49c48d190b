"""Networks that are solution maps, and the objectives that train them."""

from sciml.operators.fno import FNO
from sciml.operators.grouped import GroupedLoss
from sciml.operators.neuralop import NeuralOp
from sciml.operators.scot import ScOT
from sciml.operators.supervised import Loss, RelativeH1, RelativeL2, Supervised, Unrolled

__all__ = ["FNO", "GroupedLoss", "Loss", "NeuralOp", "RelativeH1", "RelativeL2", "ScOT", "Supervised", "Unrolled"]
