"""Differentiable operations on stacked Taylor coefficients `(rows, ...)`: one node of the graph each.

They save their arguments or their value and nothing else.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from sciml.numerics import jet_kernels as kernels
from sciml.numerics.jet_space import JetSpace
from sciml.numerics.taylor import Riccati, Series


def _weight_gradient(g: Tensor, x: Tensor) -> Tensor:
    """$g^T x$ over rows and points; the thinner factor is the one that is transposed, which matrix products like."""
    g, x = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
    return g.mT @ x if g.shape[1] <= x.shape[1] else (x.mT @ g).mT


class _Affine(Function):
    """A linear layer, whose bias belongs to the value alone."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        out = F.linear(x, weight)
        if bias is not None:
            out = torch.cat([out[:1] + bias, out[1:]]) if kernels.recording() else _raised(out, bias)
        return out

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, bias = inputs
        ctx.save_for_backward(x, weight)
        ctx.biased = bias is not None

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        needed = ctx.needs_input_grad
        to_x = g @ weight if needed[0] else None
        to_weight = _weight_gradient(g, x) if needed[1] else None
        to_bias = g[0].reshape(-1, g.shape[-1]).sum(0) if ctx.biased and needed[2] else None
        return to_x, to_weight, to_bias


class _Compose(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(u: Tensor, function: Series, space: JetSpace) -> Tensor:
        return kernels.compose(u, function, space)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        u, ctx.function, ctx.space = inputs
        ctx.rows = len(u)
        ctx.save_for_backward(output if isinstance(ctx.function, Riccati) else u)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (kept,) = ctx.saved_tensors
        return kernels.compose_adjoint(g, kept, ctx.rows, ctx.function, ctx.space), None, None


class _Product(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, b: Tensor, space: JetSpace) -> Tensor:
        return kernels.product(a, b, space)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        a, b, ctx.space = inputs
        ctx.save_for_backward(a, b)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # type: ignore[override]
        a, b = ctx.saved_tensors
        needed = ctx.needs_input_grad
        to_a = kernels.product_adjoint(g, b, len(a), ctx.space) if needed[0] else None
        to_b = kernels.product_adjoint(g, a, len(b), ctx.space) if needed[1] else None
        return to_a, to_b, None


def affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return _Affine.apply(x, weight, bias)  # type: ignore[no-any-return]


def compose(u: Tensor, function: Series, space: JetSpace) -> Tensor:
    return _Compose.apply(u, function, space)  # type: ignore[no-any-return]


def product(a: Tensor, b: Tensor, space: JetSpace) -> Tensor:
    """Trailing shapes are broadcast."""
    shape = torch.broadcast_shapes(a.shape[1:], b.shape[1:])
    a, b = (t.expand(len(t), *shape) for t in (a, b))
    return _Product.apply(a, b, space)  # type: ignore[no-any-return]


def _raised(out: Tensor, bias: Tensor) -> Tensor:
    out[0] += bias
    return out
