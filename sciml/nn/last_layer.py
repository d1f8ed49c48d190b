"""Physics-informed start: the last layer of a network by least squares on known values."""

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.nn.coordinate_network import CoordinateNetwork


@torch.no_grad()
def fit_last_layer(network: CoordinateNetwork, points: Float[Tensor, "n d"], values: Float[Tensor, "n c"]) -> None:
    r"""$\min_{W, b} \sum_i \lVert W f(z_i) + b - u_i \rVert^2$ over the last layer, the features $f$ as they are.

    The solution of least norm is taken where there are several. Values of the initial state may be given at several
    times: a `PirateNet` then starts as the state that does not change.

    Args:
        network: one whose last layer is a plain linear layer.
        points: $z_i$, coordinates in the order of the network.
        values: $u_i$.

    Raises:
        ValueError: numbers of points or fields that do not fit, or a last layer that is factorised.

    Reference: Wang, Li, Chen & Perdikaris (2024), arXiv:2402.00326, eq. (4.10).
    """
    if values.shape != (len(points), network.out_features):
        raise ValueError(f"values of shape {tuple(values.shape)} must be {(len(points), network.out_features)}.")
    layer = network.last
    if not isinstance(layer, torch.nn.Linear):
        raise ValueError(f"the last layer is a {type(layer).__name__}; least squares sets a Linear one.")
    features = network.features(points.to(layer.weight)).double().cpu()
    if layer.bias is not None:
        features = torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
    # The driver with singular values: features of an embedding are often dependent on the points of a single time.
    solution = torch.linalg.lstsq(features, values.double().cpu(), driver="gelsd").solution.T
    layer.weight.copy_(solution[:, : layer.in_features])
    if layer.bias is not None:
        layer.bias.copy_(solution[:, -1])
