r"""Finite volumes for $-\nabla\cdot(a\nabla u) + \nabla\cdot(wu) = f$ on cells, and the schemes for their faces."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from sciml.describe import Described
from sciml.fields import Dirichlet
from sciml.linalg import LinearSolver, Stencil
from sciml.linalg.stencil import sides
from sciml.numerics import FiniteDifferences
from sciml.pdes import ConvectionDiffusion, Problem
from sciml.solvers.diffusion import Diffusion, face_values, layer
from sciml.solvers.steady import SteadySolver, check_values, samples


class FaceScheme(Described, ABC):
    r"""What crosses a face: $D\,[(B(P) + P)\,u_p - B(P)\,u_q]$ from cell $p$ to $q$, with the cell Péclet number $P$.

    $D = a/h$ is the conductance of the face and $P = F/D$ with its volume flux $F = w \cdot n$; for all schemes
    $B(-P) = B(P) + P$.

    Reference: Patankar (1980), Numerical Heat Transfer and Fluid Flow, section 5.2-6.
    """

    #: Order of the error where the grid resolves the solution.
    order: int

    @abstractmethod
    def weight(self, peclet: np.ndarray) -> np.ndarray:
        r"""$B(P)$ for $P \ge 0$."""

    def coefficients(self, conductance: np.ndarray, flux: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the cell before a face gives and the one behind it gives, each per value of its own."""
        # The smaller one is computed and the flux added to the other, so that rounding makes neither negative.
        smaller = conductance * self.weight(np.abs(flux) / conductance)
        return smaller + np.maximum(flux, 0.0), smaller + np.maximum(-flux, 0.0)

    def wall_coefficients(self, conductance: np.ndarray, flux: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for a cell and the wall half a cell away, where the value is given."""
        return self.coefficients(conductance, flux)


class ExponentialFitting(FaceScheme):
    r"""$B(P) = P / (e^P - 1)$: exact for a constant flux in one dimension, never oscillates, second order.

    It turns into upwind differences where $P$ is large.

    Reference: Scharfetter & Gummel (1969), IEEE Trans. Electron Devices 16:64-77.
    """

    order = 2

    def weight(self, peclet: np.ndarray) -> np.ndarray:
        # Quotient and series agree to rounding at the switch; beyond 700 the exponential would leave the range.
        small = peclet < 1e-4
        safe = np.where(small, 1.0, np.minimum(peclet, 700.0))
        return np.where(small, 1.0 - peclet / 2 + peclet**2 / 12, safe / np.expm1(safe))


class Upwind(FaceScheme):
    r"""$B(P) = 1 + \max(-P, 0)$: the value of the cell that the flow comes from; never oscillates, first order."""

    order = 1

    def weight(self, peclet: np.ndarray) -> np.ndarray:
        return np.ones_like(peclet)


class CentralDifferences(FaceScheme):
    r"""$B(P) = 1 - P/2$: the mean of both cells, second order; it oscillates where $|P| > 2$."""

    order = 2

    def weight(self, peclet: np.ndarray) -> np.ndarray:
        return 1.0 - peclet / 2

    def wall_coefficients(self, conductance: np.ndarray, flux: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # The wall is the face: its value is convected, not a mean.
        return conductance, conductance - flux


class FiniteVolumeConvection(SteadySolver):
    r"""Finite volumes for `ConvectionDiffusion` on the cells of a plane, with Dirichlet and Neumann faces.

    $a$ enters by harmonic means, $\psi$ by its means at the corners, so that what flows into a cell flows out of it to
    rounding. Where a slope is given the flow must leave.

    Args:
        scheme: what crosses a face.
        linear_solver: what solves the systems; `None` means sparse LU.
    """

    def __init__(self, scheme: FaceScheme | None = None, linear_solver: LinearSolver | None = None) -> None:
        super().__init__(linear_solver)
        self.scheme = scheme or ExponentialFitting()

    @property
    def order(self) -> int:
        return self.scheme.order

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        if not isinstance(problem.pde, ConvectionDiffusion):
            return (
                f"FiniteVolumeConvection solves ConvectionDiffusion; {type(problem.pde).__name__} is another equation."
            )
        if problem.forcing:
            return "FiniteVolumeConvection takes its source as a parameter, not as forcing."
        try:
            conditions = self._diffusion(problem).conditions
        except ValueError as error:
            return str(error)
        if not any(isinstance(c, Dirichlet) for c in conditions.values()):
            return "no face is Dirichlet: the solution would be known up to a constant only."
        return None

    def _diffusion(self, problem: Problem) -> Diffusion:
        return Diffusion(problem.domain, problem.boundaries, problem.names[0])

    def assemble(self, problem: Problem) -> list[tuple[Stencil, np.ndarray]]:  # type: ignore[override]
        p = problem.bind(FiniteDifferences(problem.domain))
        a, psi, v_x, v_y, f = samples(problem, p.a, p.psi, p.velocity_x, p.velocity_y, p.f)
        check_values("diffusivity", a, 0.0, above=True)
        for name, values in {"stream function": psi, "velocity_x": v_x, "velocity_y": v_y, "source": f}.items():
            check_values(name, values)
        systems = []
        for i in range(len(a)):
            fluxes = self.fluxes(problem, psi[i].numpy(), (float(v_x[i, 0, 0]), float(v_y[i, 0, 0])))
            try:
                systems.append(self._system(self._diffusion(problem), a[i].numpy(), fluxes, f[i].numpy()))
            except ValueError as error:
                raise ValueError(f"sample {i}: {error}") from None
        return systems

    def fluxes(self, problem: Problem, psi: np.ndarray, velocity: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Normal velocities of one sample at all faces, walls included, `(nx + 1, ny)` and `(nx, ny + 1)`."""
        corners = _at_ends(_at_ends(psi, 0), 1)
        h_x, h_y = (axis.h for axis in problem.domain.axes)
        return velocity[0] + np.diff(corners, axis=1) / h_y, velocity[1] - np.diff(corners, axis=0) / h_x

    def _system(
        self, diffusion: Diffusion, a: np.ndarray, fluxes: Sequence[np.ndarray], f: np.ndarray
    ) -> tuple[Stencil, np.ndarray]:
        diagonal, b, faces, back = np.zeros(a.shape), f.copy(), [], []
        for axis, w in enumerate(fluxes):
            h = diffusion.grid.axes[axis].h
            low, high = sides(2, axis)
            conductance = 2.0 * a[low] * a[high] / ((a[low] + a[high]) * h**2)
            flux = np.take(w, range(1, a.shape[axis]), axis) / h
            given, taken = self.scheme.coefficients(conductance, flux)
            diagonal[low] += given
            diagonal[high] += taken
            faces.append(taken)
            back.append(given)
            for side in "-+":
                self._close(diffusion, a, w, diagonal, b, axis, side)
        return Stencil(diagonal, tuple(faces), tuple(back)), b.ravel()

    def _close(
        self,
        diffusion: Diffusion,
        a: np.ndarray,
        w: np.ndarray,
        diagonal: np.ndarray,
        b: np.ndarray,
        axis: int,
        side: str,
    ) -> None:
        """Adds what one boundary face contributes to the diagonal and the right side."""
        h, name = diffusion.grid.axes[axis].h, f"{diffusion.grid.names[axis]}{side}"
        first = layer(2, axis, 0 if side == "-" else -1)
        outward, condition = (-w[first] if side == "-" else w[first]) / h, diffusion.conditions[name]
        value = face_values(diffusion.grid, condition, axis, side)
        if isinstance(condition, Dirichlet):
            given, taken = self.scheme.wall_coefficients(2.0 * a[first] / h**2, outward)
            diagonal[first] += given
            b[first] += taken * value
            return
        if outward.min() < -1e-12 * np.abs(w).max() / h:
            cell = int(outward.argmin())
            raise ValueError(
                f"flow enters through face {name!r} at cell {cell}, where a slope is given; give the value."
            )
        # Behind the face the profile goes on with its slope: the face has the cell's value and half a cell of slope.
        diagonal[first] += outward
        b[first] += (a[first] / h - outward * h / 2) * value


def _at_ends(values: np.ndarray, axis: int) -> np.ndarray:
    """From cell centres to the ends of the cells along one axis: means inside, extrapolated linearly at the walls."""
    v = np.moveaxis(values, axis, 0)
    if len(v) == 1:
        return np.moveaxis(np.concatenate([v, v]), 0, axis)
    inner = 0.5 * (v[:-1] + v[1:])
    ends = np.concatenate([1.5 * v[:1] - 0.5 * v[1:2], inner, 1.5 * v[-1:] - 0.5 * v[-2:-1]])
    return np.moveaxis(ends, 0, axis)
