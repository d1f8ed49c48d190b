"""Solutions in closed form, each with the problem that it solves."""

from sciml.pdes.exact.base import ExactSolution
from sciml.pdes.exact.boxed_flows import BoxedTaylorGreen, StratifiedShear
from sciml.pdes.exact.burgers import ColeHopf, StandingShock, VectorColeHopf
from sciml.pdes.exact.euler import EntropyShearWave, IsentropicVortex
from sciml.pdes.exact.flows import Beltrami, TaylorGreen, TaylorGreenVorticity
from sciml.pdes.exact.fronts import Barenblatt, FisherFront
from sciml.pdes.exact.linear import DecayingWave, MovingDecayingWave, MovingWave, StandingWave
from sciml.pdes.exact.riemann import ExactRiemann, Side
from sciml.pdes.exact.waves import AllenCahnFront, EnvelopeSoliton, KuramotoFront, PlaneWave, Soliton

__all__ = [
    "AllenCahnFront",
    "Barenblatt",
    "Beltrami",
    "BoxedTaylorGreen",
    "ColeHopf",
    "DecayingWave",
    "EntropyShearWave",
    "EnvelopeSoliton",
    "ExactRiemann",
    "ExactSolution",
    "FisherFront",
    "IsentropicVortex",
    "KuramotoFront",
    "MovingDecayingWave",
    "MovingWave",
    "PlaneWave",
    "Side",
    "Soliton",
    "StandingShock",
    "StandingWave",
    "StratifiedShear",
    "TaylorGreen",
    "TaylorGreenVorticity",
    "VectorColeHopf",
]
