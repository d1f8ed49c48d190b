"""The equation by random estimates of its Laplacian: for many dimensions."""

from jaxtyping import Float
from torch import Tensor, nn

from sciml.fields.domain import SpatialRegion
from sciml.numerics import RandomDirections
from sciml.pdes import Problem
from sciml.pinn.conditions import Interior
from sciml.pinn.sampling import Sampler


class Randomized(Interior):
    r"""The equation inside the domain, with a Laplacian that is estimated from random directions.

    An estimate $\hat r$ of the residual has the mean $r$, but its square that of $r^2$ plus its variance. The loss is
    therefore the product of two independent estimates, $E[\hat r_1 \hat r_2] = r^2$, for which
    $E[\nabla(\hat r_1 \hat r_2)] = \nabla r^2$ holds likewise.

    The product is below zero at times, so that it suits methods that draw new directions at every step and take small
    ones: Adam, SOAP. A method with a line search would follow one draw to minus infinity.

    Args:
        directions: how many, at least 2, of each of the two estimates.
        sampler: which points.
        within: a part of the domain, of any shape; all of it when left out.

    Raises:
        ValueError: fewer than two directions.

    Reference: Shi, Hu, Lin & Kawaguchi (2024), Stochastic Taylor derivative estimator, NeurIPS, section 4; Hu, Shi,
    Karniadakis & Kawaguchi (2024), Hutchinson trace estimation, Comput. Methods Appl. Mech. Eng. 424:116883, section 3.
    """

    random = True

    def __init__(
        self, directions: int = 16, sampler: Sampler | None = None, within: SpatialRegion | None = None
    ) -> None:
        super().__init__(sampler, within)
        self.estimator = RandomDirections(directions)

    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Tensor]:
        return problem.network_residual(network, points, self.estimator)

    def squares(
        self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]
    ) -> dict[str, tuple[Tensor, Tensor]]:
        one, other = (self.residuals(problem, network, points) for _ in range(2))
        return {name: (one[name] * other[name], (one[name] + other[name]) / 2) for name in one}
