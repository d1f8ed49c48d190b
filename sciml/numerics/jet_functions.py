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


def _blocks(n: int, width: int = 1) -> list[slice]:
    """Slices of `n` points of `width` numbers each."""
    # Under a graph of higher order, or where a compiler fuses, one block is best.
    if torch.is_grad_enabled() or torch.compiler.is_compiling():
        return [slice(0, n)]
    size = max(BLOCK // width, 1)
    return [slice(begin, begin + size) for begin in range(0, max(n, 1), size)]


def _blocked(kernel: Callable[..., None], rows: int, *stacks: Tensor) -> Tensor:
    """What `kernel(out, *stacks)` writes, `rows` of the trailing shape that the stacks have."""
    shape = stacks[0].shape[1:]
    flat = [s.reshape(len(s), -1) for s in stacks]
    out = flat[0].new_empty(rows, flat[0].shape[1])
    for points in _blocks(out.shape[1]):
        kernel(out[:, points], *(s[:, points] for s in flat))
    return out.reshape(rows, *shape)


def _weight_gradient(g: Tensor, x: Tensor) -> Tensor:
    """$g^T x$ over rows and points; the thinner factor is the one that is transposed, which matrix products like."""
    g, x = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
    return g.mT @ x if g.shape[1] <= x.shape[1] else (x.mT @ g).mT


class _Affine(Function):
    """A linear layer, whose bias belongs to the value alone."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _linear(x, weight, bias)

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


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    out = F.linear(x, weight)
    if bias is not None:
        out[0] += bias
    return out


class _Layer(Function):
    """A linear layer `(rows, n, d) -> (rows, n, c)` and its activation, block by block: value and, if kept, argument."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, weight: Tensor, bias: Tensor | None, function: Series, space: JetSpace
    ) -> tuple[Tensor, Tensor | None]:
        rows, n, made = _rows(x, space), x.shape[1], []
        for points in _blocks(n, len(weight)):
            z = _linear(x[:, points], weight, bias)
            if not made:
                made = [z.new_empty(rows, n, len(weight))]
                made += [] if isinstance(function, Riccati) else [z.new_empty(len(x), n, len(weight))]
            kernels.compose(made[0][:, points], z, function, space)
            for argument in made[1:]:
                argument[:, points] = z
        return made[0], made[1] if len(made) > 1 else None

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor | None]) -> None:
        x, weight, bias, ctx.function, ctx.space = inputs
        ctx.biased = bias is not None
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, weight, output[0] if output[1] is None else output[1])

    @staticmethod
    def backward(ctx: Any, g: Tensor, to_argument: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight, kept = ctx.saved_tensors
        needed, n = ctx.needs_input_grad, x.shape[1]
        if g is None:
            g = torch.zeros_like(kept)
        to_x = to_weight = to_bias = None
        for points in _blocks(n, len(weight)):
            to_z = g.new_empty(len(x), *g[0, points].shape)
            kernels.compose_adjoint(to_z, g[:, points], kept[:, points], ctx.function, ctx.space)
            if to_argument is not None:
                to_z = to_z + to_argument[:, points]
            if needed[0]:
                if to_x is None:
                    to_x = to_z.new_empty(x.shape)
                to_x[:, points] = to_z @ weight
            if needed[1]:
                part = _weight_gradient(to_z, x[:, points])
                to_weight = part if to_weight is None else to_weight + part
            if ctx.biased and needed[2]:
                part = to_z[0].sum(0)
                to_bias = part if to_bias is None else to_bias + part
        return to_x, to_weight, to_bias, None, None


def _rows(u: Tensor, space: JetSpace) -> int:
    """How many rows a function of `u` has."""
    return 1 if len(u) == 1 else len(space)


class _Compose(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(u: Tensor, function: Series, space: JetSpace) -> Tensor:
        return _blocked(lambda out, v: kernels.compose(out, v, function, space), _rows(u, space), u)

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


def layer(
    x: Tensor, weight: Tensor, bias: Tensor | None, function: Series, space: JetSpace
) -> tuple[Tensor, Tensor | None]:
    """A function of a linear layer, and the layer itself where the function's gradient keeps it."""
    flat = x.reshape(len(x), -1, x.shape[-1])
    made = _Layer.apply(flat, weight, bias, function, space)
    return tuple(None if m is None else m.reshape(len(m), *x.shape[1:-1], -1) for m in made)  # type: ignore[return-value]


def compose(u: Tensor, function: Series, space: JetSpace) -> Tensor:
    return _Compose.apply(u, function, space)  # type: ignore[no-any-return]


def product(a: Tensor, b: Tensor, space: JetSpace) -> Tensor:
    """Trailing shapes are broadcast."""
    shape = torch.broadcast_shapes(a.shape[1:], b.shape[1:])
    a, b = (t.expand(len(t), *shape) for t in (a, b))
    return _Product.apply(a, b, space)  # type: ignore[no-any-return]
