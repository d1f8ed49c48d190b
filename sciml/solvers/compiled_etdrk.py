"""Steps of ETDRK4 by compiled loops, where a CPU takes them and nobody asks for gradients."""

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.solvers.etdrk import ETDRK4Formula
from sciml.solvers.formula import Lengths, Step
from sciml.solvers.spectral_system import rows_of

#: Numbers of the maps in a table; what is subtracted has maps of its own.
FULL, HALF, STAGE, FIRST, MIDDLE, LAST, TWICE, LESS, MINUS = range(9)


class CompiledETDRK4Formula(ETDRK4Formula):
    """`ETDRK4Formula` with the same result to rounding: each stage is one pass over the spectra.

    Complex and coupled symbols, other devices, and whatever is to be differentiated, take the tensor operations.
    """

    _tables_of: tuple[tuple[float, ...], np.ndarray] = ((), np.zeros(0))

    def advance(
        self, v: Complex[Tensor, "b c *k"], t: Float[Tensor, " b"], dt: Lengths, rate: Complex[Tensor, "b c *k"]
    ) -> Step:
        if not self._compiles(v, rate):
            return super().advance(v, t, dt, rate)
        from sciml.solvers import spectral_kernels as kernels

        tables, length, system = self._stacked(dt), dt.each, self.system
        everyone = np.arange(len(v))
        slots = np.zeros_like(everyone) if dt.index is None else dt.index.numpy()

        def combined(*terms: tuple[int, np.ndarray]) -> np.ndarray:
            return kernels.combine(tables, slots, everyone, *zip(*terms, strict=True))

        def spectrum(rows: np.ndarray) -> Tensor:
            return torch.from_numpy(rows.view(np.complex128).reshape(-1, *v.shape[1:]))

        def rate_of(rows: np.ndarray, time: Tensor) -> np.ndarray:
            return rows_of(system.rate(spectrum(rows), time))

        start, at_start = rows_of(v), rows_of(rate)
        middle, end = t + 0.5 * length, t + length
        a = combined((HALF, start), (STAGE, at_start))
        at_a = rate_of(a, middle)
        at_b = rate_of(combined((HALF, start), (STAGE, at_a)), middle)
        at_c = rate_of(combined((HALF, a), (TWICE, at_b), (LESS, at_start)), end)
        new = spectrum(combined((FULL, start), (FIRST, at_start), (MIDDLE, at_a), (MIDDLE, at_b), (LAST, at_c)))

        def estimate() -> tuple[Tensor, Tensor]:
            at_end = system.rate(new, end)
            return spectrum(combined((LAST, at_c), (MINUS, rows_of(at_end)))) + self._force_error(t, dt), at_end

        def inside(parts: int, rows: np.ndarray) -> Tensor:
            maps = np.stack([_flat(m.values) for m in self._inside(dt.of(int(rows[0])), parts).values()], axis=1)
            those, times = np.tile(rows, parts - 1), np.repeat(np.arange(parts - 1), len(rows))
            found = kernels.combine(maps, times, those, (0, 1, 2, 2, 3), (start, at_start, at_a, at_b, at_c))
            return spectrum(found).view(parts - 1, len(rows), *v.shape[1:])

        return Step(new, estimate, inside)

    def _compiles(self, v: Tensor, rate: Tensor) -> bool:
        symbol = self.system.symbol
        asked = torch.is_grad_enabled() and (v.requires_grad or rate.requires_grad or symbol.values.requires_grad)
        return v.device.type == "cpu" and not (asked or symbol.coupled or symbol.values.is_complex())

    def _stacked(self, dt: Lengths) -> np.ndarray:
        """Tables of some lengths, `(d, 9, 1 or b, n)`; the last ones are kept."""
        if self._tables_of[0] != dt.values:
            found = [self._table(value, self._coefficients) for value in dt.values]
            stacks = []
            for table in found:
                stage, last = table["stage"].values, table["last"].values
                maps = [*(m.values for m in table.values()), 2.0 * stage, -stage, -last]
                stacks.append(_flat(torch.stack(maps)))
            self._tables_of = dt.values, np.stack(stacks)
        return self._tables_of[1]


def _flat(values: Tensor) -> np.ndarray:
    """Coefficients `(m, 1 or b, c, *k, 2)` as rows."""
    return values.flatten(2).numpy()
