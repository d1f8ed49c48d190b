"""Differences that honour boundary conditions: their order, what they conserve, and the algebra of staggered fields."""

import math

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import Axis, Boundaries, Dirichlet, FieldSpec, Grid, Neumann, Outflow, Periodic, Robin, Wall
from sciml.numerics import BoundedDifferences, GhostLayers, Staggered

U = (FieldSpec("u"),)


def flow(d: BoundedDifferences, u: torch.Tensor):
    """Every way in which derivatives enter: a flux, an advective term, a mixed derivative, a power of a slope."""
    x, y = d.coordinates()["x"], d.coordinates()["y"]
    a = 1 + 0.5 * torch.sin(x + y)
    flux = a * d(u, "x") - 0.3 * u**2
    return d(flux, "x") + d(a * d(u, "y"), "y") - u * d(u, "y") + d(u, "xy") + d(u, "x") ** 2 / (2 + torch.cos(y))


def exact_flow(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The same of `sin(2x) exp(y)`."""
    s, c, e = torch.sin(2 * x), torch.cos(2 * x), torch.exp(y)
    a, ax = 1 + 0.5 * torch.sin(x + y), 0.5 * torch.cos(x + y)
    u, ux, uxx, uy = s * e, 2 * c * e, -4 * s * e, s * e
    return (
        ax * ux + a * uxx - 0.6 * u * ux + ax * uy + a * uy - u * uy + 2 * c * e + ux**2 / (2 + torch.cos(y))
    )  # u_yy = u_y


@pytest.mark.parametrize("kind", ["cells", "nodes"])
def test_expressions_of_derivatives_are_of_second_order(kind: str) -> None:
    value = Dirichlet(lambda x, y: torch.sin(2 * x) * torch.exp(y))
    slope = Neumann(lambda y: 2 * math.cos(2.0) * torch.exp(y))
    robin = Robin(1.0, 1.0, lambda x: 2 * math.e * torch.sin(2 * x))
    errors = []
    for n in (16, 32, 64):
        grid = Grid.uniform(n, n, kind=kind)
        d = BoundedDifferences(grid, Boundaries({"x-": value, "x+": slope, "y-": value, "y+": robin}), U)
        x, y = grid.meshgrid()
        found = d.restrict(flow(d, d.extend({"u": torch.sin(2 * x) * torch.exp(y)})["u"]))
        # Beside a face the scheme balances fluxes: what converges there is its solution, not each difference.
        inside = (slice(n // 4, -(n // 4)),) * 2
        errors.append(float((found - exact_flow(x, y))[inside].abs().max()))
    assert observed_order(errors, [16, 32, 64]) > 1.9


@pytest.mark.parametrize("condition", [Neumann(), Wall()], ids=["Neumann", "Wall"])
def test_a_flux_in_a_closed_box_of_cells_loses_no_mass(condition) -> None:
    grid = Grid.cells(9, 7)
    d = BoundedDifferences(grid, Boundaries({"all": condition}), U)
    u = torch.rand(3, 9, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5
    v = d.extend({"u": u})["u"]
    for flux in (
        lambda i: (1 + v**2) * d(v, (i,)),
        lambda i: torch.exp(v) * d(v**3, (i,)) / (1 + v),
        lambda i: d(v, (i,)) ** 3,
    ):
        total = d.restrict(d.div([flux(0), flux(1)])).sum((1, 2))
        assert float(total.abs().max()) < 1e-11


def test_what_is_carried_by_a_velocity_that_vanishes_at_the_wall_is_conserved() -> None:
    fields = (FieldSpec("v", rank=1), FieldSpec("rho"))
    d = BoundedDifferences(Grid.cells(8, 6), Boundaries({"all": Wall()}), fields)
    random = torch.rand(3, 8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    u = d.extend(dict(zip(("v_x", "v_y", "rho"), random, strict=True)))
    total = d.restrict(d.div([u["rho"] * u["v_x"], u["rho"] * u["v_y"]])).sum()
    assert abs(float(total)) < 1e-12


def test_the_change_of_mass_is_what_passes_the_walls() -> None:
    """Slopes 2 and -3 along the outward normals: the flux of the Laplacian leaves -1 in all."""
    d = BoundedDifferences(Grid.cells(10), Boundaries({"x-": Neumann(2.0), "x+": Neumann(-3.0)}), U)
    u = d.extend({"u": torch.rand(10, dtype=torch.float64)})["u"]
    assert float(d.restrict(d.laplacian(u)).sum()) * 0.1 == pytest.approx(-1.0, abs=1e-12)


def test_the_trapezoidal_mass_of_nodes_is_conserved_too() -> None:
    d = BoundedDifferences(Grid.nodes(11), Boundaries({"all": Neumann()}), U)
    u = d.extend({"u": torch.rand(11, dtype=torch.float64)})["u"]
    rate = d.restrict(d((1 + u**2) * d(u, "x"), "x"))
    rate[[0, -1]] *= 0.5
    assert abs(float(rate.sum())) < 1e-10


def test_a_periodic_axis_beside_a_bounded_one_goes_on_behind_its_end() -> None:
    grid = Grid((Axis(16), Axis(6, kind="cells")))
    d = BoundedDifferences(grid, Boundaries({"x": Periodic(), "y": Neumann()}), U)
    x, y = grid.meshgrid()
    u = torch.sin(2 * math.pi * x) * (1 + y)
    rolled = d.restrict(d(d.extend({"u": u.roll(3, 0)})["u"], "xx"))
    assert torch.equal(rolled, d.restrict(d(d.extend({"u": u})["u"], "xx")).roll(3, 0))


def test_derivatives_follow_a_change_of_the_field() -> None:
    boundaries = Boundaries({"x-": Robin(1.0, 0.5, 0.2), "x+": Outflow(), "y": Dirichlet(0.3)})
    d = BoundedDifferences(Grid.cells(4, 3), boundaries, U)
    u = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda w: d.restrict(flow(d, d.extend({"u": w})["u"])), (u,))


def test_a_trajectory_takes_boundary_values_at_its_own_times() -> None:
    times = [0.0, 0.1, 0.2, 0.3, 0.4]
    boundaries = Boundaries({"all": Dirichlet(lambda x, t: x * t)})
    d = BoundedDifferences(Grid.cells(5), boundaries, U, times=times)
    (x,) = d.grid.meshgrid()
    u = d.extend({"u": torch.tensor(times, dtype=torch.float64)[:, None] * x})["u"]
    assert float(d.restrict(d(u, "t") - d.coordinates()["x"] + d(u, "xx")).abs().max()) < 1e-12
    assert float(d.restrict(d(d(u, "x"), "t") - 1.0).abs().max()) < 1e-11


@pytest.mark.parametrize(
    "expression",
    [
        lambda a, b: a * b + 2.0 - a / b,
        lambda a, b: torch.sin(a) * b - (1.0 - a) / (2.0 + a * a),
        lambda a, b: torch.exp(-a) + b**2 * a - torch.where(b > 0.5, a, b),
        lambda a, b: torch.stack([a, b]).sum(0) - 1.0 / (3.0 + a),
    ],
)
def test_staggered_fields_are_added_and_multiplied_like_others(expression) -> None:
    """On a linear field every mean is exact, so that only the bookkeeping can go wrong."""
    x = torch.linspace(0, 1, 9, dtype=torch.float64)
    whole, b = torch.full_like(x, 0.7), 0.5 + 0 * x
    staggered = Staggered(0.0, {-1: torch.full_like(x[1:], 0.7)})
    for a, c in ((staggered, b), (staggered + whole - whole, b), (staggered * 1.0, staggered - 0.2)):
        found = expression(a, c)
        found = found.at_points() if isinstance(found, Staggered) else found
        assert torch.allclose(found, expression(whole, b), rtol=1e-14)


def test_values_on_a_face_may_be_arrays_and_reach_the_corners() -> None:
    g = np.array([1.0, 2.0, 3.0])
    layers = GhostLayers(Grid.cells(4, 3), Boundaries({"y": Neumann(), "x": Dirichlet(g)}), U, width=2)
    u = layers.extend({"u": torch.zeros(2, 4, 3, dtype=torch.float64)})["u"]
    assert u.shape == (2, 8, 7)
    assert torch.equal(u[0, 1, 2:5], 2 * torch.from_numpy(g))
    assert float(u[0, 1, 1]) == 2.0
    with pytest.raises(ValueError, match=r"face y- have shape \(3,\); the face has \(4,\)"):
        GhostLayers(Grid.cells(4, 3), Boundaries({"all": Dirichlet(g)}), U).extend({"u": torch.zeros(4, 3).double()})


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="no boundary condition on face 'x-'"):
        BoundedDifferences(Grid.cells(4), Boundaries({}), U)
    with pytest.raises(ValueError, match="uniform axes"):
        BoundedDifferences(Grid((Axis(3, kind="nodes", points=(0.0, 0.2, 1.0)),)), Boundaries.dirichlet(), U)
    with pytest.raises(ValueError, match="n=2 points is too short for ghosts of order 4"):
        GhostLayers(Grid.cells(2), Boundaries.dirichlet(), U, order=4).extend({"u": torch.zeros(2).double()})
