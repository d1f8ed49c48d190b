"""Optimisers beside torch's. They need no trainer and know no network."""

from sciml.optim.grouped import GroupedAdamW

__all__ = ["GroupedAdamW"]
