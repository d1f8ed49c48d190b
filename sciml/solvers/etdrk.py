"""Fourier pseudo-spectral integration in time by exponential Runge–Kutta, for semilinear equations on a torus."""

import dataclasses

import numpy as np
import torch
from torch import Tensor

from sciml.solvers.compiled_flux import has_compiler
from sciml.solvers.exponential import ETDRK4Coefficients, inside_coefficients
from sciml.solvers.formula import Formula, Lengths, Step
from sciml.solvers.pseudospectral import PseudoSpectral
from sciml.solvers.spectral_system import SpectralSystem
from sciml.solvers.symbols import LinearMap
from sciml.solvers.tableaux import RK4


class ETDRK4(PseudoSpectral):
    r"""Exponential Runge–Kutta of fourth order for $u_t = Lu + N(u) + g(x, t)$, pseudo-spectral in space.

    $L$ is integrated exactly by its Fourier symbol, a matrix per wave number where it couples the components, so that
    its stiffness limits no step.

    Args:
        dt: longest step, in the problem's time unit; `None` leaves it to an estimate of the error.
        dealias: fraction of the modes per axis that the state keeps; products are free of aliasing up to degree two
            for 2/3, three for 1/2.

    Raises:
        ValueError: a step that is not positive, a fraction outside (0, 1].

    Reference: Cox & Matthews (2002), J. Comput. Phys. 176:430-455, eq. (26)-(29); Kassam & Trefethen (2005).
    """

    order = 4

    def formula(self, system: SpectralSystem) -> "ETDRK4Formula":
        from sciml.solvers.compiled_etdrk import CompiledETDRK4Formula

        return CompiledETDRK4Formula(system) if has_compiler() else ETDRK4Formula(system)


class ETDRK4Formula(Formula):
    r"""A step of ETDRK4, the error of a third-order step from the same stages, and the states inside.

    The embedded step weighs the rate at the end of the step, $N(u_{n+1})$, in place of that of the last stage: both
    have the same time, and the conditions of third order see no difference. The next step needs that rate anyway. What
    this does not see is added: the error for a force that depends on time alone.

    Inside, $N$ is the quadratic through its values at start, middle and end, and $L$ is integrated exactly as it is
    over the whole step: a linear wave that turns many times within a step is met. At the end of the step this is the
    step.

    Reference: Whalen, Brio & Moloney (2015), J. Comput. Phys. 280:579-601, section 3, for embedded exponential pairs.
    """

    embedded_order, explicit = 3, RK4()

    @property
    def continuous(self) -> bool:  # type: ignore[override]
        return not self.system.symbol.coupled

    def advance(self, v: Tensor, t: Tensor, dt: Lengths, rate: Tensor) -> Step:
        k, length, system = self.maps(dt, self._coefficients), dt.each, self.system
        half = k["half"](v)
        a = half + k["stage"](rate)
        at_a = system.rate(a, t + 0.5 * length)
        at_b = system.rate(half + k["stage"](at_a), t + 0.5 * length)
        c = k["half"](a) + k["stage"](2.0 * at_b - rate)
        at_c = system.rate(c, t + length)
        new = k["full"](v) + k["first"](rate) + k["middle"](at_a + at_b) + k["last"](at_c)

        def estimate() -> tuple[Tensor, Tensor]:
            at_end = system.rate(new, t + length)
            return k["last"](at_c - at_end) + self._force_error(t, dt), at_end

        def inside(parts: int, rows: np.ndarray) -> Tensor:
            own = torch.as_tensor(rows, device=v.device)
            k = {n: m.rows(own) for n, m in self._inside(dt.of(int(rows[0])), parts).items()}
            middle = k["middle"]((at_a + at_b)[own][None])
            return k["full"](v[own][None]) + k["first"](rate[own][None]) + middle + k["last"](at_c[own][None])

        return Step(new, estimate, inside if self.continuous else None)

    def _force_error(self, t: Tensor, dt: Lengths) -> "Tensor | float":
        """Simpson's rule, which the step is for a force, against that of Radau: third order, nodes at 1/3 and 1."""
        if not self.system.force_varies:
            return 0.0
        start, third, middle, end = (self.system.force(t + part * dt.each) for part in (0.0, 1 / 3, 0.5, 1.0))
        off = 0.75 * third + 0.25 * end - (start + 4.0 * middle + end) / 6.0
        k = self.maps(dt, self._coefficients)
        return k["first"](off) + 2.0 * k["middle"](off) + k["last"](off)

    def _coefficients(self, dt: float) -> dict[str, LinearMap]:
        symbol = self.system.symbol
        found = ETDRK4Coefficients.of(symbol.values, dt, symbol.coupled)
        return {f.name: symbol.map_of(getattr(found, f.name)) for f in dataclasses.fields(found)}

    def _inside(self, dt: float, parts: int) -> dict[str, LinearMap]:
        """Maps to the states after 1, 2, ... parts of a step, with an axis for these."""
        symbol = self.system.symbol.values

        def compute() -> dict[str, LinearMap]:
            found = [inside_coefficients(symbol, dt, i / parts) for i in range(1, parts)]
            values = zip(("full", "first", "middle", "last"), zip(*found, strict=True), strict=True)
            return {name: LinearMap.of(torch.stack(those)) for name, those in values}

        return self._kept((dt, parts), compute)
