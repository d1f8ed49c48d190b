"""Problems on regions of other shapes: exact solutions leave nothing, and points lie where they should."""

import pytest
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.fields import Ball, Box, Dirichlet, Neumann, Robin
from sciml.pdes import Function, Heat, Poisson, Statement
from sciml.pinn import Initial, Interior, PhysicsInformed, Quasirandom, Surface

DISC = Ball((0.0, 0.0), 1.0)
POISSON = Statement(Poisson(1.0), {"x": [-1, 1], "y": [-1, 1]}, boundary={"all": 0.0})


class Bowl(nn.Module):
    r"""$(1 - r^2)/4$, for which $-\Delta u = 1$, and $u = 0$, $u_n = -1/2$ on the unit circle."""

    def forward(self, z: Tensor) -> Tensor:
        return 0.25 * (1 - z[..., 0:1] ** 2 - z[..., 1:2] ** 2)


@pytest.mark.parametrize(
    "condition", [Dirichlet(0.0), Neumann(-0.5), Robin(2.0, 1.0, -0.5), Dirichlet(Function("0*x"))]
)
def test_the_exact_solution_on_a_disc_leaves_nothing(condition: object) -> None:
    objective = PhysicsInformed(POISSON, [Interior(Quasirandom(50), DISC), Surface(DISC, condition)])
    terms = objective.terms(Bowl(), Batch())
    assert set(terms) == {"pde", "boundary"}
    assert all(float(t.values.max()) < 1e-20 for t in terms.values())


def test_a_wrong_slope_is_seen() -> None:
    terms = PhysicsInformed(POISSON, [Surface(DISC, Neumann(0.5))]).terms(Bowl(), Batch())
    assert float(terms["boundary"].scalar()) == pytest.approx(1.0)


def test_points_lie_in_what_is_left_of_the_domain() -> None:
    ring = DISC - Ball((0.0, 0.0), 0.5)
    objective = PhysicsInformed(POISSON, [Interior(Quasirandom(200), ring), Surface(ring, sampler=Quasirandom(100))])
    objective.advance(0, 0, Bowl())
    inside, skin = (c.sampler.points for c in objective.conditions)
    radius = inside.square().sum(1).sqrt()
    assert bool(((radius >= 0.5) & (radius <= 1)).all())
    assert set(skin[:, :2].square().sum(1).sqrt().mul(2).round().int().tolist()) == {1, 2}
    outward = (skin[:, :2] * skin[:, 2:]).sum(1)
    assert bool(((outward > 0) == (skin[:, :2].square().sum(1) > 0.5)).all())


def test_a_region_lasts_as_long_as_the_problem() -> None:
    box = Box((0.2, 0.2), (0.4, 0.6))
    boundary = {"all": 0.0}
    heat = Statement(Heat(), {"x": [0, 1], "y": [0, 1]}, {"u": "0"}, boundary, times=[1.0, 3.0])
    objective = PhysicsInformed(heat, [Interior(within=box), Initial(within=box), Surface(box)])
    objective.advance(0, 0, Bowl())
    inside, start, skin = (c.sampler.points for c in objective.conditions)
    assert (float(inside[:, 2].min()) >= 1.0, float(inside[:, 2].max()) <= 3.0) == (True, True)
    assert bool((start[:, 2] == 1).all())
    assert bool((skin[:, 5] == 0).all())


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (lambda: PhysicsInformed(POISSON, [Surface(DISC, field="v")]), "field='v'"),
        (lambda: PhysicsInformed(POISSON, [Surface(Ball((0.0,), 1.0))]), r"region has 1 dimension\(s\)"),
        (lambda: PhysicsInformed(POISSON, [Interior(within=Ball((0.0, 0.0), 2.0))]).advance(0, 0), "does not lie"),
    ],
)
def test_what_does_not_fit_is_refused(condition: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        condition()
