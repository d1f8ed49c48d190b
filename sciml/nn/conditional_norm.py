"""Layer norms whose scale and shift depend on scalars such as the lead time."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class ConditionalLayerNorm(nn.Module):
    r"""$y = \alpha(t)\,(x - \bar x) / \sqrt{\mathrm{var}\,x + \epsilon} + \beta(t)$ over the channels, the last axis.

    $\alpha$ and $\beta$ are affine in the lead time and, with `params`, in further scalars $p$; the maps of $p$
    start at zero, so that a network which was trained without them is unchanged by them.

    Args:
        width: number of channels.
        eps: $\epsilon$.
        params: number of scalars beside the lead time.

    Shapes: `x (b, *s, width)`, `condition (b, 1 + params)`, the lead time first.

    Reference: Herde et al. (2024), arXiv:2405.19101, eq. (7).
    """

    def __init__(self, width: int, eps: float = 1e-5, params: int = 0) -> None:
        super().__init__()
        self.eps = eps
        # The names of the published weights: `weight` makes the scale, `bias` the shift.
        self.weight, self.bias = nn.Linear(1, width), nn.Linear(1, width)
        self.weight_params = nn.Linear(params, width, bias=False) if params else None
        self.bias_params = nn.Linear(params, width, bias=False) if params else None

    def modulation(self, condition: Float[Tensor, "b p"], ndim: int) -> tuple[Tensor, Tensor]:
        """Scale and shift, `(b, 1, ..., width)` with `ndim` axes."""
        scale = self._affine(self.weight, self.weight_params, condition)
        shift = self._affine(self.bias, self.bias_params, condition)
        shape = (condition.shape[0], *(1,) * (ndim - 2), -1)
        return scale.reshape(shape), shift.reshape(shape)

    def forward(self, x: Float[Tensor, "b *s c"], condition: Float[Tensor, "b p"]) -> Float[Tensor, "b *s c"]:
        scale, shift = self.modulation(condition, x.ndim)
        return torch.addcmul(shift, scale, functional.layer_norm(x, x.shape[-1:], eps=self.eps))

    def residual(
        self, x: Float[Tensor, "b *s c"], update: Float[Tensor, "b *s c"], condition: Float[Tensor, "b p"]
    ) -> Float[Tensor, "b *s c"]:
        """`x` plus the norm of `update`, in two passes over memory instead of three."""
        scale, shift = self.modulation(condition, x.ndim)
        return torch.addcmul(x + shift, scale, functional.layer_norm(update, update.shape[-1:], eps=self.eps))

    @staticmethod
    def _affine(time: nn.Linear, params: nn.Linear | None, condition: Tensor) -> Tensor:
        # An outer product: a matrix product with one inner column costs more than the whole norm on a small grid.
        affine = torch.addcmul(time.bias, condition[:, :1], time.weight.t())
        return affine if params is None else affine + params(condition[:, 1:])


class PlainLayerNorm(nn.LayerNorm):
    """A layer norm that is called like a conditional one and looks at no condition."""

    def forward(self, x: Float[Tensor, "b *s c"], condition: Tensor | None = None) -> Float[Tensor, "b *s c"]:
        return super().forward(x)

    def residual(self, x: Tensor, update: Tensor, condition: Tensor | None = None) -> Tensor:
        """`x` plus the norm of `update`."""
        return x + super().forward(update)
