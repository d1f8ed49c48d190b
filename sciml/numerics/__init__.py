"""Array kernels without state and I/O: what differentiates, and what it is made of."""

from sciml.numerics.bounded import BoundedDifferences
from sciml.numerics.compiled import Compiled
from sciml.numerics.coordinates import call_with_coordinates
from sciml.numerics.cosine import Cosine, Fourier, LineTransform, QuarterCosine, QuarterSine, Sine
from sciml.numerics.derivatives import (
    Derivatives,
    Field,
    FiniteDifferences,
    GridDerivatives,
    PointDerivatives,
    ReverseMode,
    SpectralDerivatives,
    WaveNumbers,
)
from sciml.numerics.engines import point_derivatives
from sciml.numerics.fourier import derivative_symbol, inverse_laplacian_symbol, wave_vectors, wavenumbers
from sciml.numerics.ghosts import GhostLayers, ghost_layer
from sciml.numerics.jet_space import Laplacian, Request, expanded
from sciml.numerics.jets import Jet, UnsupportedOperation, value
from sciml.numerics.quadrature import GaussLegendre, QuasiMonteCarlo, Rule
from sciml.numerics.requirements import requests, required
from sciml.numerics.staggered import Staggered
from sciml.numerics.taylor_mode import RandomDirections, TaylorMode

__all__ = [
    "BoundedDifferences",
    "Compiled",
    "Cosine",
    "Derivatives",
    "Field",
    "FiniteDifferences",
    "Fourier",
    "GaussLegendre",
    "GhostLayers",
    "GridDerivatives",
    "Jet",
    "Laplacian",
    "LineTransform",
    "PointDerivatives",
    "QuarterCosine",
    "QuarterSine",
    "QuasiMonteCarlo",
    "RandomDirections",
    "Request",
    "ReverseMode",
    "Rule",
    "Sine",
    "SpectralDerivatives",
    "Staggered",
    "TaylorMode",
    "UnsupportedOperation",
    "WaveNumbers",
    "call_with_coordinates",
    "derivative_symbol",
    "expanded",
    "ghost_layer",
    "inverse_laplacian_symbol",
    "point_derivatives",
    "requests",
    "required",
    "value",
    "wave_vectors",
    "wavenumbers",
]
