"""An ensemble of equal networks by stacked weights: all members in the same batched products."""

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from sciml.describe import Described, build, describe
from sciml.nn.coordinate_network import at_least_one
from sciml.numerics import Field, Jet


class StackedEnsemble(Described, nn.Module):
    r"""$m$ networks of one architecture with parameters of their own, $z \mapsto (u^{(1)}(z), \dots, u^{(m)}(z))$.

    Points `(..., d)` give values `(m, ..., c)`, and jets give jets: an equation's residual, and a loss that is a mean
    over it, hold for all members at once, and the gradient of each member is that of its own loss divided by $m$.

    Args:
        network: the architecture; members are made anew from its description, each with a start of its own (an
            embedding with a seed is the same in all).
        members: $m$.

    Raises:
        ValueError: fewer than one member.
    """

    def __init__(self, network: nn.Module, members: int) -> None:
        super().__init__()
        at_least_one(members=members)
        self.members = members
        copies = [_anew(network) for _ in range(members)]
        # In a tuple, so that it is no submodule: it lends its structure, never its weights.
        self._structure = (copies[0],)
        states = [copy.state_dict(keep_vars=True) for copy in copies]
        self._stacked = {name: _flat(name) for name in states[0]}
        for name, flat in self._stacked.items():
            stack = torch.stack([state[name].detach() for state in states])
            if isinstance(states[0][name], nn.Parameter):
                self.register_parameter(flat, nn.Parameter(stack))
            else:
                self.register_buffer(flat, stack)
        # What the constructor alone determines is equal in all members.
        self._shared = {name: _flat(name) for name, _ in copies[0].named_buffers() if name not in self._stacked}
        for name, flat in self._shared.items():
            self.register_buffer(flat, copies[0].get_buffer(name), persistent=False)

    @classmethod
    def example(cls) -> "StackedEnsemble":
        from sciml.nn.mlp import MLP

        return cls(MLP(2, 2, width=8, depth=2), members=3)

    def forward(self, z: Field) -> Field:
        shared = {name: getattr(self, flat) for name, flat in self._shared.items()}
        space = None

        def member(state: dict[str, Tensor]) -> Tensor:
            nonlocal space
            u = functional_call(self._structure[0], {**state, **shared}, (z,))
            if not isinstance(u, Jet):
                return u
            space = u.space
            return u.coefficients

        u = vmap(member)({name: getattr(self, flat) for name, flat in self._stacked.items()})
        return u if space is None else Jet(u.transpose(0, 1), space)

    def member(self, index: int) -> nn.Module:
        """One member as a network of its own, with a copy of its weights.

        Raises:
            IndexError: there is no such member.
        """
        if not 0 <= index < self.members:
            raise IndexError(f"member {index} of {self.members}.")
        states = {name: getattr(self, flat)[index] for name, flat in self._stacked.items()}
        like = next(self.parameters())
        network = _anew(self._structure[0]).to(device=like.device, dtype=like.dtype)
        network.load_state_dict(states)
        return network


def _flat(name: str) -> str:
    """Names of parameters hold no dots."""
    return name.replace(".", "__")


def _anew(network: nn.Module) -> nn.Module:
    """A network of the same description, dtype and device with random weights of its own."""
    package = type(network).__module__.partition(".")[0]
    copy = build(describe(network), trust=(package,))
    like = next(network.parameters())
    return copy.to(device=like.device, dtype=like.dtype)
