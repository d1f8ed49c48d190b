"""One network after the other in time: each window starts exactly from where the one before ends."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sciml.describe import build, describe
from sciml.nn import CoordinateMap, Frozen
from sciml.numerics import Field, Jet
from sciml.pinn.ansatz import ChannelValues, Value, columns_of


class TimeWindows(CoordinateMap):
    r"""$u_k(x, t) = u_{k-1}(x, t_k) + s\,(t - t_k)\,N_k(x, \tau)$ for $t_k \le t \le t_{k+1}$, with $\tau \in [-1, 1]$
    the time of the window.

    One window is trained at a time; its weights are the module's parameters. `advance` stores them and goes on to the
    next window, with fresh weights or from those that are there. On jets, which belong to training, the current
    window answers; on tensors each point is answered by the window that its time lies in.

    Args:
        network: $N$, of the coordinates of space and $\tau$.
        initial: $u_0$, one for each channel of `channels` or one for all; numbers, texts or callables of the
            coordinates of space.
        start, stop: first and last time.
        count: number of windows, of equal length.
        scale: $s$.
        warm: whether a window starts from the weights of the one before.
        channels: numbers of the network's channels that go on from window to window; the others, such as a pressure,
            are those of $N_k$ and may jump. All without.

    Raises:
        ValueError: no window, a stop that is not after the start, a channel that is not there, or initial values that
            are not as many as the channels.

    Reference: Wang, Sankaran & Perdikaris (2024), Comput. Methods Appl. Mech. Eng. 421:116813, section 3.
    """

    stored: Tensor
    window: Tensor

    def __init__(
        self,
        network: CoordinateMap,
        initial: Sequence[Value] | Value,
        start: float = 0.0,
        stop: float = 1.0,
        count: int = 10,
        scale: float = 1.0,
        warm: bool = False,
        channels: Sequence[int] | None = None,
    ) -> None:
        super().__init__(network.in_features, network.out_features)
        if count < 1 or not start < stop:
            raise ValueError(f"count={count} must be at least 1, and start={start} before stop={stop}.")
        self.network, self.scale, self.warm = network, scale, warm
        self.edges = [start + (stop - start) * k / count for k in range(count + 1)]
        self.channels = ChannelValues("initial", initial, channels, network.out_features)
        size = sum(p.numel() for p in network.parameters())
        self.register_buffer("stored", torch.zeros(count - 1, size))
        self.register_buffer("window", torch.zeros((), dtype=torch.long))
        self._starts = [Frozen(_Start(self, k)) for k in range(count)]

    @classmethod
    def example(cls) -> "TimeWindows":
        from sciml.nn import MLP

        return cls(MLP(2, 2, width=6, depth=1), 0.5, count=2)

    @property
    def count(self) -> int:
        """Number of windows."""
        return len(self.edges) - 1

    @property
    def interval(self) -> tuple[float, float]:
        """Start and end of the current window."""
        k = int(self.window)
        return self.edges[k], self.edges[k + 1]

    def advance(self, seed: int = 0) -> None:
        """Stores the weights of the current window and goes on to the next one.

        Args:
            seed: of the fresh weights.

        Raises:
            ValueError: the current window is the last one.
        """
        k = int(self.window)
        if k + 1 >= self.count:
            raise ValueError(f"window {k} is the last of {self.count}.")
        with torch.no_grad():
            self.stored[k] = torch.cat([p.flatten() for p in self.network.parameters()])
            if not self.warm:
                self._begin_anew(seed)
        self.window += 1

    def _begin_anew(self, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = build(describe(self.network))
        for own, other in zip(self.network.parameters(), fresh.parameters(), strict=True):
            own.copy_(other)

    def forward(self, z: Field) -> Field:
        k = int(self.window)
        if isinstance(z, Jet) or k == 0:
            return self.at_window(k, z)
        flat = z.reshape(-1, self.in_features)
        edges = torch.tensor(self.edges[1 : k + 1], dtype=z.dtype, device=z.device)
        number = torch.bucketize(flat[:, -1].detach().contiguous(), edges, right=True)
        # Every window answers its own points; they are put back in their order.
        order, parts = [], []
        for i in range(k + 1):
            chosen = (number == i).nonzero()[:, 0]
            order.append(chosen)
            parts.append(self.at_window(i, flat[chosen]))
        values = torch.cat(parts)[torch.cat(order).argsort()]
        return values.reshape(*z.shape[:-1], self.out_features)

    def at_window(self, k: int, z: Field) -> Field:
        """The solution of window `k`, wherever its points lie."""
        factor = self.channels.factor((z[..., -1:] - self.edges[k]) * self.scale)
        return self._starts[k](z) + factor * self._network(k, self._local(k, z))

    def _local(self, k: int, z: Field) -> Field:
        low, high = self.edges[k], self.edges[k + 1]
        time = (z[..., -1:] - (low + high) / 2) * (2 / (high - low))
        return torch.cat([z[..., :-1], time], dim=-1) if self.in_features > 1 else time

    def _network(self, k: int, z: Field) -> Field:
        if k == int(self.window):
            return self.network(z)
        values, weights, first = self.stored[k], {}, 0
        for name, p in self.network.named_parameters():
            weights[name] = values[first : first + p.numel()].view_as(p)
            first += p.numel()
        return torch.func.functional_call(self.network, weights, (z,))


class _Start(nn.Module):
    """The state at the beginning of a window, as a function of the coordinates; not trained."""

    def __init__(self, owner: TimeWindows, window: int) -> None:
        super().__init__()
        self.__dict__["owner"], self.window = owner, window

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """What a kept image depends on beside the points."""
        yield self.__dict__["owner"].stored

    def forward(self, z: Field) -> Field:
        owner: Any = self.__dict__["owner"]
        result = columns_of(owner.channels.values, z, owner.in_features - 1)
        for k in range(self.window):
            length = owner.edges[k + 1] - owner.edges[k]
            end = z[..., -1:] * 0.0 + 1.0
            at_end = torch.cat([z[..., :-1], end], dim=-1) if owner.in_features > 1 else end
            result = result + (length * owner.scale) * owner.channels.mask.to(z.dtype) * owner._network(k, at_end)
        return result
