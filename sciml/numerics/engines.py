"""Choice of the derivative engine at points: jets where the network allows them, else reverse mode."""

import logging
from collections.abc import Iterable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from sciml.numerics.derivatives import Field, PointDerivatives, ReverseMode
from sciml.numerics.jet_space import Request
from sciml.numerics.jets import TaylorMode, UnsupportedOperation

log = logging.getLogger(__name__)
_warned: set[str] = set()


def point_derivatives(
    network: nn.Module,
    coords: Float[Tensor, "n d"],
    axes: Sequence[str],
    names: Sequence[str],
    indices: Iterable[Request],
) -> tuple[PointDerivatives, dict[str, Field]]:
    """A network's fields at points with an engine that holds the derivatives asked for.

    An operation that jets do not know makes the evaluation fall back to reverse mode, with one warning per operation.

    Args:
        network: `(n, d) -> (n, c)`.
        coords: points, columns in the order of `axes`.
        axes: names of the coordinates.
        names: names of the network's channels.
        indices: multi-indices and Laplacians of the derivatives to come, from `requests`.
    """
    taylor = TaylorMode(coords, axes, indices)
    try:
        return taylor, taylor.evaluate(network, names)
    except UnsupportedOperation as error:
        if str(error) not in _warned:
            _warned.add(str(error))
            log.warning("%s Falling back to reverse mode.", error)
    reverse = ReverseMode(coords, axes)
    return reverse, reverse.evaluate(network, names)
