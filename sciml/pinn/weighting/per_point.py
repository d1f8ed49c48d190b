"""Weights that belong to single points: state that follows the points."""

from typing import Any

import torch
from torch import Tensor, nn

from sciml.objective import Term


class PointState(nn.Module):
    """One number per point and term, in buffers; those of a term start anew when its points do.

    Args:
        start: what a number begins with.
    """

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start

    def of(self, name: str, term: Term) -> Tensor:
        """The numbers of a term, `(n,)`."""
        key = name.replace(".", "_")
        known, places = getattr(self, key, None), getattr(self, f"{key}_at", None)
        points = term.points.detach() if term.points is not None else term.values.new_zeros(len(term.values), 0)
        if known is None or places is None or places.shape != points.shape or not torch.equal(places, points):
            self.register_buffer(key, torch.full_like(term.values.detach(), self.start))
            self.register_buffer(f"{key}_at", points.clone())
        return getattr(self, key)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # Which terms there are, and how many points they have, is known only from what was stored.
        for name, stored in state_dict.items():
            own = name[len(prefix) :]
            if name.startswith(prefix) and "." not in own:
                self.register_buffer(own, torch.empty_like(stored))
        super()._load_from_state_dict(state_dict, prefix, *args)
