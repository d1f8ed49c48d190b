"""Figures of merit; each returns one number per sample, `(b,)`."""

from sciml.metrics.errors import max_error, nrmse, relative_h1, relative_l2, vrmse

__all__ = ["max_error", "nrmse", "relative_h1", "relative_l2", "vrmse"]
