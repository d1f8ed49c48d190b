r"""The right-hand side of incompressible flow on a staggered grid: transport, diffusion, forces; no pressure yet."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.numerics import FiniteDifferences
from sciml.pdes import NavierStokes, Problem, grid_fields
from sciml.pdes.parameters import call_with_coordinates
from sciml.pdes.problem import of_clocks
from sciml.solvers.flow_boundary import FlowBoundary
from sciml.solvers.solids import SolidBoxes
from sciml.solvers.staggered import Faces
from sciml.solvers.transport import Transport

#: How far the stability of third-order Runge–Kutta in three stages reaches along the negative axis.
REACH = 2.5


class FlowRates:
    r"""$-\nabla\cdot(u \otimes u) + \nu \Delta u + f$ on faces and $-\nabla\cdot(u\,s) + \kappa \Delta s + g$ in cells.

    Each is the difference of fluxes through the faces of its own control volume, so that what leaves one enters the
    next. Second order in space.

    Args:
        problem: a `NavierStokes` equation, with parameters, conditions and forcing.
        transport: of the velocity.
        tracer_transport: of the scalar.
        solids: bodies in the flow.
        device: of the states.

    Reference: Harlow & Welch (1965), Phys. Fluids 8:2182-2189 (the control volumes).
    """

    def __init__(
        self,
        problem: Problem,
        transport: Transport,
        tracer_transport: Transport,
        solids: SolidBoxes | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.problem, self.transport, self.tracer_transport = problem, transport, tracer_transport
        self.boundary = FlowBoundary(problem, solids, device)
        self.staggered = self.boundary.staggered
        self.derivatives = FiniteDifferences(problem.domain, device=device)
        self.parameters = problem.bind(self.derivatives)
        self.viscosity = torch.as_tensor(self.parameters.viscosity, dtype=torch.float64, device=device)
        self.diffusivity = torch.as_tensor(self.parameters.diffusivity, dtype=torch.float64, device=device)
        axes = range(problem.domain.dimensions)
        self._viscosities = [[self.viscosity * self.staggered.wall_factor(c, a) for a in axes] for c in axes]
        self._diffusivities = [self.diffusivity * self.staggered.clear[a] for a in axes]

    def __call__(
        self, faces: Faces, tracer: Float[Tensor, "b *s"], t: Float[Tensor, " b"]
    ) -> tuple[Faces, Float[Tensor, "b *s"]]:
        """Time derivatives of the velocity on faces (zero on closed ends), and of the scalar."""
        velocity, axes = self.boundary.velocity, range(self.staggered.grid.dimensions)
        force = self.body_force(faces, tracer)
        accelerations = []
        for c in axes:
            rate = self._along(faces[c], c)
            for a in axes:
                if a != c:
                    speed = self.staggered.mean_on_faces(faces[a], c)
                    spread = self._viscosities[c][a]
                    rate = rate + self._across(faces[c], speed, velocity[c], a, t, spread, self.transport)
            if velocity[c] in force:
                rate = rate + self.staggered.mean_on_faces(force[velocity[c]], c)
            accelerations.append(rate + self._forcing(velocity[c], t))
        change = self._forcing("tracer", t)
        for a in axes:
            spread = self._diffusivities[a]
            change = change + self._across(tracer, faces[a], "tracer", a, t, spread, self.tracer_transport)
        return self.staggered.free(tuple(accelerations)), change

    def body_force(self, faces: Faces, tracer: Float[Tensor, "b *s"]) -> dict[str, Any]:
        """The equation's own force at the centres, by component."""
        assert isinstance(self.problem.pde, NavierStokes)
        state = torch.cat([self.staggered.to_cells(faces), tracer[:, None]], dim=1)
        fields = grid_fields(state, self.problem.names, self.derivatives)
        return self.problem.pde.body_force(fields, self.derivatives, self.parameters)

    def _forcing(self, name: str, t: Float[Tensor, " b"]) -> Any:
        force = (self.problem.forcing or {}).get(name)
        return 0.0 if force is None else call_with_coordinates(of_clocks(force, t), self.boundary.coordinates(name, t))

    def _along(self, u: Tensor, axis: int) -> Tensor:
        """Change of a velocity component by fluxes along its own axis, through the centres of cells."""
        grid, dim, h = self.staggered, self.staggered.dim(axis), self.staggered.h[axis]
        low, high = grid.ends(u, axis)
        if grid.periodic[axis]:
            behind = torch.cat([u, low], dim=dim)
            padded = torch.cat([high, behind, u.narrow(dim, 1, 1)], dim=dim)
        else:
            behind = u
            second, last_but_one = u.narrow(dim, 1, 1), u.narrow(dim, u.shape[dim] - 2, 1)
            open_low, open_high = grid.open_ends[axis]
            beyond_low = low if open_low else 2 * low - second
            beyond_high = high if open_high else 2 * high - last_but_one
            padded = torch.cat([beyond_low, u, beyond_high], dim=dim)
        count = behind.shape[dim] - 1
        speed = 0.5 * (behind.narrow(dim, 0, count) + behind.narrow(dim, 1, count))
        flux = speed * self.transport.values(padded, speed, dim) - self.viscosity * behind.diff(dim=dim) / h
        if grid.periodic[axis]:
            return (flux.roll(1, dim) - flux) / h
        # Beyond an open end the component goes on unchanged; a closed end has no equation.
        return -torch.cat([low**2, flux, high**2], dim=dim).diff(dim=dim) / h

    def _across(
        self, q: Tensor, speed: Tensor, name: str, axis: int, t: Tensor, diffusivity: Tensor, transport: Transport
    ) -> Tensor:
        """Change of a field in cells along an axis by fluxes through the faces between them."""
        grid, dim, h = self.staggered, self.staggered.dim(axis), self.staggered.h[axis]
        if grid.periodic[axis]:
            n = q.shape[dim]
            padded = torch.cat([q.narrow(dim, n - 2, 2), q, q.narrow(dim, 0, 1)], dim=dim)
            flux = speed * transport.values(padded, speed, dim) - diffusivity * (q - q.roll(1, dim)) / h
        else:
            (low, high), (first, last) = self.boundary.ghosts(q, name, axis, t), grid.ends(q, axis)
            padded = torch.cat([low, q, high], dim=dim)
            inner = speed.narrow(dim, 1, speed.shape[dim] - 2)
            carried = torch.cat(
                [0.5 * (low + first), transport.values(padded, inner, dim), 0.5 * (high + last)], dim=dim
            )
            flux = speed * carried - diffusivity * padded.diff(dim=dim) / h
        return -grid.across_cells(flux, axis)

    def limit(self, faces: Faces, accelerations: Faces, tracer: Float[Tensor, "b *s"]) -> Float[Tensor, " b"]:
        r"""The longest step $\tau$ of each sample that is stable, and keeps a limited scalar within its bounds.

        In every cell $\tau \big(\sum_f (|u_f| + \tau |\dot u_f|)/h + D + N\big) \le 1$ over its faces, where a face
        beside an end counts twice. $D$ is the larger of $2\kappa \sum_a 1/h_a^2$ ($3\kappa$ on bounded axes), with
        which the weights of all neighbours in an Euler step of the limited scheme stay below one in total, and of
        $4\nu \sum_a 1/h_a^2$ over the reach of the stages on the negative axis. $N$ is the frequency of waves that
        the body force drives in a layered fluid.

        Args:
            faces: the flow.
            accelerations: its rate of change, the pressure included.
            tracer: the scalar.
        """
        with torch.no_grad():
            ends = [2.0 if periodic else 3.0 for periodic in self.staggered.periodic]
            squares = [h**-2 for h in self.staggered.h]
            diffusive = torch.maximum(
                self.diffusivity.flatten() * sum(e * s for e, s in zip(ends, squares, strict=True)),
                self.viscosity.flatten() * (4.0 / REACH * sum(squares)),
            )
            rate = self._outflow(faces) + diffusive + self._buoyancy_frequency(faces, tracer)
            return 2.0 / (rate + (rate**2 + 4.0 * self._outflow(accelerations)).sqrt())

    def _outflow(self, faces: Faces) -> Float[Tensor, " b"]:
        r"""The largest $\sum_f |u_f| / h$ of a cell."""
        total: Any = 0.0
        for a, f in enumerate(faces):
            dim, speed = self.staggered.dim(a), f.abs() / self.staggered.h[a]
            if self.staggered.periodic[a]:
                total = total + speed + speed.roll(-1, dim)
            else:
                n = speed.shape[dim] - 1
                low, high = speed.narrow(dim, 0, n), speed.narrow(dim, 1, n)
                still = torch.zeros_like(high.narrow(dim, 1, n - 2))
                total = total + low + high
                total = total + torch.cat([high.narrow(dim, 0, 1), still, low.narrow(dim, n - 1, 1)], dim=dim)
        return total.flatten(1).amax(1)

    def _buoyancy_frequency(self, faces: Faces, tracer: Tensor) -> Any:
        """Square root of the steepest change of the body force along its own direction."""
        steepest: Any = torch.zeros(len(tracer), dtype=tracer.dtype, device=tracer.device)
        for name, force in self.body_force(faces, tracer).items():
            axis = self.boundary.velocity.index(name)
            change = force.diff(dim=self.staggered.dim(axis))
            steepest = torch.maximum(steepest, change.abs().flatten(1).amax(1) / self.staggered.h[axis])
        return steepest.sqrt()
