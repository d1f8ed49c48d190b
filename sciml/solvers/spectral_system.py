"""A problem in Fourier space: what every pseudo-spectral method advances."""

import dataclasses
import functools
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.pdes import EvolutionPDE, Problem
from sciml.pdes.parameters import call_with_coordinates
from sciml.pdes.problem import of_clocks, of_samples
from sciml.solvers.compiled_flux import has_compiler
from sciml.solvers.samples import bound, chosen, varying
from sciml.solvers.spectrum import FourierDerivatives, Spectrum
from sciml.solvers.symbols import Symbol

#: A row of at most so many numbers is summed by one thread, in the same order in any batch.
GRAIN = 32768


class SpectralSystem:
    r"""$v_t = Lv + N(v, t)$: a problem in Fourier space, for the samples of a batch on one device.

    Args:
        problem: an evolution equation on a uniform periodic grid.
        derivatives: transforms and symbols; they leave out the modes that aliasing spoils.
        split: whether a method treats $L$ by its symbol; else $N$ is the whole right side.
        values: parameters in place of the problem's.
    """

    def __init__(
        self,
        problem: Problem,
        derivatives: FourierDerivatives,
        split: bool,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.problem, self.derivatives, self.split = problem, derivatives, split
        self.values = dict(problem.parameters if values is None else values)
        self.parameters = bound(problem, derivatives, self.values)
        self.names, self.dimensions = problem.names, problem.domain.dimensions
        self._steady_forces: dict[str, Tensor] = {}

    @functools.cached_property
    def symbol(self) -> Symbol:
        return Symbol.of(self.problem, self.derivatives)

    @functools.cached_property
    def samples(self) -> int:
        """Number of samples for which there are parameters; 1 where none varies."""
        return max([1, *(len(v) for v in varying(self.problem, self.values).values())])

    def rows(self, index: np.ndarray) -> "SpectralSystem":
        """The system of some samples."""
        where = torch.as_tensor(index, device=self.derivatives.device)
        forcing = self.problem.forcing or {}
        forces = {n: of_samples(f, where.cpu()) for n, f in forcing.items()}
        if self.samples == 1 and forces == forcing:
            return self
        problem = self.problem if forces == forcing else dataclasses.replace(self.problem, forcing=forces)
        system = SpectralSystem(problem, self.derivatives, self.split, chosen(self.problem, self.values, index))
        if self.split:
            system.symbol = self.symbol.rows(where)
        if forces == forcing:
            system._steady_forces = self._steady_forces
        return system

    def forward(self, u: Float[Tensor, "b c *s"]) -> Complex[Tensor, "b c *k"]:
        return self.derivatives.forward(u)

    def backward(self, v: Complex[Tensor, "b c *k"]) -> Float[Tensor, "b c *s"]:
        return self.derivatives.backward(v)

    def rate(
        self, v: Complex[Tensor, "b c *k"], t: Float[Tensor, " b"], u: Float[Tensor, "b c *s"] | None = None
    ) -> Complex[Tensor, "b c *k"]:
        """Spectrum of $N(u) + g(x, t)$; `u` are the values of `v`, where they are known."""
        d, pde, names = self.derivatives, self.problem.pde, self.names
        assert isinstance(pde, EvolutionPDE)
        values: Any = [None] * len(names) if u is None else u.unbind(1)
        fields: dict[str, Any] = {
            n: Spectrum(v[:, i], d, values=known) for i, (n, known) in enumerate(zip(names, values, strict=True))
        }
        p = self.parameters.at(t=t.view(-1, *[1] * self.dimensions))
        fields |= pde.diagnose(fields, d, p)
        text = pde.nonlinear if self.split else pde.rhs  # type: ignore[attr-defined]
        right = text(fields, d, p)
        if self.problem.forcing:
            forces = {name: Spectrum(self._force(name, t), d) for name in self.problem.forcing}
            # A force takes effect as far as the constraints admit it.
            for name, force in pde.project({n: forces.get(n, Spectrum(0 * v[:1, 0], d)) for n in names}, d).items():
                right[name] = Spectrum(self._spectrum(right.get(name, 0.0), v) + d.spectrum(force), d)
        parts = [self._spectrum(right.get(name, 0.0), v) for name in names]
        return parts[0][:, None] if len(parts) == 1 else torch.stack(parts, dim=1)

    def _spectrum(self, part: Any, v: Complex[Tensor, "b c *k"]) -> Complex[Tensor, "b *k"]:
        """Spectrum of one component of a right side: a field, one that does not vary over the batch, or a number."""
        if isinstance(part, Spectrum):
            return part.coefficients
        if isinstance(part, int | float) and part == 0:
            return torch.zeros_like(v[:, 0])
        part = torch.as_tensor(part, dtype=torch.float64, device=v.device)
        return self.derivatives.forward(part.expand(len(v), *self.problem.domain.shape))

    def _force(self, name: str, t: Float[Tensor, " b"]) -> Complex[Tensor, "b *k"]:
        """Spectrum of a force, `(1 or b, *k)`; kept where time is none of its arguments."""
        assert self.problem.forcing is not None
        function, grid = self.problem.forcing[name], self.problem.domain
        if name in self._steady_forces:
            return self._steady_forces[name]
        coordinates = {**self.derivatives.coordinates(), "t": t.view(-1, *[1] * grid.dimensions)}
        values = torch.as_tensor(
            call_with_coordinates(of_clocks(function, t), coordinates), dtype=torch.float64, device=t.device
        )
        values = values if values.ndim > grid.dimensions else values[None]
        spectrum = self.derivatives.forward(values.expand(len(values), *grid.shape))
        if "t" not in inspect.signature(function).parameters:
            self._steady_forces[name] = spectrum
        return spectrum

    @functools.cached_property
    def force_varies(self) -> bool:
        """Whether a force depends on time."""
        return any("t" in inspect.signature(f).parameters for f in (self.problem.forcing or {}).values())

    def force(self, t: Float[Tensor, " b"]) -> Complex[Tensor, "b c *k"]:
        """Spectra of the forces, as far as the constraints admit them."""
        d, pde = self.derivatives, self.problem.pde
        assert isinstance(pde, EvolutionPDE)
        forces = {name: self._force(name, t) for name in self.problem.forcing or {}}
        some = next(iter(forces.values()))
        given = {name: Spectrum(forces.get(name, torch.zeros_like(some)), d) for name in self.names}
        admitted = pde.project(given, d)
        columns = [d.spectrum(admitted[name]) for name in self.names]
        return torch.stack([column.expand(len(t), *some.shape[1:]) for column in columns], dim=1)

    @functools.cached_property
    def _weights(self) -> Float[Tensor, "*k 2"]:
        """How often real and imaginary part of a coefficient stand for a mode: its conjugate is left out."""
        d, n = self.derivatives, self.problem.domain.shape[-1]
        kept = torch.arange(d.modes[-1], device=d.device)
        once = (kept == 0) | (2 * kept == n)
        weights = torch.where(once, 1.0, 2.0).double().view(-1, *[1] * self.problem.domain.dimensions)
        return weights.expand(*weights.shape[:-1], 2).contiguous()

    @functools.cached_property
    def _flat_weights(self) -> np.ndarray:
        # Broadcast over the components and the modes of the other axes.
        modes = self.derivatives.restrict(torch.ones((*self.problem.domain.shape[:-1], self.derivatives.modes[-1])))
        return (modes[..., None] * self._weights).expand(len(self.names), *modes.shape, 2).reshape(-1).numpy()

    def norm(self, v: Complex[Tensor, "b c *k"]) -> Float[Tensor, " b"]:
        """Root mean square over the grid, summed over the components, times the number of points."""
        if has_compiler() and v.device.type == "cpu":
            from sciml.solvers import spectral_kernels as kernels

            return torch.from_numpy(kernels.norms(rows_of(v), self._flat_weights))
        parts = torch.view_as_real(v.detach())
        squares = (parts * parts * self._weights).flatten(1)
        rows = squares.sum(dim=1) if squares.shape[1] < GRAIN else torch.stack([row.sum() for row in squares])
        return rows.sqrt()


def rows_of(v: Complex[Tensor, "b c *k"]) -> Float[np.ndarray, "b n"]:
    """Real and imaginary parts in turn, a row for each sample."""
    return v.detach().contiguous().numpy().reshape(len(v), -1).view(np.float64)
