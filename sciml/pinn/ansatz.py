"""Networks that satisfy initial and boundary conditions exactly, whatever their weights are."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sciml.fields import Box, SpatialRegion
from sciml.nn import CoordinateMap, Frozen, PeriodicEmbedding
from sciml.numerics import Field, call_with_coordinates
from sciml.pdes import Problem
from sciml.pdes.function import as_function
from sciml.pinn.evolution import Evolution
from sciml.shapes import SPACE, TIME

#: A number, a function as text (`"cos(pi*x)"`) or a callable of the coordinates by name, which must take jets too.
#: In arguments that take several as well, `Sequence[Value]` stands first: a configuration is written out by the first
#: type that can.
Value = float | str | Callable[..., Any]


class HardBoundary(CoordinateMap):
    r"""$u_c(x, t) = g_c(x, t) + \phi(x)\, N_c(x, t)$, which is $g_c$ wherever $\phi = 0$.

    Args:
        network: $N$.
        region: whose boundary carries the condition; $\phi$ is its `bubble`.
        value: $g$, one for each channel of `channels` or one for all; smooth within the region.
        faces: of a box, on which the condition holds (`["x-"]`); the whole boundary without.
        channels: numbers of the network's channels that have the condition; all without.
        normalized: takes the approximate distance function for $\phi$, with slope one at the boundary: then
            $\partial u/\partial n = \partial g/\partial n - N$. It is not smooth in corners, which suits solutions
            that are not smooth there either.

    Raises:
        ValueError: a region of more dimensions than the network has coordinates, a channel that is not there, values
            that are not as many as the channels, or faces of something else than a box.

    Reference: Sukumar & Srivastava (2022), CMAME 389:114333, eq. (5).
    """

    def __init__(
        self,
        network: CoordinateMap,
        region: SpatialRegion,
        value: Sequence[Value] | Value = 0.0,
        faces: Sequence[str] | None = None,
        channels: Sequence[int] | None = None,
        normalized: bool = False,
    ) -> None:
        super().__init__(network.in_features, network.out_features)
        if region.dimensions > network.in_features:
            raise ValueError(f"region has {region.dimensions} dimensions; the network has {network.in_features}.")
        if faces is not None and (normalized or not isinstance(region, Box)):
            raise ValueError(f"faces={list(faces)} can be chosen of a Box that is not normalized.")
        self.channels = ChannelValues("value", value, channels, network.out_features)
        self.network, self.region, self.faces, self.normalized = network, region, faces, normalized
        self._vanishing(torch.zeros(1, region.dimensions))  # a wrong face is named here, not in the first step

    @classmethod
    def example(cls) -> "HardBoundary":
        from sciml.nn import MLP

        return cls(MLP(2, 2, width=6, depth=1), Box((0.0,), (1.0,)), value="t*x", channels=[0])

    def forward(self, z: Field) -> Field:
        factor = self.channels.factor(self._vanishing(z[..., : self.region.dimensions])[..., None])
        return columns_of(self.channels.values, z, self.region.dimensions) + factor * self.network(z)

    def _vanishing(self, x: Field) -> Field:
        if self.normalized:
            return self.region.distance(x)
        return self.region.bubble(x) if self.faces is None else self.region.bubble(x, self.faces)  # type: ignore[call-arg]


class HardInitial(CoordinateMap):
    r"""$u(x, t) = S(t - t_0) u_0(x) + (t - t_0)\, N(x, t)$, which is $u_0$ at $t_0$.

    Without `evolve`, $S$ is the identity. That keeps every kink of $u_0$, or of its periodic extension, for all times:
    an equation with diffusion smooths it at once, and the network cannot undo it.

    Boundary conditions stay satisfied where $S(t) u_0$ satisfies them and $N$ vanishes: give it a `HardBoundary` with
    value zero for `network`.

    Args:
        network: $N$, with time as the last coordinate.
        initial: $u_0$, one for each channel or one for all; numbers, or callables of the coordinates of space.
        evolve: $S$, such as `HeatEvolution` with the diffusivity of the equation, for one coordinate of space.
        start: $t_0$.
        channels: numbers of the network's channels that have the condition; the others are those of $N$. All without.

    Raises:
        ValueError: a channel that is not there, values that are not as many as the channels, or `evolve` in another
            dimension than one or with some channels alone.
    """

    def __init__(
        self,
        network: CoordinateMap,
        initial: Sequence[Value] | Value,
        evolve: Evolution | None = None,
        start: float = 0.0,
        channels: Sequence[int] | None = None,
    ) -> None:
        super().__init__(network.in_features, network.out_features)
        self.channels = ChannelValues("initial", initial, channels, network.out_features)
        if evolve is not None and (network.in_features != 2 or self.channels.partial):
            found = f"{network.in_features} coordinates and channels={channels}"
            raise ValueError(f"evolve is for x and t and all channels; there are {found}.")
        self.network, self.start = network, start
        # Not trained, so that at points that stay it is evaluated once.
        self.first = Frozen(_First(self.channels.values, in_features=network.in_features, evolve=evolve, start=start))

    @classmethod
    def example(cls) -> "HardInitial":
        from sciml.nn import MLP
        from sciml.pinn.evolution import HeatEvolution

        return cls(MLP(2, 1, width=6, depth=1), "sin(pi*x)", HeatEvolution(0.1, 0.0, 1.0, modes=8))

    def forward(self, z: Field) -> Field:
        elapsed = (z[..., self.in_features - 1] - self.start)[..., None]
        return self.first(z) + self.channels.factor(elapsed) * self.network(z)


class _First(nn.Module):
    """What a hard initial condition is without a network: the initial data, evolved or as they are."""

    def __init__(self, values: Sequence[Any], in_features: int, evolve: Evolution | None, start: float) -> None:
        super().__init__()
        self.values, self.space, self.start = values, in_features - 1, start
        self.evolved = None if evolve is None else nn.ModuleList(evolve.of(_of_x(value)) for value in values)

    def forward(self, z: Field) -> Field:
        if self.evolved is None:
            return columns_of(self.values, z, self.space)
        elapsed = z[..., self.space] - self.start
        return torch.stack([series(z[..., 0], elapsed) for series in self.evolved], dim=-1)


def exact_periodicity(problem: Problem, modes: int = 1) -> PeriodicEmbedding:
    """The embedding that makes a network periodic along the periodic axes of a problem.

    The other axes, and time, are mapped to [-1, 1].

    Args:
        problem: the equation on its domain.
        modes: number of harmonics.

    Raises:
        ValueError: no axis is periodic.
    """
    axes = problem.domain.axes
    periods = [a.length if a.kind == "periodic" else None for a in axes]
    intervals: list[tuple[float, float] | None] = [None if a.kind == "periodic" else (a.low, a.high) for a in axes]
    if problem.pde.evolves:
        assert problem.times is not None
        periods.append(None)
        intervals.append((float(problem.times[0]), float(problem.times[-1])))
    return PeriodicEmbedding(periods, modes, intervals)


def each_channel(value: Sequence[Value] | Value, channels: int) -> list[Any]:
    """Numbers and functions by channel; one for all is repeated."""
    given = [*value] if isinstance(value, Sequence) and not isinstance(value, str) else [value] * channels
    return [as_function(v) for v in given]


class ChannelValues(nn.Module):
    """Which channels of a network have a condition, and their values under it.

    Args:
        argument: name of `value`, for messages.
        value: one for each chosen channel or one for all.
        channels: numbers of the chosen ones; all when left out.
        count: number of the network's channels.

    Raises:
        ValueError: a channel that is not there, or values that are not as many as the channels.
    """

    mask: Tensor

    def __init__(
        self, argument: str, value: Sequence[Value] | Value, channels: Sequence[int] | None, count: int
    ) -> None:
        super().__init__()
        chosen = range(count) if channels is None else channels
        if not chosen or not all(0 <= c < count for c in chosen):
            raise ValueError(f"channels={list(chosen)} must be some of 0 to {count - 1}.")
        given = each_channel(value, len(chosen))
        if len(given) != len(chosen):
            raise ValueError(f"{argument} has {len(given)} entries for {len(chosen)} channels.")
        by_channel = dict(zip(chosen, given, strict=True))
        #: By channel; zero where there is no condition.
        self.values = [by_channel.get(c, 0.0) for c in range(count)]
        self.partial = len(by_channel) < count
        self.register_buffer("mask", torch.tensor([float(c in by_channel) for c in range(count)]), persistent=False)

    def factor(self, vanishing: Field) -> Field:
        """What multiplies the network, `(..., 1)` or `(..., c)`: one in the channels without a condition."""
        return (vanishing - 1.0) * self.mask.to(vanishing.dtype) + 1.0 if self.partial else vanishing


def columns_of(values: Sequence[Value], z: Field, dimensions: int) -> Field:
    """Numbers and functions of the coordinates as channels, `(..., c)`; `dimensions` coordinates are those of space."""
    space = SPACE[:dimensions] if dimensions <= len(SPACE) else [f"x{i + 1}" for i in range(dimensions)]
    columns = [z[..., i] for i in range(z.shape[-1])]
    coordinates = dict(zip([*space, TIME], columns, strict=False))
    zero = columns[0] * 0.0
    return torch.stack([zero + (call_with_coordinates(v, coordinates) if callable(v) else v) for v in values], dim=-1)


def _of_x(value: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: call_with_coordinates(value, {"x": x}) if callable(value) else torch.full_like(x, value)
