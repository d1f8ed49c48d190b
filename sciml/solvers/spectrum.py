"""Derivatives that stay in Fourier space until somebody needs values."""

from typing import Any

import torch
from torch import Tensor

from sciml.numerics import SpectralDerivatives, derivative_symbol, inverse_laplacian_symbol


class Spectrum:
    """A field known by its Fourier coefficients, `(b, *k)`.

    Sums, differences and scaling by numbers per sample act on the coefficients; any other operation acts on the values,
    which are transformed once. It saves the pair of transforms between a derivative and the spectrum of a right side.
    """

    def __init__(self, coefficients: Tensor, derivatives: "FourierDerivatives") -> None:
        self.coefficients, self.derivatives = coefficients, derivatives
        self._values: Tensor | None = None

    @property
    def values(self) -> Tensor:
        if self._values is None:
            self._values = self.derivatives.backward(self.coefficients)
        return self._values

    def _scaled(self, factor: Any) -> "Spectrum | Tensor":
        dims = self.derivatives.grid.dimensions
        if isinstance(factor, int | float) or (
            isinstance(factor, Tensor) and (factor.ndim == 0 or factor.shape[-dims:].numel() == 1)
        ):
            return Spectrum(self.coefficients * factor, self.derivatives)
        return self.values * value_of(factor)

    def __mul__(self, other: Any) -> Any:
        return self._scaled(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._scaled(1.0 / other) if not isinstance(other, Spectrum) else self.values / other.values

    def __rtruediv__(self, other: Any) -> Tensor:
        return other / self.values

    def __neg__(self) -> "Spectrum":
        return Spectrum(-self.coefficients, self.derivatives)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Spectrum):
            return Spectrum(self.coefficients + other.coefficients, self.derivatives)
        return self.values + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Spectrum):
            return Spectrum(self.coefficients - other.coefficients, self.derivatives)
        return self.values - other

    def __rsub__(self, other: Any) -> Tensor:
        return other - self.values

    def __pow__(self, exponent: Any) -> Tensor:
        return self.values**exponent

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        plain = [[value_of(b) for b in a] if isinstance(a, list | tuple) else value_of(a) for a in args]
        return function(*plain, **{k: value_of(v) for k, v in (kwargs or {}).items()})


def multiply(factor: Tensor, coefficients: Tensor) -> Tensor:
    """Real or complex factor times complex coefficients, every product rounded by itself.

    The library's complex product rounds differently at the end of an array than within it, which would make the bits of
    a sample depend on its place in a batch.
    """
    if not factor.is_complex():
        return torch.view_as_complex(factor[..., None] * torch.view_as_real(coefficients))
    a, b = factor.real, factor.imag
    x, y = coefficients.real, coefficients.imag
    return torch.complex(a * x - b * y, a * y + b * x)


def value_of(field: Any) -> Any:
    """The values of a `Spectrum`; anything else as it is."""
    return field.values if isinstance(field, Spectrum) else field


class FourierDerivatives(SpectralDerivatives):
    """`SpectralDerivatives` that returns a `Spectrum`, with the symbols and coordinates kept: for one device alone."""

    def __init__(self, grid: Any, device: torch.device | str = "cpu") -> None:
        super().__init__(grid, device=device)
        self._symbols: dict[tuple[int, ...], Tensor] = {}
        self._inverse: Tensor | None = None
        self._dims = tuple(range(-grid.dimensions, 0))
        self._coordinates = super().coordinates()

    def forward(self, u: Tensor) -> Tensor:
        if self._one_by_one(u):
            return torch.stack([torch.fft.rfftn(sample, dim=self._dims) for sample in u])
        return torch.fft.rfftn(u, dim=self._dims)

    def backward(self, v: Tensor) -> Tensor:
        if self._one_by_one(v):
            return torch.stack([self.backward(sample) for sample in v])
        return torch.fft.irfftn(v, s=self.grid.shape, dim=self._dims)

    def _one_by_one(self, u: Tensor) -> bool:
        """On a CPU a transform of several axes rounds differently in a batch; samples must not depend on one."""
        dims = self.grid.dimensions
        return dims > 1 and u.ndim > dims and len(u) > 1 and u.device.type == "cpu"

    def spectrum(self, u: "Spectrum | Tensor") -> Tensor:
        return u.coefficients if isinstance(u, Spectrum) else self.forward(u)

    def derivative(self, u: Any, counts: tuple[int, ...]) -> Any:
        if not any(counts):
            return u
        coefficients = self.spectrum(u)
        if counts not in self._symbols:
            self._symbols[counts] = derivative_symbol(self.grid, counts, coefficients.device)
        return Spectrum(self._symbols[counts] * coefficients, self)

    def inverse_laplacian(self, f: Any) -> Any:
        coefficients = self.spectrum(f)
        if self._inverse is None:
            self._inverse = inverse_laplacian_symbol(self.grid, coefficients.device)
        return Spectrum(multiply(self._inverse, coefficients), self)

    def coordinates(self) -> dict[str, Tensor]:
        return self._coordinates
