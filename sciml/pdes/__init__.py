"""Equations, each written once, and the problems made of them."""

from sciml.pdes.advection import Advection
from sciml.pdes.advection_diffusion import AdvectionDiffusion
from sciml.pdes.allen_cahn import AllenCahn
from sciml.pdes.base import PDE, EllipticPDE, EvolutionPDE, SemilinearPDE
from sciml.pdes.burgers import Burgers, VectorBurgers
from sciml.pdes.compressible import CompressibleNavierStokes
from sciml.pdes.conservation import ConservationLaw
from sciml.pdes.convection_diffusion import ConvectionDiffusion
from sciml.pdes.darcy import Darcy
from sciml.pdes.diffusion_sorption import DiffusionSorption
from sciml.pdes.euler import Euler
from sciml.pdes.euler_tracer import EulerTracer
from sciml.pdes.expression import Equation
from sciml.pdes.fisher_kpp import FisherKPP
from sciml.pdes.fitzhugh_nagumo import FitzHughNagumo
from sciml.pdes.forced_flow import ForcedFlow
from sciml.pdes.function import Function
from sciml.pdes.gray_scott import GrayScott
from sciml.pdes.heat import Heat
from sciml.pdes.heated_plate import HeatedPlate
from sciml.pdes.helmholtz import DampedHelmholtz, Helmholtz
from sciml.pdes.korteweg_de_vries import KortewegDeVries
from sciml.pdes.kuramoto_sivashinsky import KuramotoSivashinsky
from sciml.pdes.lorenz import Lorenz
from sciml.pdes.navier_stokes import NavierStokes
from sciml.pdes.parameters import Parameters
from sciml.pdes.poisson import Poisson
from sciml.pdes.porous_medium import PorousMedium
from sciml.pdes.problem import Problem, grid_fields
from sciml.pdes.schroedinger import Schroedinger
from sciml.pdes.shallow_water import ShallowWater
from sciml.pdes.smoke import Smoke
from sciml.pdes.solution_spec import SolutionSpec
from sciml.pdes.statement import Statement, problem_of
from sciml.pdes.vorticity import Vorticity
from sciml.pdes.wave import Wave

__all__ = [
    "PDE",
    "Advection",
    "AdvectionDiffusion",
    "AllenCahn",
    "Burgers",
    "CompressibleNavierStokes",
    "ConservationLaw",
    "ConvectionDiffusion",
    "DampedHelmholtz",
    "Darcy",
    "DiffusionSorption",
    "EllipticPDE",
    "Equation",
    "Euler",
    "EulerTracer",
    "EvolutionPDE",
    "FisherKPP",
    "FitzHughNagumo",
    "ForcedFlow",
    "Function",
    "GrayScott",
    "Heat",
    "HeatedPlate",
    "Helmholtz",
    "KortewegDeVries",
    "KuramotoSivashinsky",
    "Lorenz",
    "NavierStokes",
    "Parameters",
    "Poisson",
    "PorousMedium",
    "Problem",
    "Schroedinger",
    "SemilinearPDE",
    "ShallowWater",
    "Smoke",
    "SolutionSpec",
    "Statement",
    "VectorBurgers",
    "Vorticity",
    "Wave",
    "grid_fields",
    "problem_of",
]
