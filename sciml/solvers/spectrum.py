"""Derivatives that stay in Fourier space until somebody needs values."""

from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.fields import Grid
from sciml.numerics import SpectralDerivatives, derivative_symbol, inverse_laplacian_symbol


class Spectrum:
    """A field known by its Fourier coefficients, `(b, *k)`, in the layout of `FourierDerivatives`.

    Derivatives, sums, differences and scaling by numbers per sample act on the coefficients; any other operation acts
    on the values, which are transformed once. It saves the pair of transforms between a derivative and the spectrum of
    a right side. A symbol is multiplied when the coefficients are asked for: until then a number that scales the field
    and the symbols of a sum of its derivatives act on the symbol alone, which all samples share.

    Args:
        base: coefficients, `(b, *k)`.
        derivatives: what transforms and differentiates.
        symbol: what the coefficients are still to be multiplied with, `(*k)`; real, or complex without a real part.
        values: on the grid, `(b, *s)`, where they are known.
    """

    def __init__(
        self,
        base: Tensor,
        derivatives: "FourierDerivatives",
        symbol: Tensor | None = None,
        values: Tensor | None = None,
    ) -> None:
        self.base, self.derivatives, self.symbol = base, derivatives, symbol
        self._coefficients = base if symbol is None else None
        self._values = values

    @property
    def coefficients(self) -> Tensor:
        if self._coefficients is None:
            assert self.symbol is not None
            # Every product has a factor zero: its rounding is that of a real product, wherever it stands in an array.
            self._coefficients = self.symbol * self.base
        return self._coefficients

    @property
    def values(self) -> Tensor:
        if self._values is None:
            self._values = self.derivatives.backward(self.coefficients)
        return self._values

    def _scaled(self, factor: Any) -> "Spectrum | Tensor":
        dims = self.derivatives.grid.dimensions
        if isinstance(factor, int | float) and self.symbol is not None:
            return Spectrum(self.base, self.derivatives, self.derivatives.scaled(self.symbol, factor))
        if isinstance(factor, int | float) or (
            isinstance(factor, Tensor) and (factor.ndim == 0 or factor.shape[-dims:].numel() == 1)
        ):
            return Spectrum(self.coefficients * factor, self.derivatives)
        return self.values * value_of(factor)

    def _added(self, other: "Spectrum", sign: int) -> "Spectrum":
        mine, theirs = self.symbol, other.symbol
        if self.base is other.base and mine is not None and theirs is not None and mine.dtype == theirs.dtype:
            return Spectrum(self.base, self.derivatives, torch.add(mine, theirs, alpha=sign))
        return Spectrum(torch.add(self.coefficients, other.coefficients, alpha=sign), self.derivatives)

    def __mul__(self, other: Any) -> Any:
        return self._scaled(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._scaled(1.0 / other) if not isinstance(other, Spectrum) else self.values / other.values

    def __rtruediv__(self, other: Any) -> Tensor:
        return other / self.values

    def __neg__(self) -> Any:
        return self * -1.0

    def __add__(self, other: Any) -> Any:
        return self._added(other, 1) if isinstance(other, Spectrum) else self.values + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._added(other, -1) if isinstance(other, Spectrum) else self.values - other

    def __rsub__(self, other: Any) -> Tensor:
        return other - self.values

    def __pow__(self, exponent: Any) -> Tensor:
        return self.values**exponent

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        plain = [[value_of(b) for b in a] if isinstance(a, list | tuple) else value_of(a) for a in args]
        return function(*plain, **{k: value_of(v) for k, v in (kwargs or {}).items()})


def value_of(field: Any) -> Any:
    """The values of a `Spectrum`; anything else as it is."""
    return field.values if isinstance(field, Spectrum) else field


class FourierDerivatives(SpectralDerivatives):
    """`SpectralDerivatives` that returns a `Spectrum`, with the symbols and coordinates kept: for one device alone.

    Spectra hold only the modes that survive dealiasing, and their axes in reverse order, so that each transform runs
    along the last, contiguous axis: a transform across other axes rounds differently in a batch, and a sample must not
    depend on one.

    Args:
        grid: periodic and uniform.
        dealias: fraction of the modes per axis that spectra keep, those below it; one keeps all, that of Nyquist too.
        device: of the fields.
    """

    def __init__(self, grid: Grid, dealias: float = 1.0, device: torch.device | str = "cpu") -> None:
        super().__init__(grid, device=device)
        self._symbols: dict[tuple[int, ...], Tensor] = {}
        self._scaled: dict[tuple[int, float], Tensor] = {}
        self._inverse: Tensor | None = None
        self._coordinates = super().coordinates()
        #: Number of modes 0, 1, 2, ... that are kept on each axis.
        self.modes = [n // 2 + 1 if dealias == 1 else sum(m < dealias * n / 2 for m in range(n)) for n in grid.shape]

    def forward(self, u: Float[Tensor, "..."]) -> Complex[Tensor, "..."]:
        """Coefficients of values, `(..., *s) -> (..., *k)`."""
        last = self.grid.dimensions - 1
        v = torch.fft.rfft(u)[..., : self.modes[last]]
        for axis in range(last - 1, -1, -1):
            v = self._cut(torch.fft.fft(v.movedim(axis - last - 1, -1).contiguous()), axis)
        return v

    def backward(self, v: Complex[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Values of coefficients, `(..., *k) -> (..., *s)`."""
        last = self.grid.dimensions - 1
        for axis in range(last):
            v = torch.fft.ifft(self._filled(v, axis)).movedim(-1, axis - last - 1).contiguous()
        return torch.fft.irfft(v, n=self.grid.shape[last])

    def _cut(self, v: Tensor, axis: int) -> Tensor:
        n, m = self.grid.shape[axis], self.modes[axis]
        return v if 2 * m > n else torch.cat([v[..., :m], v[..., n - m + 1 :]], dim=-1)

    def _filled(self, v: Tensor, axis: int) -> Tensor:
        n, m = self.grid.shape[axis], self.modes[axis]
        if 2 * m > n:
            return v
        return torch.cat([v[..., :m], v.new_zeros(*v.shape[:-1], n - 2 * m + 1), v[..., m:]], dim=-1)

    def restrict(self, symbol: Tensor) -> Tensor:
        """A symbol `(..., *k)` over the half spectrum of the real FFT in the layout of spectra; broadcast axes stay."""
        last = self.grid.dimensions - 1
        for axis in range(last + 1):
            symbol = symbol.movedim(axis - last - 1, -1)
            if symbol.shape[-1] > 1:
                symbol = symbol[..., : self.modes[axis]] if axis == last else self._cut(symbol, axis)
            symbol = symbol.movedim(-1, axis - last - 1)
        return symbol.permute(*range(symbol.ndim - last - 1), *range(symbol.ndim - 1, symbol.ndim - last - 2, -1))

    def field(self, u: "Spectrum | Tensor") -> Spectrum:
        return u if isinstance(u, Spectrum) else Spectrum(self.forward(u), self, values=u)

    def spectrum(self, u: "Spectrum | Tensor") -> Tensor:
        return self.field(u).coefficients

    def derivative(self, u: Any, counts: tuple[int, ...]) -> Any:
        if not any(counts):
            return u
        if counts not in self._symbols:
            symbol = self.restrict(derivative_symbol(self.grid, counts, self.device or "cpu")).contiguous()
            self._symbols[counts] = symbol if sum(counts) % 2 else symbol.real.contiguous()
        return Spectrum(self.spectrum(u), self, self._symbols[counts])

    def scaled(self, symbol: Tensor, factor: float) -> Tensor:
        """A symbol times a number; kept for the symbols of derivatives, which live as long as this does."""
        if not any(symbol is own for own in self._symbols.values()):
            return symbol * factor
        key = id(symbol), factor
        if key not in self._scaled:
            self._scaled[key] = symbol * factor
        return self._scaled[key]

    def grad(self, u: Any) -> tuple[Any, ...]:
        return super().grad(self.field(u))

    def laplacian(self, u: Any) -> Any:
        return super().laplacian(self.field(u))

    def inverse_laplacian(self, f: Any) -> Any:
        if self._inverse is None:
            symbol = inverse_laplacian_symbol(self.grid, self.device or "cpu")
            self._inverse = self.restrict(symbol).contiguous()
        return Spectrum(self.spectrum(f), self, self._inverse)

    def coordinates(self) -> dict[str, Tensor]:
        return self._coordinates
