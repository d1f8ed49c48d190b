"""AdamW with rates and decays of their own for named groups of parameters."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.optim import AdamW


class GroupedAdamW(AdamW):
    """AdamW that gives each named group of parameters its own rate and weight decay.

    A network with a method `parameter_groups()` hands its parameters over in such groups.

    Args:
        params: parameters, or groups `{"params": [...], "name": ...}`.
        lr: rate of the groups that `rates` does not name.
        rates: rate by the name of the group.
        weight_decay: decay of the groups that `decays` does not name.
        decays: decay by the name of the group.
        betas: decays of the two moments.
        eps: added to the root of the second moment.
        fused: one kernel for the whole step.

    Raises:
        ValueError: a rate or a decay for a group that is not there.

    Reference: Loshchilov & Hutter (2019), arXiv:1711.05101, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        rates: Mapping[str, float] | None = None,
        weight_decay: float = 1e-2,
        decays: Mapping[str, float] | None = None,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        fused: bool | None = None,
    ) -> None:
        rates, decays = dict(rates or {}), dict(decays or {})
        groups: list[dict[str, Any]] = []
        loose: list[Tensor] = []
        for entry in params:
            if isinstance(entry, dict):
                groups.append(dict(entry))
            else:
                loose.append(entry)
        if loose:
            groups.append({"params": loose})
        names = [group.get("name") for group in groups]
        for what, given in (("rates", rates), ("decays", decays)):
            if unknown := sorted(set(given) - {n for n in names if n}):
                there = ", ".join(n for n in names if n) or "none"
                raise ValueError(f"{what} names {unknown[0]!r}; the groups of the network are: {there}.")
        for group, name in zip(groups, names, strict=True):
            group.setdefault("lr", rates.get(name or "", lr))
            group.setdefault("weight_decay", decays.get(name or "", weight_decay))
        super().__init__(groups, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=fused)
