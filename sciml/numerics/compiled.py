"""Compiled kernels of jets: the recurrences of an activation over all rows, fused into one loop.

A kernel is run once while its tensor operations are recorded, and the flat graph goes to `torch.compile`; the matrix
products between the kernels are the library's as before, and networks and residuals stay the Python that they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

Kernel = Callable[..., Tensor]

_recording = False
_wanted = False
_made: dict[Any, Kernel] = {}


def recording() -> bool:
    """Whether a kernel is being recorded."""
    return _recording


def wanted() -> bool:
    """Whether kernels are to be compiled at present."""
    return _wanted


@contextmanager
def _set(name: str) -> Iterator[None]:
    before = globals()[name]
    globals()[name] = True
    try:
        yield
    finally:
        globals()[name] = before


def fused(kernel: Kernel, stacks: tuple[Tensor, ...], static: tuple[Any, ...]) -> Tensor:
    """`kernel(*stacks, *static)`, compiled for the number of rows; stacks are `(rows, m)`, with any `m`."""
    key = (kernel, static, *((len(s), s.dtype, s.device) for s in stacks))
    if key not in _made:
        from torch.fx.experimental.proxy_tensor import make_fx  # loads sympy

        with _set("_recording"):
            graph = make_fx(lambda *given: kernel(*given, *static))(*stacks)
        _made[key] = torch.compile(graph, dynamic=True)
    return _made[key](*stacks)


class Compiled:
    """A residual whose jets go through compiled kernels, in its gradient as well.

    Each activation takes some seconds at its first call, once per process for all networks and numbers of points.

    Args:
        residual: `(network, points) -> {name: (n,)}` (`Problem.network_residual`).
    """

    def __init__(self, residual: Callable[[nn.Module, Tensor], dict[str, Tensor]]) -> None:
        self.residual = residual

    def __call__(self, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Float[Tensor, " n"]]:
        with _set("_wanted"):
            return self.residual(network, points)
