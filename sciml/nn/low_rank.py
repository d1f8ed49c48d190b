"""Low-rank adapters: a trained network that learns small corrections of chosen matrices and nothing else."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sciml.describe import Described
from sciml.objective import accepts

#: How torch names an adapted weight, and what is added to it.
_ORIGINAL, _UPDATE = ".parametrizations.weight.original", ".parametrizations.weight.0."


class LowRankUpdate(nn.Module):
    r"""$W \mapsto W + \frac{\alpha}{r} B A$ with $A \in R^{r \times n}$ random, $B \in R^{m \times r}$ zero at first.

    Args:
        rows, columns: $m$ and $n$.
        rank: $r$.
        alpha: scale of the update.
    """

    def __init__(self, rows: int, columns: int, rank: int, alpha: float) -> None:
        super().__init__()
        self.scale = alpha / rank
        self.down = nn.Parameter(torch.empty(rank, columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
        return torch.addmm(weight, self.up, self.down, alpha=self.scale)


class LowRank(Described, nn.Module):
    """A network whose linear layers of given names are trained by low-rank updates, everything else frozen.

    Before training it is the network that it was made of. `merged()` is that network with the updates added in.

    Args:
        network: trained or to be loaded by `load_base`.
        rank: of the updates.
        layers: last parts of the names of linear layers that are adapted.
        alpha: scale of the updates, as a multiple of 1 / `rank`.
        also: beginnings of names of parameters that are trained as they are (new input and output layers).

    Raises:
        ValueError: no linear layer of such a name, or a rank below 1.

    Reference: Hu et al. (2021), arXiv:2106.09685, eq. (3).
    """

    def __init__(
        self,
        network: nn.Module,
        rank: int = 8,
        layers: Sequence[str] = ("query", "value"),
        alpha: float = 8.0,
        also: Sequence[str] = (),
    ) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank={rank} must be at least 1.")
        chosen = {
            name: module
            for name, module in network.named_modules()
            if isinstance(module, nn.Linear) and name.rpartition(".")[2] in layers
        }
        if not chosen:
            raise ValueError(f"layers={list(layers)} names no linear layer of {type(network).__name__}.")
        self.network = network
        for attribute in ("in_channels", "out_channels"):
            if hasattr(network, attribute):
                setattr(self, attribute, getattr(network, attribute))
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith(tuple(also)) if also else False)
        for module in chosen.values():
            update = LowRankUpdate(module.out_features, module.in_features, rank, alpha).to(module.weight)
            parametrize.register_parametrization(module, "weight", update)

    @property
    def accepts(self) -> frozenset[str]:
        """Keyword arguments that the network inside takes."""
        return accepts(self.network)

    def forward(self, x: Float[Tensor, "b c *s"], **arguments: Any) -> Float[Tensor, "b c2 *s"]:
        with parametrize.cached():
            return self.network(x, **arguments)

    def base_state(self) -> dict[str, Tensor]:
        """The weights of the network without adapters, by their own names."""
        return {plain: value for plain, (_, value) in self._base().items()}

    def load_base(self, state: Mapping[str, Tensor]) -> None:
        """Takes the weights of the network without adapters, by their own names.

        Raises:
            RuntimeError: names or shapes that do not fit.
        """
        names = {plain: inside for plain, (inside, _) in self._base().items()}
        updates = {k: v for k, v in self.network.state_dict().items() if _UPDATE in k}
        self.network.load_state_dict({**{names.get(k, k): v for k, v in state.items()}, **updates})

    def _base(self) -> dict[str, tuple[str, Tensor]]:
        """Name inside and tensor by the name that it has without adapters."""
        state = self.network.state_dict()
        return {k.replace(_ORIGINAL, ".weight"): (k, v) for k, v in state.items() if _UPDATE not in k}

    def merged(self) -> nn.Module:
        """The network with the updates added to its weights, under its own names; this object is used up by it."""
        for module in list(self.network.modules()):
            if parametrize.is_parametrized(module, "weight"):
                parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
        return self.network
