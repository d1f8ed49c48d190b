"""Layers without knowledge of equations."""

from sciml.nn.normalization import Normalized, Normalizer

__all__ = ["Normalized", "Normalizer"]
