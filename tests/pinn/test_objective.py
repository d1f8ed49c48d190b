"""Terms of exact solutions vanish; what a problem cannot mean is refused."""

import math

import pytest
import torch
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.fields import Dirichlet
from sciml.nn import MLP
from sciml.pdes import AllenCahn, Burgers, Heat, Lorenz, Poisson, Statement
from sciml.pinn import (
    Face,
    Initial,
    Integral,
    Interior,
    Observations,
    PhysicsInformed,
    Quasirandom,
    RetainResample,
)
from sciml.pinn.reference import Exact, Solved


def heat() -> Statement:
    """A cosine that decays, on a periodic axis."""
    return Statement(
        Heat(0.1), {"x": [0.0, 2.0]}, initial={"u": "cos(pi*x) + 3"}, periodic=["x"], times=[0.0, 1.0],
        exact={"u": "3 + exp(-0.1*pi**2*t)*cos(pi*x)"}, points=16,
    )  # fmt: skip


class Decay(nn.Module):
    """The exact solution of `heat`, times a number."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()).double())

    def forward(self, z: Tensor) -> Tensor:
        decay = torch.exp(z[..., 1:2] * (-0.1 * math.pi**2))
        return self.factor * (torch.cos(z[..., 0:1] * math.pi) * decay + 3)


def conditions() -> list:
    sampler = Quasirandom(40)
    return [Interior(sampler), Initial(sampler=Quasirandom(20)), Face("x-", Quasirandom(10)), Integral(3.0)]


def test_every_term_of_an_exact_solution_vanishes() -> None:
    terms = PhysicsInformed(heat(), conditions()).terms(Decay(), Batch())
    assert set(terms) == {"pde", "initial", "x-:u", "x-:u:x", "integral"}
    assert all(float(t.values.max().detach()) < 1e-20 for t in terms.values())


def test_terms_see_another_function() -> None:
    network = Decay()
    network.factor.data.mul_(1.5)
    terms = PhysicsInformed(heat(), conditions()).terms(network, Batch())
    assert {n: round(float(t.scalar().detach()), 2) for n, t in terms.items()}["integral"] == 2.25
    assert float(terms["initial"].scalar().detach()) > 1


def test_points_lie_where_their_conditions_hold() -> None:
    objective = PhysicsInformed(heat(), conditions())
    objective.advance(0, 0, Decay())
    inside, start, side, _ = (c.sampler.points for c in objective.conditions)
    assert bool(((inside >= 0) & (inside <= torch.tensor([2.0, 1.0]))).all())
    assert bool((start[:, 1] == 0).all())
    assert bool((side[:, 0] == 0).all())


def test_a_face_has_the_conditions_value_and_slope() -> None:
    boundary = {"x-": "t", "x+": {"kind": "NEUMANN", "value": 2.0}}
    statement = Statement(Heat(0.1), {"x": [0.0, 1.0]}, {"u": "0"}, boundary, times=[0.0, 1.0])

    class Plane(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return z[..., 1:2] + 5 * z[..., 0:1]

    terms = PhysicsInformed(statement, [Face("x-"), Face("x+")]).terms(Plane(), Batch())
    assert float(terms["x-"].scalar()) == pytest.approx(0, abs=1e-20)
    assert float(terms["x+"].scalar()) == pytest.approx(9)


def test_observations_compare_with_their_values() -> None:
    seen = Observations([[0.5, 0.0], [1.0, 0.0]], [3.0, 4.0])
    term = PhysicsInformed(heat(), [seen]).terms(Decay(), Batch())["data:u"]
    assert term.residuals.detach().tolist() == pytest.approx([0.0, -2.0])


def test_an_unknown_coefficient_is_trained_and_kept_at_the_scale_of_one() -> None:
    objective = PhysicsInformed(Statement.example(), unknown={"diffusivity": 3e-4}).double()
    (parameter,) = objective.parameters()
    assert float(parameter.detach()) == 1.0
    network = MLP(2, 1, width=4, depth=1).double()
    objective.terms(network, Batch())["pde"].scalar().backward()
    assert float(parameter.grad.abs()) > 0
    assert objective.coefficients() == {"diffusivity": pytest.approx(3e-4)}
    with torch.no_grad():
        parameter.mul_(2)
        one = objective.terms(network, Batch())["pde"].values
        other = PhysicsInformed(
            Statement(AllenCahn(6e-4, 5.0), {"x": [-1.0, 1.0]}, {"u": "0"}, periodic=["x"], times=[0, 1])
        )
        assert torch.allclose(one, other.terms(network, Batch())["pde"].values)


def test_an_objective_is_made_again_with_its_points() -> None:
    objective = PhysicsInformed(heat(), [Interior(RetainResample(30, every=1))])
    network = Decay()
    for step in range(3):
        objective.advance(step, 0, network)
    twin = build(describe(objective))
    twin.load_state_dict(objective.state_dict())
    for one in (objective, twin):
        one.advance(3, 0, network)
    assert torch.equal(objective.conditions[0].sampler.points, twin.conditions[0].sampler.points)


def test_ordinary_equations_are_problems_without_space() -> None:
    statement = Statement(Lorenz(), initial={"X": "1", "Y": "1", "Z": "1"}, times=[0.0, 0.5])
    network = MLP(1, 3, width=4, depth=1).double()
    terms = PhysicsInformed(statement, [Interior(), Initial()]).terms(network, Batch())
    assert set(terms) == {f"{c}:{n}" for c in ("pde", "initial") for n in "XYZ"}
    assert len(terms["initial:X"].values) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PhysicsInformed(heat(), []), "conditions is empty"),
        (lambda: PhysicsInformed(heat(), [Face("x-"), Face("x-")]), "'x-' is given twice"),
        (lambda: PhysicsInformed(heat(), [Face("y-")]), "face='y-'"),
        (lambda: PhysicsInformed(heat(), [Integral(field="v")]), "field='v' must be one of u"),
        (lambda: PhysicsInformed(heat(), unknown={"speed": 1.0}), "'speed' is no coefficient"),
        (lambda: PhysicsInformed(heat(), unknown={"diffusivity": 0.0}), "needs a positive scale"),
        (lambda: PhysicsInformed(Statement(Poisson(), {"x": [0, 1]}, boundary={"x": 0.0}), [Initial()]), "not evolve"),
        (lambda: Observations([], []), "n at least 1"),
        (lambda: Observations([[0.0, 1.0], [0.0, 1.0]], [1.0, 2.0]), "contradict each other"),
        (lambda: Observations([[0.0, math.nan]], [1.0]), "finite"),
        (lambda: Statement(Heat(), {"y": [0, 1]}, {"u": "0"}, times=[0, 1]), "axes are x, then y"),
        (lambda: Statement(Heat(), {"x": [0, 1]}, {"u": "0"}, {"x": 0.0}, ["x"], [0, 1]), "contradict|periodic"),
        (lambda: Statement(Heat(), {"x": [0, 1]}, {"u": "foo(x)"}, periodic=["x"], times=[0, 1]), "foo"),
        (lambda: Statement(Heat(), {"x": [0, 1]}, {"u": "0"}, {"x": {"kind": "SOFT"}}, times=[0, 1]), "kind='SOFT'"),
        (lambda: Statement(Heat(), {"x": [0, 1]}, {"u": "0"}, periodic=["x"]), "times=None"),
    ],
)
def test_what_a_problem_cannot_mean_is_refused_in_one_line(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_an_unknown_derivative_names_the_axes() -> None:
    class Sideways(Heat):
        def linear(self, u: dict, d: object, p: object) -> dict:
            return {"u": d(u["u"], "yy")}

    with pytest.raises(ValueError, match="names axis 'y'; the axes are 'x'"):
        Statement(Sideways(), {"x": [0.0, 1.0]}, {"u": "0"}, periodic=["x"], times=[0, 1])


def test_the_classical_solver_and_the_formula_agree() -> None:
    statement = heat()
    points, values = Exact(frames=3).samples(statement)
    again, solved = Solved(points=16, frames=3).samples(statement)
    assert torch.equal(points, again)
    assert torch.allclose(values, solved, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sigma", "end"), [(10.0, (13.7931996, 12.951804, 34.901609)), (3.0, (8.48518428, 8.48598784, 26.99942691))]
)
def test_ordinary_equations_are_integrated_to_the_published_end(sigma: float, end: tuple[float, ...]) -> None:
    """By another implementation of order 8 with relative tolerance 2.5e-14; stable to 5e-8 for sigma = 10."""
    start = dict.fromkeys("XYZ", "1")
    _, values = Solved(frames=2, tol=3e-14).samples(Statement(Lorenz(sigma), initial=start, times=[0.0, 20.0]))
    assert torch.allclose(values[-1], torch.tensor(end, dtype=torch.float64), rtol=0, atol=5e-7)


def test_a_dirichlet_value_may_be_text() -> None:
    statement = Statement(Burgers(0.01), {"x": [-1, 1]}, {"u": "-sin(pi*x)"}, {"x": "0*t"}, times=[0, 1])
    condition = statement.problem.boundaries.on("x-")
    assert isinstance(condition, Dirichlet)
    assert callable(condition.value)
