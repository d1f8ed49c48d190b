"""Residuals as compiled graphs.

A residual on jets is plain Python around tensor operations. It is run once while its operations are recorded, and
`torch.compile` gets the flat graph: it fuses the recurrences of a layer into one kernel and derives the backward pass.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import debug_unwrap, functional_call

_active = False


def recording() -> bool:
    """Whether a graph is being recorded for a compiler."""
    return _active


def keepable(*tensors: Tensor) -> bool:
    """Whether tensors may be kept for later: not while a graph is recorded, nor those of a graph or a transform."""
    transient = recording() or torch.is_inference_mode_enabled()
    return not transient and not any(t.requires_grad or t.is_inference() or debug_unwrap(t) is not t for t in tensors)


@contextmanager
def _recorded() -> Iterator[None]:
    global _active
    _active = True
    try:
        yield
    finally:
        _active = False


class _With(nn.Module):
    """A network with other parameters and buffers, as a module of its own."""

    def __init__(self, network: nn.Module, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self._call = lambda *args: functional_call(network, tensors, args)

    def forward(self, *args: Any) -> Any:
        return self._call(*args)


class Compiled:
    """A residual of a network at points, compiled for each network, number of points and type.

    The first call takes tens of seconds. What the residual decides by Python control flow is decided then, for good;
    coefficients that are `nn.Parameter`s stay trainable.

    Args:
        residual: `(network, points) -> {name: (n,)}`, differentiable in the network's weights
            (`Problem.network_residual`).
        backend: of `torch.compile`.
    """

    def __init__(self, residual: Callable[[nn.Module, Tensor], dict[str, Tensor]], backend: str = "inductor") -> None:
        self.residual, self.backend = residual, backend
        self._graphs: weakref.WeakKeyDictionary[nn.Module, dict[Any, Any]] = weakref.WeakKeyDictionary()

    def __call__(self, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Float[Tensor, " n"]]:
        tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
        key = (network.training, *((t.shape, t.dtype, t.device) for t in (points, *tensors.values())))
        graphs = self._graphs.setdefault(network, {})
        if key not in graphs:
            graphs[key] = self._record(network, tensors, points)
        names, graph = graphs[key]
        return dict(zip(names, graph(list(tensors.values()), points), strict=True))

    def _record(self, network: nn.Module, tensors: dict[str, Tensor], points: Tensor) -> tuple[list[str], Any]:
        from torch.fx.experimental.proxy_tensor import make_fx  # loads sympy

        names: list[str] = []

        def flat(values: list[Tensor], at: Tensor) -> list[Tensor]:
            found = self.residual(_With(network, dict(zip(tensors, values, strict=True))), at)
            names[:] = found
            return list(found.values())

        with _recorded(), torch.no_grad():
            graph = make_fx(flat)(list(tensors.values()), points)
        return names, torch.compile(graph, backend=self.backend)
