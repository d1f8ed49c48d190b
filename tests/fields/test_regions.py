"""Regions: points inside, points and normals on the boundary, distance functions."""

import inspect
import math

import pytest
import torch
from torch import Tensor

import sciml.fields
from sciml.describe import build, describe
from sciml.fields import (
    Ball,
    Box,
    Grid,
    Hammersley,
    LatinHypercube,
    MeshRegion,
    MonteCarlo,
    PointCloud,
    Polygon,
    SpaceTime,
    SpatialRegion,
)
from sciml.numerics import ReverseMode, TaylorMode, value

PI = math.pi
L_SHAPE = Polygon(((0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)))
TRIANGULATED = MeshRegion(
    [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1], [0, 2], [1, 2]],
    [[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4], [3, 4, 7], [3, 7, 6]],
)
TETRAHEDRA = MeshRegion([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], [[0, 1, 2, 3], [1, 2, 3, 4]])
#: Region, its length, area or volume, and the length or area of its boundary.
REGIONS = {
    "interval": (Box((-1.0,), (2.0,)), 3.0, 2.0),
    "rectangle": (Box((0.0, -1.0), (2.0, 0.5)), 3.0, 7.0),
    "cuboid": (Box((0.0, 0.0, 0.0), (1.0, 2.0, 3.0)), 6.0, 22.0),
    "ball in one dimension": (Ball((0.5,), 2.0), 4.0, 2.0),
    "disc": (Ball((1.0, 0.0), 2.0), 4 * PI, 4 * PI),
    "ball": (Ball((0.0, 0.0, 1.0), 1.0), 4 / 3 * PI, 4 * PI),
    "ball in five dimensions": (Ball((0.0,) * 5, 1.0), 8 / 15 * PI**2, 8 / 3 * PI**2),
    "polygon": (L_SHAPE, 3.0, 8.0),
    "clockwise polygon": (Polygon(L_SHAPE.vertices[::-1]), 3.0, 8.0),
    "triangles": (TRIANGULATED, 3.0, 8.0),
    "tetrahedra": (TETRAHEDRA, 0.5, 6 * 3**0.5 / 2 - 3 * (3**0.5 / 2) + 1.5),
    "rectangle with a hole": (Box((0.0, 0.0), (2.0, 2.0)) - Ball((1.0, 1.0), 0.5), 4 - PI / 4, 8 + PI),
    "two discs": (
        Ball((0.0, 0.0), 1.0) | Ball((1.0, 0.0), 1.0),
        2 * PI - (2 * PI / 3 - 3**0.5 / 2),
        2 * (2 * PI - 2 * PI / 3),
    ),
    "lens": (Ball((0.0, 0.0), 1.0) & Ball((1.0, 0.0), 1.0), 2 * PI / 3 - 3**0.5 / 2, 4 * PI / 3),
    "L of overlapping boxes": (Box((0.0, 0.0), (2.0, 1.0)) | Box((0.0, 0.0), (1.0, 2.0)), 3.0, 8.0),
    "L cut out": (Box((0.0, 0.0), (2.0, 2.0)) - Box((1.0, 1.0), (2.0, 2.0)), 3.0, 8.0),
    "nested": (
        (Box((0.0, 0.0), (3.0, 1.0)) | Box((0.0, 0.0), (1.0, 3.0))) - Ball((0.5, 0.5), 0.25),
        5 - PI / 16,
        12 + PI / 2,
    ),
}
SHARED = ("L of overlapping boxes", "nested")
NAMES = pytest.mark.parametrize("name", REGIONS)
FLAT = pytest.mark.parametrize("name", [k for k, (r, *_) in REGIONS.items() if r.dimensions == 2])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def size(region: SpatialRegion) -> float:
    return max(b - a for a, b in zip(region.low, region.high, strict=True))


def bounding_points(region: SpatialRegion, n: int) -> Tensor:
    return Box(region.low, region.high).sample(n, MonteCarlo(), generator(7))


def test_every_region_that_is_exported_is_tested() -> None:
    exported = {getattr(sciml.fields, n) for n in sciml.fields.__all__}
    regions = {c for c in exported if inspect.isclass(c) and issubclass(c, SpatialRegion) and not inspect.isabstract(c)}
    assert regions - {type(r) for r, *_ in REGIONS.values()} == {PointCloud}


@NAMES
def test_points_of_a_sample_lie_within_and_are_as_many_as_asked_for(name: str) -> None:
    region = REGIONS[name][0]
    for sequence in (None, MonteCarlo(), LatinHypercube(), Hammersley()):
        points = region.sample(300, sequence, generator())
        assert points.shape == (300, region.dimensions)
        assert bool(region.contains(points).all())
    assert torch.equal(region.sample(50, None, generator(3)), region.sample(50, None, generator(3)))


@NAMES
def test_the_share_of_a_box_that_a_region_fills_is_that_of_its_measure(name: str) -> None:
    region, measure, _ = REGIONS[name]
    n = 200_000
    box = math.prod(b - a for a, b in zip(region.low, region.high, strict=True))
    share = float(region.contains(bounding_points(region, n)).double().mean())
    assert share == pytest.approx(measure / box, abs=4 * (share * (1 - share) / n) ** 0.5 + 1e-12)
    combined = len(region.parts) > 1
    assert region.measure == pytest.approx(measure, rel=1e-3 if combined else 1e-12)


@FLAT
@pytest.mark.parametrize("sequence", [MonteCarlo(), Hammersley()], ids=repr)
def test_samples_are_uniform(name: str, sequence) -> None:
    """Counts in cells of the bounding box against those of an independent rejection sample."""
    region = REGIONS[name][0]
    cells = [_cells(region, p) for p in (region.sample(8000, sequence, generator()), _rejected(region, 400_000))]
    ours, many = (torch.bincount(c, minlength=25).double() for c in cells)
    expected = many / many.sum() * 8000
    used = expected > 20
    chi_square = ((ours - expected)[used] ** 2 / expected[used]).sum()
    assert chi_square < int(used.sum()) + 4 * (2 * int(used.sum())) ** 0.5


def _rejected(region: SpatialRegion, n: int) -> Tensor:
    points = bounding_points(region, n)
    return points[region.contains(points)]


def _cells(region: SpatialRegion, points: Tensor) -> Tensor:
    low, high = torch.tensor(region.low), torch.tensor(region.high)
    columns = ((points - low) / (high - low) * 5).long().clamp(0, 4)
    return columns[:, 0] * 5 + columns[:, 1]


@NAMES
def test_normals_point_out_of_the_region(name: str) -> None:
    region = REGIONS[name][0]
    points, normals = region.boundary(400, None, generator())
    assert points.shape == normals.shape == (400, region.dimensions)
    assert torch.allclose(normals.norm(dim=1), torch.ones(400, dtype=torch.float64), atol=1e-12)
    step = 1e-6 * size(region)
    assert bool(region.contains(points - step * normals).all())
    assert not bool(region.contains(points + step * normals).any())


@NAMES
def test_the_divergence_theorem_holds_over_boundary_points(name: str) -> None:
    # d |Omega| = integral of x . n, so the mean over uniform boundary points is d |Omega| / |boundary|.
    region, measure, surface = REGIONS[name]
    points, normals = region.boundary(20_000, MonteCarlo(), generator())
    flux = ((points - points.mean(dim=0)) * normals).sum(dim=1)
    # The mean of n vanishes for the whole boundary, so that the origin does not matter.
    spread = float(flux.std()) / 20_000**0.5 + size(region) / 20_000**0.5
    assert float(flux.mean()) == pytest.approx(region.dimensions * measure / surface, abs=4 * spread)
    assert float(normals.mean(dim=0).abs().max()) < 4 / 20_000**0.5


@NAMES
def test_the_distance_function_vanishes_on_the_boundary_with_slope_one(name: str) -> None:
    region = REGIONS[name][0]
    points, normals = region.boundary(200, MonteCarlo(), generator())
    step = 1e-5 * size(region)
    assert float(region.distance(points).abs().max()) < 1e-2 * step
    # Near corners the function bends: the slope is one at a distance from them.
    slope, secant = (region.distance(points - k * step * normals) / (k * step) for k in (1, 1000))
    straight = secant > 0.85
    assert float(straight.double().mean()) > 0.4
    expected = torch.ones_like(slope[straight])
    if name in SHARED:  # of boxes in a union: their edges coincide in places
        expected = torch.where(slope[straight] > 2, 2 + 2**0.5, expected)
        assert 0.1 < float((expected > 2).double().mean()) < 0.9
    assert torch.allclose(slope[straight], expected, atol=2e-2)
    assert bool((region.distance(region.sample(500, None, generator())) > 0).all())
    outside = bounding_points(region, 500)
    outside = outside[~region.contains(outside)]
    assert bool((region.distance(outside) < 0).all())


@NAMES
def test_the_bubble_vanishes_on_the_boundary_and_nowhere_within(name: str) -> None:
    region = REGIONS[name][0]
    points, _ = region.boundary(200, MonteCarlo(), generator())
    assert float(region.bubble(points).abs().max()) < 1e-5 * size(region)
    assert bool((region.bubble(region.sample(500, None, generator())) > 0).all())


@NAMES
@pytest.mark.parametrize("function", ["distance", "bubble"])
def test_distance_functions_run_on_jets(name: str, function: str) -> None:
    region = REGIONS[name][0]
    points = region.sample(6, None, generator(1))
    axes = [f"x{i}" for i in range(region.dimensions)]
    orders = [tuple(2 * int(i == j) for i in range(len(axes))) for j in range(len(axes))]
    taylor, reverse = TaylorMode(points, axes, orders), ReverseMode(points, axes)
    ours, oracle = getattr(region, function)(taylor.coords), getattr(region, function)(reverse.coords)
    for order in (*orders, *(tuple(k // 2 for k in o) for o in orders)):
        a, b = value(taylor.derivative(ours, order)), reverse.derivative(oracle, order).detach()
        assert float((a - b).abs().max()) <= 1e-9 * max(1.0, float(b.abs().max()))


@NAMES
def test_regions_work_where_their_points_are(name: str) -> None:
    # The device without memory refuses operands that were not moved, as every other one does.
    region = REGIONS[name][0]
    points = region.sample(4).to("meta", torch.float32)
    for found in (region.contains(points), region.distance(points), region.bubble(points)):
        assert found.device == points.device
        assert found.dtype in (torch.bool, torch.float32)


def test_the_product_of_a_box_is_one_in_the_centre() -> None:
    box = Box((0.0, -1.0), (2.0, 0.5))
    assert float(box.bubble(torch.tensor([1.0, -0.25], dtype=torch.float64))) == pytest.approx(1.0)


def test_the_product_of_a_box_vanishes_on_chosen_faces_only() -> None:
    box = Box((0.0, -1.0), (2.0, 0.5))
    for faces in (["x-"], ["y+"], ["x-", "x+", "y-"]):
        for face in ("x-", "x+", "y-", "y+"):
            points, _ = box.boundary(50, None, generator(), faces=[face])
            inner = points[box.distance(0.5 * (points + torch.tensor([1.0, -0.25]))) > 0.1]
            zero = box.bubble(inner, faces=faces).abs() < 1e-15
            assert bool(zero.all() if face in faces else not zero.any())


def test_a_box_has_named_faces() -> None:
    box = Box((0.0, -1.0), (2.0, 0.5))
    points, normals = box.boundary(40, None, generator(), faces=["x-", "y+"])
    on_left, on_top = points[:, 0] == 0.0, points[:, 1] == 0.5
    assert bool((on_left | on_top).all())
    assert torch.equal(normals[on_left & ~on_top], torch.tensor([[-1.0, 0.0]]).expand(int(on_left.sum()), -1).double())
    assert 12 <= int(on_left.sum()) <= 22  # 1.5 of 3.5
    with pytest.raises(ValueError, match="z-"):
        box.boundary(4, faces=["z-"])


def test_a_box_is_that_of_a_grid_and_an_image_of_the_cube() -> None:
    box = Box.of(Grid.uniform(4, 8, low=(-1.0, 0.0), high=(1.0, 3.0)))
    assert box == Box((-1.0, 0.0), (1.0, 3.0))
    unit = torch.tensor([[0.0, 1.0], [0.5, 0.25]], dtype=torch.float64)
    assert torch.equal(box.place(unit), torch.tensor([[-1.0, 3.0], [0.0, 0.75]], dtype=torch.float64))


def test_a_cloud_gives_its_own_points() -> None:
    points = torch.rand(20, 2, dtype=torch.float64, generator=generator())
    cloud = PointCloud(points, points[:5], torch.tensor([[2.0, 0.0]]).expand(5, 2))
    sample = cloud.sample(64, None, generator())
    assert bool(cloud.contains(sample).all())
    assert len(sample.unique(dim=0)) == 20
    assert not bool(cloud.contains(sample + 1e-9).any())
    where, normals = cloud.boundary(8, None, generator())
    assert bool(cloud.contains(where).all())
    assert torch.equal(normals, torch.tensor([[1.0, 0.0]]).expand(8, 2).double())
    half = cloud - Box((0.0, 0.0), (0.5, 1.0))
    assert bool((half.sample(30, None, generator())[:, 0] > 0.5).all())
    with pytest.raises(ValueError, match="no distance function"):
        cloud.distance(points)
    with pytest.raises(ValueError, match="boundary_points"):
        PointCloud(points).boundary(3)


def test_space_time_has_points_within_at_the_start_and_at_the_sides() -> None:
    disc = Ball((0.0, 0.0), 1.0)
    domain = SpaceTime(disc, 1.0, 3.0)
    assert domain.low == (-1.0, -1.0, 1.0)
    points = domain.sample(4000, None, generator())
    assert bool(domain.contains(points).all())
    assert float(points[:, 2].mean()) == pytest.approx(2.0, abs=0.01)
    assert float(points[:, :2].square().sum(dim=1).mean()) == pytest.approx(0.5, abs=0.01)
    # Time and place are independent.
    assert abs(float(torch.corrcoef(torch.stack([points[:, 2], points[:, 0]]))[0, 1])) < 0.02
    initial = domain.initial(50, None, generator())
    assert bool((initial[:, 2] == 1.0).all())
    assert bool(disc.contains(initial[:, :2]).all())
    sides, normals = domain.lateral(500, None, generator())
    assert torch.allclose(sides[:, :2], normals[:, :2])
    assert bool((normals[:, 2] == 0).all())
    assert float(sides[:, 2].mean()) == pytest.approx(2.0, abs=0.02)
    box = SpaceTime(Box((0.0,), (2.0,)), 0.0, 4.0)
    unit = torch.tensor([[0.25, 0.5]], dtype=torch.float64)
    assert torch.equal(box.place(unit), torch.tensor([[0.5, 2.0]], dtype=torch.float64))
    with pytest.raises(ValueError, match="Ball"):
        domain.place(unit)


@NAMES
def test_a_region_is_made_again_from_its_description(name: str) -> None:
    region = REGIONS[name][0]
    twin = build(describe(region))
    assert torch.equal(twin.sample(20, None, generator()), region.sample(20, None, generator()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: (Ball((0.0, 0.0), 1.0) & Ball((3.0, 0.0), 1.0)).sample(4), "Intersection .* is empty"),
        (lambda: (Ball((0.0, 0.0), 1.0) - Box((-2.0, -2.0), (2.0, 2.0))).sample(4), "Difference .* is empty"),
        (lambda: (Ball((0.0, 0.0), 1.0) & Ball((3.0, 0.0), 1.0)).boundary(4), "is empty"),
        (lambda: Box((0.0,), (1.0,)).sample(0), "n=0"),
        (lambda: Box((0.0,), (0.0,)), "low="),
        (lambda: Box((0.0,), (1.0, 2.0)), "low="),
        (lambda: Ball((0.0,), 0.0), "radius=0.0"),
        (lambda: Ball((0.0,), 1.0) | Ball((0.0, 0.0), 1.0), "1 dimension"),
        (lambda: Polygon(((0, 0), (1, 0))), "2 entries"),
        (lambda: Polygon(((0, 0), (1, 0), (1, 0))), "repeats a corner"),
        (lambda: Polygon(((0, 0), (1, 1), (1, 0), (0, 1))), "cross"),
        (lambda: MeshRegion([[0.0, 0.0]], [[0, 1]]), "shape"),
        (lambda: MeshRegion([[0.0], [1.0]], [[0, 2]]), "number the 2 nodes"),
        (lambda: MeshRegion([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [[0, 1, 2]]), "without volume"),
        (lambda: PointCloud([[0.0]], [[0.0]]), "together"),
        (lambda: PointCloud([]), "at least one point"),
        (lambda: SpaceTime(Box((0.0,), (1.0,)), 1.0, 1.0), "start=1.0"),
    ],
)
def test_a_wrong_argument_is_named(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
