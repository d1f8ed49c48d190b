"""Differentiable operations on stacked Taylor coefficients `(rows, ...)`: one node of the graph each.

They save their arguments or their value and nothing else, work under `torch.func.vmap`, `grad` and `jacrev`, and may be
differentiated more than once.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from sciml.numerics import jet_kernels as kernels
from sciml.numerics.compiled import Kernel, fused, wanted
from sciml.numerics.jet_kernels import apart
from sciml.numerics.jet_space import JetSpace
from sciml.numerics.taylor import Riccati, Series

#: Numbers per row and block on a CPU: few calls, and yet most of what they reuse is in the cache.
BLOCK = 131072
#: Numbers per row from which a compiled kernel is worth its call.
LARGE = 16384


def _run(kernel: Kernel, stacks: tuple[Tensor, ...], static: tuple[Any, ...], compiled: bool) -> Tensor:
    """`kernel(*stacks, *static)` for stacks `(rows, ...)` of equal trailing shape."""
    if apart(*stacks):
        return kernel(*stacks, *static)
    shape = stacks[0].shape[1:]
    flat = tuple(s.reshape(len(s), -1) for s in stacks)
    count = flat[0].shape[1]
    if compiled and count >= LARGE:
        return fused(kernel, flat, static).view(-1, *shape)
    if count <= BLOCK or not flat[0].is_cpu:
        return kernel(*flat, *static).view(-1, *shape)
    first = kernel(*(s[:, :BLOCK] for s in flat), *static)
    out = first.new_empty(len(first), count)
    out[:, :BLOCK] = first
    for begin in range(BLOCK, count, BLOCK):
        kernel(*(s[:, begin : begin + BLOCK] for s in flat), *static, out=out[:, begin : begin + BLOCK])
    return out.view(-1, *shape)


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
            out[0] += bias
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
    def forward(u: Tensor, function: Series, space: JetSpace, compiled: bool) -> Tensor:
        return _run(kernels.compose, (u,), (function, space), compiled)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        u, ctx.function, ctx.space, ctx.compiled = inputs
        ctx.rows = len(u)
        ctx.save_for_backward(output if isinstance(ctx.function, Riccati) else u)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        static = (ctx.rows, ctx.function, ctx.space)
        return _run(kernels.compose_adjoint, (g, *ctx.saved_tensors), static, ctx.compiled), None, None, None


class _Product(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, b: Tensor, space: JetSpace, compiled: bool) -> Tensor:
        return _run(kernels.product, (a, b), (space,), compiled)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        a, b, ctx.space, ctx.compiled = inputs
        ctx.save_for_backward(a, b)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:  # type: ignore[override]
        a, b = ctx.saved_tensors

        def adjoint(other: Tensor, rows: int) -> Tensor:
            return _run(kernels.product_adjoint, (g, other), (rows, ctx.space), ctx.compiled)

        needed = ctx.needs_input_grad
        return adjoint(b, len(a)) if needed[0] else None, adjoint(a, len(b)) if needed[1] else None, None, None


def affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return _Affine.apply(x, weight, bias)  # type: ignore[no-any-return]


def compose(u: Tensor, function: Series, space: JetSpace) -> Tensor:
    return _Compose.apply(u, function, space, wanted())  # type: ignore[no-any-return]


def product(a: Tensor, b: Tensor, space: JetSpace) -> Tensor:
    """Trailing shapes are broadcast."""
    shape = torch.broadcast_shapes(a.shape[1:], b.shape[1:])
    a, b = (t.expand(len(t), *shape) for t in (a, b))
    return _Product.apply(a, b, space, wanted())  # type: ignore[no-any-return]
