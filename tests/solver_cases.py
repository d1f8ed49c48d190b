"""What the contract of solvers runs each exported one on; a newcomer adds a function that makes its `Case`."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciml import solvers
from sciml.fields import Boundaries, Dirichlet, Grid, Neumann
from sciml.pdes import Burgers, ConvectionDiffusion, Darcy, HeatedPlate, Helmholtz, Problem
from sciml.pdes.exact import ColeHopf, EntropyShearWave, TaylorGreen
from sciml.solvers import ProblemSolver
from sciml.solvers.heated_plate import plate_mesh
from sciml.solvers.tableaux import RK4, DormandPrince54

TAU = 2 * math.pi


@dataclass(frozen=True)
class Case:
    """A solver on a problem whose solution is known.

    Args:
        make: the solver; one that marches takes a step.
        problem: at resolution `n`: steps per unit of time, or cells.
        error: of the solver at resolution `n`.
        counts: resolutions at which the order is observed.
        samples: a small problem of five samples.
        step: for `problem(counts[0])` and `samples`; `None` for a steady solver.
        residual: bound of the residual of `problem(counts[0])`.
    """

    make: Callable[..., ProblemSolver]
    problem: Callable[[int], Problem]
    error: Callable[[int], float]
    counts: Sequence[int]
    samples: Callable[[], Problem]
    step: float | None = None
    residual: float = 1e-3

    def solver(self) -> ProblemSolver:
        return self.make() if self.step is None else self.make(dt=self.step)


def rows(problem: Problem, chosen: slice) -> Problem:
    """Some of the samples of a problem."""
    parameters = {n: v[chosen] if isinstance(v, Tensor) and v.ndim else v for n, v in problem.parameters.items()}
    initial = problem.initial[chosen] if isinstance(problem.initial, Tensor) else problem.initial
    return replace(problem, initial=initial, parameters=parameters)


def unit(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def rms(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean().sqrt())


WAVE = ColeHopf(viscosity=0.02, amplitude=0.8)


def burgers_samples(n: int = 48, viscosity: float = 0.05) -> Problem:
    modes = unit(5, 1, 1)
    initial = modes * torch.sin(TAU * torch.arange(n, dtype=torch.float64) / n) + modes**2
    parameters = {"viscosity": viscosity * (1 + modes[:, 0, 0])}
    return Problem(Burgers(), Grid.periodic(n), initial=initial, parameters=parameters, times=[0.0, 0.1, 0.2])


def pseudospectral(cls: type, counts: Sequence[int], step: float, stop: float) -> Case:
    problem = WAVE.problem(96, times=[0.0, 0.5 * stop, stop])

    def error(n: int) -> float:
        return rms(cls(dt=1 / n).solve(problem).u[0, -1], WAVE.on(problem.domain, stop))

    return Case(cls, lambda n: problem, error, counts, burgers_samples, step)


def etdrk4() -> Case:
    return pseudospectral(solvers.ETDRK4, [40, 80, 160], 0.02, 0.4)


def imex() -> Case:
    return pseudospectral(solvers.IMEX, [50, 100, 200], 0.02, 1.0)


def runge_kutta() -> Case:
    """On few points, whose error is left out: the step is limited by the stiffest mode."""
    problem = ColeHopf(viscosity=0.05, amplitude=0.5).problem(24, times=[0.0, 0.2, 0.4])
    make = functools.partial(solvers.RungeKutta, RK4())

    @functools.cache
    def without_steps() -> Tensor:
        return solvers.ETDRK4(dt=1 / 400).solve(problem).u[0, -1]

    def error(n: int) -> float:
        return rms(make(dt=1 / n).solve(problem).u[0, -1], without_steps())

    return Case(make, lambda n: problem, error, [80, 160, 320], lambda: burgers_samples(24, 0.005), 0.005)


def method_of_lines() -> Case:
    """Against the solution of the semi-discrete equations: the error of the grid is larger than that of the steps."""
    problem = WAVE.problem(24, times=[0.0, 0.5])

    @functools.cache
    def without_steps() -> Tensor:
        return solvers.MethodOfLines(DormandPrince54(), dt=1 / 100).solve(problem).u[0, -1]

    def error(n: int) -> float:
        return rms(solvers.MethodOfLines(dt=1 / n).solve(problem).u[0, -1], without_steps())

    return Case(solvers.MethodOfLines, lambda n: problem, error, [6, 12, 24], burgers_samples, 0.1)


def projection() -> Case:
    """Vortices that drift: the error is that of the grid, whose cells shrink with the step."""
    flow = TaylorGreen(velocity=0.5)

    def problem(n: int) -> Problem:
        return flow.problem(n, n, times=[0.0, 0.25, 0.5])

    def error(n: int) -> float:
        u = solvers.Projection(dt=0.5 / n).solve(problem(n)).u[0, -1, :2]
        return rms(u, flow.on(problem(n).domain, 0.5)[:2])

    def samples() -> Problem:
        start = problem(8)
        initial = (0.5 + unit(5, 1, 1, 1)) * start.initial_state()
        return replace(start, initial=initial, parameters={"viscosity": 0.01 + 0.05 * unit(5)}, times=[0.0, 0.05, 0.1])

    return Case(solvers.Projection, problem, error, [8, 16, 32], samples, 0.025, residual=0.1)


#: Supersonic, so that explicit steps are long beside its own time.
GAS = EntropyShearWave(pressure=0.02)


def averages(t: float, n: int) -> Tensor:
    """Averages over the cells of a wave of density under uniform pressure and velocity."""
    u = GAS.on(GAS.grid(n), t)
    half = math.pi / n
    return torch.stack([1 + (u[0] - 1) * math.sin(half) / half, u[1], u[2]])


def finite_volume() -> Case:
    def problem(n: int) -> Problem:
        return Problem(GAS.pde, GAS.grid(n), initial=averages(0.0, n), times=[0.0, 0.075, 0.15])

    def error(n: int) -> float:
        # Explicit: the cells shrink with the step.
        return rms(solvers.FiniteVolume(dt=0.4 / n).solve(problem(n)).u[0, -1, :1], averages(0.15, n)[:1])

    def samples() -> Problem:
        modes = unit(5, 1, 1)
        wave = 1 + 0.5 * modes * torch.sin(TAU * torch.arange(24, dtype=torch.float64) / 24)
        parameters = {"gamma": 1.2 + 0.4 * modes[:, 0, 0]}
        return Problem(GAS.pde, Grid.periodic(24), wave.repeat(1, 3, 1), parameters=parameters, times=[0.0, 0.02, 0.04])

    return Case(solvers.FiniteVolume, problem, error, [40, 80, 160], samples, 0.01)


def finite_volume_elliptic() -> Case:
    r"""$-(e^x u')' = f$ with $u = \sin \pi x$."""
    pi = math.pi

    def problem(n: int) -> Problem:
        parameters = {
            "a": lambda x: torch.exp(x),
            "f": lambda x: torch.exp(x) * (pi**2 * torch.sin(pi * x) - pi * torch.cos(pi * x)),
        }
        return Problem(Darcy(), Grid.cells(n), boundary=Boundaries.dirichlet(), parameters=parameters)

    def error(n: int) -> float:
        (x,) = problem(n).domain.meshgrid()
        return rms(solvers.FiniteVolumeElliptic().solve(problem(n)).u[0, 0, 0], torch.sin(pi * x))

    def samples() -> Problem:
        a = 0.5 + unit(5, 9, 7)
        return Problem(Darcy(), Grid.cells(9, 7), boundary=Boundaries.dirichlet(), parameters={"a": a})

    return Case(solvers.FiniteVolumeElliptic, problem, error, [40, 80, 160], samples)


def finite_volume_convection() -> Case:
    r"""$-u'' + u' = f$ with $u = \sin \pi x$, the same along y."""
    pi = math.pi

    def problem(n: int) -> Problem:
        f = {"f": lambda x, y: pi**2 * torch.sin(pi * x) + pi * torch.cos(pi * x) + 0 * y}
        boundary = Boundaries({"x": Dirichlet(), "y": Neumann()})
        return Problem(ConvectionDiffusion(a=1.0), Grid.cells(n, 4), boundary=boundary, parameters=f)

    def error(n: int) -> float:
        x, _ = problem(n).domain.meshgrid()
        return rms(solvers.FiniteVolumeConvection().solve(problem(n)).u[0, 0, 0], torch.sin(pi * x))

    def samples() -> Problem:
        given = {"a": 0.5 + unit(5, 9, 7), "velocity_x": unit(5)}
        return Problem(ConvectionDiffusion(), Grid.cells(9, 7), boundary=Boundaries.dirichlet(), parameters=given)

    return Case(solvers.FiniteVolumeConvection, problem, error, [40, 80, 160], samples)


def finite_element_plate() -> Case:
    """A square with a hole, on a harmonic function; the error is that between the nodes too."""

    def problem(n: int) -> Problem:
        grid, inside = Grid.nodes(n + 1, n + 1), torch.zeros(n + 1, n + 1, dtype=torch.float64)
        inside[1:-1, 1:-1] = 1.0
        inside[n // 4 : n // 2 + 1, n // 4 : n // 2 + 1] = 0.0
        x, y = grid.meshgrid()
        given = {"inside": inside, "g": torch.exp(3 * x) * torch.sin(3 * y)}
        return Problem(HeatedPlate(), grid, boundary=Boundaries.dirichlet(math.nan), parameters=given)

    def error(n: int) -> float:
        case = problem(n)
        mesh = plate_mesh(case.domain, case.parameters["inside"].bool().numpy().tobytes())
        u = solvers.FiniteElementPlate().solve(case).u[0, 0, 0].numpy()
        return mesh.elements.error(u[mesh.nodes], lambda x, y: np.exp(3 * x) * np.sin(3 * y))

    def samples() -> Problem:
        case = problem(8)
        return replace(case, parameters={"inside": case.parameters["inside"].expand(5, 9, 9), "g": unit(5, 9, 9)})

    return Case(solvers.FiniteElementPlate, problem, error, [16, 32, 64], samples)


def finite_difference_helmholtz() -> Case:
    r"""$-u'' - 25 u = f$ with $u = \sin \pi x$."""
    pi = math.pi

    def problem(n: int) -> Problem:
        f = {"f": lambda x: (pi**2 - 25.0) * torch.sin(pi * x)}
        return Problem(Helmholtz(k=5.0), Grid.nodes(n + 1), boundary=Boundaries.dirichlet(), parameters=f)

    def error(n: int) -> float:
        (x,) = problem(n).domain.meshgrid()
        return rms(solvers.FiniteDifferenceHelmholtz().solve(problem(n)).u[0, 0, 0], torch.sin(pi * x))

    def samples() -> Problem:
        k = {"k": 5.0 + unit(5, 9, 7)}
        return Problem(Helmholtz(), Grid.nodes(9, 7), boundary=Boundaries.dirichlet(), parameters=k)

    return Case(solvers.FiniteDifferenceHelmholtz, problem, error, [40, 80, 160], samples)


CASES: dict[str, Callable[[], Case]] = {
    "ETDRK4": etdrk4,
    "FiniteElementPlate": finite_element_plate,
    "FiniteVolume": finite_volume,
    "FiniteDifferenceHelmholtz": finite_difference_helmholtz,
    "FiniteVolumeConvection": finite_volume_convection,
    "FiniteVolumeElliptic": finite_volume_elliptic,
    "IMEX": imex,
    "MethodOfLines": method_of_lines,
    "Projection": projection,
    "RungeKutta": runge_kutta,
}
