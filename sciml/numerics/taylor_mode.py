"""Derivatives of a network at points by propagating Taylor jets through it: exact, or of the Laplacian an estimate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from sciml.numerics.derivatives import Field, PointDerivatives
from sciml.numerics.jet_space import Index, JetSpace, Laplacian, Request, jet_space
from sciml.numerics.jets import Jet, keepable
from sciml.shapes import TIME

#: Jets of the coordinates by points: their version, and the jet of each space.
_coordinates: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def coordinate_jet(coords: Float[Tensor, "n d"], space: JetSpace) -> Jet:
    """The coordinates as a jet; the same object as long as the points are the same tensor, unchanged."""
    if not keepable(coords):
        return _coordinate_jet(coords, space)
    version, jets = _coordinates.get(coords, (None, {}))
    if version != coords._version:
        version, jets = _coordinates[coords] = (coords._version, {})
    if space not in jets:
        jets[space] = _coordinate_jet(coords, space)
    return jets[space]


def _coordinate_jet(coords: Tensor, space: JetSpace, directions: Sequence[Tensor] = ()) -> Jet:
    r"""The jet of $x + \sum_j s_j v_j$, whose variables are the axes and then the $s_j$."""
    axes = torch.eye(coords.shape[-1], dtype=coords.dtype, device=coords.device)
    slopes = [*(axis.expand(coords.shape) for axis in axes), *directions]
    return Jet(torch.stack([coords, *(slopes[a.index(1)] for a in space.indices[1 : space.affine])]), space)


class TaylorMode(PointDerivatives):
    """Forward propagation of Taylor jets.

    Args:
        coords: points, `(n, d)`, columns in the order of `axes`.
        axes: names of the columns.
        indices: multi-indices and Laplacians of the derivatives to come (`requests` finds them).
    """

    def __init__(self, coords: Float[Tensor, "n d"], axes: Sequence[str], indices: Iterable[Request]) -> None:
        super().__init__(axes)
        self.coords = coordinate_jet(coords, jet_space(frozenset(indices)))

    def evaluate(self, network: nn.Module, names: Sequence[str]) -> dict[str, Field]:
        """As in `PointDerivatives`.

        Raises:
            UnsupportedOperation: the network uses an operation that jets do not know.
        """
        u = network(self.coords)
        return {name: u[..., i] for i, name in enumerate(names)}

    def coordinates(self) -> dict[str, Jet]:
        return {name: self.coords[..., i] for i, name in enumerate(self.axes)}

    def laplacian(self, u: Field) -> Field:
        weights = tuple(float(axis in self.space) for axis in self.axes)
        return u.laplacian(Laplacian(weights)) if isinstance(u, Jet) else torch.zeros_like(u)

    def derivative(self, u: Field, counts: Index) -> Field:
        return u.derivative(counts) if isinstance(u, Jet) else torch.zeros_like(u)


class DirectionalTaylor(TaylorMode):
    r"""Taylor jets whose Laplacian is $\tfrac1k \sum_j \partial_{v_j}^2$ along given directions; all else is exact.

    Behind the axes themselves the jets have one variable $s_j$ per direction, $x + \sum_j s_j v_j$; the sum over the
    directions is collapsed, so that they take $2 + k$ rows.

    Args:
        coords: points, `(n, d)`, columns in the order of `axes`.
        axes: names of the columns.
        indices: what is asked for; its Laplacians are estimated.
        directions: one per point each, zero along time.
    """

    def __init__(
        self,
        coords: Float[Tensor, "n d"],
        axes: Sequence[str],
        indices: Iterable[Request],
        directions: Float[Tensor, "k n d"],
    ) -> None:
        PointDerivatives.__init__(self, axes)
        d, k = coords.shape[1], len(directions)
        self._estimate = Laplacian((0.0,) * d + (1.0 / k,) * k)
        self._none = (0,) * k
        exact = [(*a, *self._none) for a in indices if not isinstance(a, Laplacian)]
        space = jet_space(frozenset([*exact, self._estimate]))
        self.coords = _coordinate_jet(coords, space, directions.unbind())

    def laplacian(self, u: Field) -> Field:
        return u.laplacian(self._estimate) if isinstance(u, Jet) else torch.zeros_like(u)

    def derivative(self, u: Field, counts: Index) -> Field:
        return super().derivative(u, (*counts, *self._none))


@dataclass(frozen=True)
class RandomDirections:
    r"""Unbiased estimate $\Delta u \approx \tfrac1k \sum_j v_j^T H v_j$ from random directions with $E[v v^T] = I$.

    The entries are $\pm1$ with equal probability (Rademacher), drawn anew at every evaluation and for every point. The
    variance is $\tfrac2k \sum_{i \ne j} H_{ij}^2$, and the mean of a squared residual is too high by that of the
    residual.

    Args:
        count: $k$, number of directions.
        generator: source of the directions; torch's own without one.

    Reference: Shi, Hu, Lin & Kawaguchi (2024), Stochastic Taylor derivative estimator, NeurIPS, section 4;
    Hutchinson (1990), Commun. Stat. Simul. Comput. 19:433-450.
    """

    count: int
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        if self.count < 2:
            raise ValueError(f"count must be at least 2, got {self.count}.")

    def engine(
        self, coords: Float[Tensor, "n d"], axes: Sequence[str], indices: Iterable[Request]
    ) -> DirectionalTaylor:
        """Derivatives at points with directions that are drawn now."""
        device = coords.device if self.generator is None else self.generator.device
        signs = torch.randint(0, 2, (self.count, *coords.shape), generator=self.generator, device=device)
        directions = (2 * signs - 1).to(coords)
        space = torch.tensor([axis != TIME for axis in axes], device=coords.device)
        return DirectionalTaylor(coords, axes, indices, directions * space)
