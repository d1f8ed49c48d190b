"""How much memory a step needs: what derivatives keep, and what lies in nested states."""

from collections import Counter
from functools import partial
from typing import Any

import torch
from torch import Tensor


class KeptBytes:
    """Counts the memory that the derivatives of an objective keep at one time at most, each storage once.

    Hooks see what the backward pass of its terms holds on to; `torch.func`, which makes the Jacobian of `linearize`,
    knows no hooks, and the Jacobian itself is counted.
    """

    def __init__(self, objective: Any) -> None:
        self.holders: Counter[int] = Counter()
        self.current = self.peak = self.jacobian = 0
        self._terms, objective.terms = objective.terms, self._watched_terms
        if hasattr(objective, "linearize"):
            self._linearize, objective.linearize = objective.linearize, self._watched_linearize

    @property
    def total(self) -> int:
        return self.peak + self.jacobian

    def _watched_terms(self, *args: Any) -> Any:
        with torch.autograd.graph.saved_tensors_hooks(partial(_Held, self), lambda held: held.tensor):
            return self._terms(*args)

    def _watched_linearize(self, *args: Any) -> Any:
        result = self._linearize(*args)
        self.jacobian = max(self.jacobian, bytes_of(result))
        return result

    def count(self, storage: torch.UntypedStorage, change: int) -> None:
        """One tensor more or less that is kept within a storage."""
        before = self.holders[storage.data_ptr()]
        self.holders[storage.data_ptr()] = after = before + change
        self.current += storage.nbytes() * (bool(after) - bool(before))
        self.peak = max(self.peak, self.current)


class _Held:
    """A tensor for as long as a backward pass may need it: autograd drops this with the graph."""

    def __init__(self, owner: KeptBytes, tensor: Tensor) -> None:
        self.owner, self.tensor = owner, tensor
        owner.count(tensor.untyped_storage(), 1)

    def __del__(self) -> None:
        self.owner.count(self.tensor.untyped_storage(), -1)


def bytes_of(state: Any) -> int:
    """Of all tensors in nested dictionaries and lists."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ()
    return sum(bytes_of(part) for part in parts)
