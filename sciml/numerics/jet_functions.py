"""Differentiable operations on stacked Taylor coefficients `(rows, ...)`: one node of the graph each.

They save their arguments or their value and nothing else. Points are taken in blocks, so that all rows of a block stay
in the cache while they are combined.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from sciml.numerics import jet_kernels as kernels
from sciml.numerics.jet_space import JetSpace
from sciml.numerics.taylor import Riccati, Series

#: Numbers per row and block.
BLOCK = 65536


def _blocked(kernel: Callable[..., None], rows: int, *stacks: Tensor) -> Tensor:
    """What `kernel(out, *stacks)` writes, `rows` of the trailing shape that the stacks have."""
    shape = stacks[0].shape[1:]
    flat = [s.reshape(len(s), -1) for s in stacks]
    count = flat[0].shape[1]
    out = flat[0].new_empty(rows, count)
    # Under a graph of higher order, or where a compiler fuses, one block is best.
    whole = torch.is_grad_enabled() or torch.compiler.is_compiling()
    block = count if whole else BLOCK
    for begin in range(0, count, max(block, 1)):
        kernel(out[:, begin : begin + block], *(s[:, begin : begin + block] for s in flat))
    return out.reshape(rows, *shape)


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
        to_weight = g.reshape(-1, g.shape[-1]).mT @ x.reshape(-1, x.shape[-1]) if needed[1] else None
        to_bias = g[0].reshape(-1, g.shape[-1]).sum(0) if ctx.biased and needed[2] else None
        return to_x, to_weight, to_bias


class _Compose(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(u: Tensor, function: Series, space: JetSpace) -> Tensor:
        rows = 1 if len(u) == 1 else len(space)
        return _blocked(lambda out, v: kernels.compose(out, v, function, space), rows, u)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        u, ctx.function, ctx.space = inputs
        ctx.rows = len(u)
        ctx.save_for_backward(output if isinstance(ctx.function, Riccati) else u)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (kept,) = ctx.saved_tensors
        kernel = lambda out, v, w: kernels.compose_adjoint(out, v, w, ctx.function, ctx.space)  # noqa: E731
        return _blocked(kernel, ctx.rows, g, kept), None, None


class _Product(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, b: Tensor, space: JetSpace) -> Tensor:
        rows = space.filled(len(a), len(b))
        return _blocked(lambda out, v, w: kernels.product(out, v, w, space), rows, a, b)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        a, b, ctx.space = inputs
        ctx.save_for_backward(a, b)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # type: ignore[override]
        a, b = ctx.saved_tensors
        kernel = lambda out, v, w: kernels.product_adjoint(out, v, w, ctx.space)  # noqa: E731
        needed = ctx.needs_input_grad
        to_a = _blocked(kernel, len(a), g, b) if needed[0] else None
        to_b = _blocked(kernel, len(b), g, a) if needed[1] else None
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
