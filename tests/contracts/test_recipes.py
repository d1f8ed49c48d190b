"""Every shipped recipe: it validates, a tiny version generates, passes the schema, and holds what its solver says."""

import dataclasses
import re

import h5py
import numpy as np
import pytest

from sciml.data import FieldDataset, validate_dataset
from sciml.data.layouts import find_layout
from sciml.datagen import Recipe, generate
from sciml.datagen.recipe_file import find_recipe, shipped_recipes
from sciml.datagen.shards import dataset_spec
from sciml.resources import resource_root

RECIPES = pytest.mark.parametrize("name", shipped_recipes())
#: The steady ones, by their text: to load a recipe draws its first sample, which takes long for some.
STEADY = [name for name in shipped_recipes() if "\ninitial:" not in find_recipe(name).read_text()]
#: What a reader of a card looks for.
SECTIONS = ("Equation", "Boundary conditions", "Distribution", "Units", "Why it is hard", "How to judge a model")


@RECIPES
def test_a_recipe_validates_and_is_named_after_its_folder(name):
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert recipe.meta.get("licence")
    assert recipe.equation.evolves == (name not in STEADY)
    assert all(recipe.splits.values())
    assert Recipe.from_dict(recipe.to_dict()).hash == recipe.hash


@RECIPES
def test_a_recipe_has_a_card_with_every_section(name):
    text = (resource_root() / "datasets" / name / "card.md").read_text()
    headings = re.findall(r"^## (.+)$", text, flags=re.M)
    assert list(SECTIONS) == [h for h in headings if h in SECTIONS]


#: Points per axis of a tiny version, by the number of axes; its number of times, and by how much they are closer.
TINY, FRAMES, CLOSER = {1: 64, 2: 24}, 3, 10


def tiny(name: str) -> Recipe:
    """The beginning of a recipe of evolution on a coarse grid, with the ratio of solution to stored grid it has."""
    recipe = Recipe.load(name)
    if not recipe.equation.evolves:
        return recipe
    pairs = zip(recipe.grid.axes, recipe.solution_grid.axes, strict=True)
    ends = [a.kind == "nodes" for a in recipe.grid.axes]
    ratios = [(b.n - end) // (a.n - end) for end, (a, b) in zip(ends, pairs, strict=True)]
    first, second, *_ = recipe.times
    sizes = [min(a.n, TINY[recipe.grid.dimensions]) for a in recipe.grid.axes]
    return dataclasses.replace(
        recipe,
        grid=recipe.grid.resized(*sizes),
        solution_grid=recipe.grid.resized(*((n - e) * r + e for n, r, e in zip(sizes, ratios, ends, strict=True))),
        times=tuple(first + i * (second - first) / CLOSER for i in range(FRAMES)),
    )


@pytest.mark.slow
@RECIPES
def test_a_tiny_version_generates_and_passes_the_schema(name, tmp_path):
    recipe = tiny(name)
    root = generate(recipe, train=2, valid=1, test=1, out=tmp_path / name, workers=0)
    faults = validate_dataset(root)
    assert not faults
    for split in ("train", "valid", "test"):
        dataset = FieldDataset(root, split)
        assert dataset.spec.times == recipe.times
        assert dataset.spec.grid == recipe.grid
        assert dataset.fields([0]).dtype == np.dtype(recipe.dtype)
        # Around solids, across which an equation cannot be differentiated, the residual is unknown.
        unknown = getattr(recipe.solver, "solids", None) is not None
        assert np.isnan(dataset.samples["residual"]).all() == unknown
        assert np.isfinite(dataset.samples["residual"]).all() != unknown


def layout_of(name: str) -> str | None:
    """The layout of the data set that a recipe is named after."""
    return next((layout for layout in ("pdebench", "poseidon") if name.startswith(f"{layout}_")), None)


PUBLISHED = [name for name in shipped_recipes() if layout_of(name)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recipe_after_a_published_set_has_a_place_in_its_layout(name):
    spec = dataset_spec(Recipe.load(name))
    assert find_layout(layout_of(name), spec).refuses(spec) is None


#: One of each kind of file, with its published name (or that of the data set) and one variable in it.
FILES = {
    "pdebench_burgers_1d": ("1D_Burgers_Sols_Nu0.01.hdf5", "tensor"),
    "pdebench_cfd_1d_shock": ("1D_CFD_Shock_Eta0.0_Zeta0.0_trans_Train.hdf5", "Vx"),
    "pdebench_cfd_1d_viscous": ("1D_CFD_Rand_Eta0.01_Zeta0.01_periodic_Train.hdf5", "Vx"),
    "pdebench_cfd_2d_viscous": ("2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_24_Train.hdf5", "Vy"),
    "pdebench_diffusion_reaction_2d": ("2D_diff-react_NA_NA.h5", "0000/data"),
    "pdebench_diffusion_sorption_1d": ("1D_diff-sorp_NA_NA.h5", "0000/data"),
    "pdebench_incompressible_2d": ("ns_incom_inhom_2d_512-0.h5", "force"),
    "pdebench_shallow_water_2d": ("2D_rdb_NA_NA.h5", "0000/data"),
    "poseidon_ace": ("poseidon_ace.nc", "solution"),
    "poseidon_ce_rp": ("poseidon_ce_rp.nc", "data"),
    "poseidon_fns_kf": ("poseidon_fns_kf.nc", "solution"),
    "poseidon_ns_sines": ("poseidon_ns_sines.nc", "velocity"),
    "poseidon_wave_gauss": ("poseidon_wave_gauss.nc", "c"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_tiny_version_exports_in_the_layout_of_its_published_set(name, tmp_path):
    layout, (file, variable) = layout_of(name), FILES[name]
    root = generate(tiny(name), train=2, valid=1, test=0, out=tmp_path / name, workers=0, layout=layout)
    with h5py.File(root / layout / file) as opened:
        assert np.isfinite(opened[variable][...]).all()


@pytest.mark.slow
def test_a_tiny_version_exports_in_the_layout_of_the_well(tmp_path):
    root = generate(tiny("gray_scott_2d"), train=2, valid=1, test=0, out=tmp_path / "x", workers=0, layout="the_well")
    with h5py.File(root / "the_well" / "data" / "train" / "gray_scott_2d.hdf5") as opened:
        assert opened["t0_fields/v"].shape == (2, FRAMES, 24, 24)


def test_the_table_of_data_sets_lists_every_recipe_once():
    table = (resource_root() / "datasets" / "README.md").read_text()
    listed = re.findall(r"^\| \[`(\w+)`\]\((\w+)/card\.md\) \|", table, flags=re.M)
    assert sorted(listed) == [(name, name) for name in shipped_recipes()]


def steady(name: str) -> Recipe:
    """A steady recipe, solved on the grid that is stored and in the precision of its solver."""
    recipe = Recipe.load(name)
    return dataclasses.replace(recipe, solution_grid=recipe.grid, dtype="float64")


def neighbours(values, axis, beyond):
    """The values of the next and of the previous cell along an axis; `beyond` where there is none."""
    for shift, edge in ((-1, -1), (1, 0)):
        other = np.roll(values, shift, axis)
        other[(slice(None),) * axis + (edge,)] = beyond
        yield -shift, other


def diffusion_balance(recipe, given, u):
    """What leaves every cell through five-point harmonic faces, zero values half a cell beyond the last ones."""
    a, h, balance = given.get("a", np.ones_like(u)), recipe.grid.axes[0].h, np.zeros_like(u)
    for axis in (0, 1):
        for (_, other_a), (_, other_u) in zip(neighbours(a, axis, np.nan), neighbours(u, axis, 0.0), strict=True):
            face = np.where(np.isnan(other_a), 2 * a, 2 * a * other_a / (a + other_a))
            balance += face * (u - other_u) / h**2
    return balance


def convection_balance(recipe, given, u):
    """What leaves every cell with exponential fitting, from the stream function at its corners."""
    psi, h, a, balance = given["psi"], recipe.grid.axes[0].h, recipe.constants["a"], np.zeros_like(u)
    padded = np.pad(psi, 1, mode="reflect", reflect_type="odd")
    # The odd reflection about the last centre extrapolates linearly; corners are means of four.
    corners = (padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) / 4
    across = given["velocity_x"] + np.diff(corners, axis=1) / h, -np.diff(corners, axis=0) / h
    for axis in (0, 1):
        for sign, other_u in neighbours(u, axis, 0.0):
            n = u.shape[axis]
            w = sign * np.take(across[axis], range(1, n + 1) if sign > 0 else range(n), axis=axis)
            wall = np.zeros_like(u, bool)
            wall[(slice(None),) * axis + (-1 if sign > 0 else 0,)] = True
            d = np.where(wall, 2 * a, a) / h**2
            peclet = w / h / d
            balance += d * (-peclet / np.expm1(-peclet) * u - peclet / np.expm1(peclet) * other_u)
    return balance


def wave_balance(recipe, given, h):
    """-laplace h - k^2 (1 + i delta) h at every inner node; zero on the walls."""
    laplacian = sum((np.roll(h, s, axis) - h) / recipe.grid.axes[axis].h ** 2 for axis in (0, 1) for s in (1, -1))
    return (-laplacian - given["k"] ** 2 * (1 + 1j * recipe.constants["damping"]) * h)[1:-1, 1:-1]


def triangle_stiffness(nodes):
    r"""$\int \nabla\phi_a \cdot \nabla\phi_b$ of the quadratics on a triangle, from monomials, by midpoints."""

    def powers(x, y):
        return [[1, a, b, a * a, a * b, b * b] for a, b in zip(x, y, strict=True)]

    coefficients = np.linalg.inv(powers(*np.array(nodes).T))
    stiffness = np.zeros((6, 6))
    # Of six nodes with spacing 1 the midpoints of the edges are those with an odd coordinate; the area is 2.
    for x, y in (node for node in nodes if node[0] % 2 or node[1] % 2):
        slopes = np.array([[0, 1, 0, 2 * x, y, 0], [0, 0, 1, 0, x, 2 * y]]) @ coefficients
        stiffness += 2 / 3 * slopes.T @ slopes
    return stiffness


def plate_balance(recipe, given, u):
    """What quadratic triangles make of the unknowns; `f` becomes the load of the given values."""
    inside, block = given["inside"], [(i, j) for i in range(3) for j in range(3)]
    np.testing.assert_array_equal(u[inside == 0], given["g"][inside == 0])

    def applied(v):
        n, m = (inside.shape[0] - 1) // 2, (inside.shape[1] - 1) // 2
        total, plate = np.zeros_like(v), inside[1::2, 1::2]
        for nodes in ([(i, j) for i, j in block if i >= j], [(i, j) for i, j in block if i <= j]):
            places = [(slice(i, i + 2 * n - 1, 2), slice(j, j + 2 * m - 1, 2)) for i, j in nodes]
            for place, row in zip(places, triangle_stiffness(nodes), strict=True):
                total[place] += plate * sum(k * v[other] for k, other in zip(row, places, strict=True))
        return inside * total

    given["f"] = -applied(np.where(inside == 1, 0.0, given["g"]))
    return applied(np.where(inside == 1, u, 0.0))


BALANCES = {
    "Darcy": diffusion_balance,
    "Poisson": diffusion_balance,
    "ConvectionDiffusion": convection_balance,
    "DampedHelmholtz": wave_balance,
    "HeatedPlate": plate_balance,
}


def recomputed(recipe: Recipe, dataset: FieldDataset, i: int) -> float:
    """The relative residual of a stored sample, from its file alone."""
    names = [spec.name for spec in dataset.spec.static]
    given = dict(zip(names, dataset.static([i])[0].astype(np.float64), strict=True)) | recipe.numbers(i)
    fields = dataset.fields([i])[0, 0].astype(np.float64)
    u = fields[0] if len(fields) == 1 else fields[0] + 1j * fields[1]
    balance = BALANCES[type(recipe.equation).__name__](recipe, given, u)
    f = np.broadcast_to(given.get("f", recipe.constants.get("f")), u.shape)
    f = f if f.shape == balance.shape else f[1:-1, 1:-1]
    return float(np.linalg.norm(balance - f) / np.linalg.norm(f))


@pytest.mark.parametrize("name", STEADY)
def test_the_residual_of_a_steady_float64_sample_is_found_again_from_the_file(name, tmp_path):
    """The balance of every cell or node, written out with shifted arrays for each equation."""
    recipe = steady(name)
    dataset = FieldDataset(generate(recipe, train=2, valid=0, test=0, out=tmp_path / name, workers=0), "train")
    for i in range(2):
        found = recomputed(recipe, dataset, i)
        assert found <= 1.1 * recipe.solver.linear_solver.tol
        assert dataset.samples["residual"][i] == pytest.approx(found, rel=0.1, abs=1e-11)


@pytest.mark.parametrize("name", STEADY)
def test_a_float32_file_carries_the_residual_before_conversion(name, tmp_path):
    recipe, files = steady(name), {}
    for dtype in ("float64", "float32"):
        stored = dataclasses.replace(recipe, dtype=dtype)
        root = generate(stored, train=1, valid=0, test=0, out=tmp_path / dtype, workers=0)
        files[dtype] = FieldDataset(root, "train")
    np.testing.assert_array_equal(files["float32"].samples["residual"], files["float64"].samples["residual"])
    # What rounding the solution leaves is far above it.
    assert recomputed(recipe, files["float32"], 0) > 1e3 * files["float32"].samples["residual"][0]
