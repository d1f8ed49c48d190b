"""What generation does with input that has no good answer: a line that says so, and never a sample that looks good."""

import dataclasses
import logging

import numpy as np
import pytest
import torch
from generation import DARCY, files, loaded, manifest, read_all

from sciml.datagen import Recipe, generate
from sciml.datagen.shards import Chain, Shard, make_shard, solve_samples
from sciml.fields import Boundaries, Grid, Neumann
from sciml.linalg import CG, GCRODR, GMRES, Auto, MeanFree, SparseDirect, SparseMatrix, Stencil
from sciml.pdes import Darcy, Problem
from sciml.solvers import FiniteVolumeElliptic
from sciml.status import ConfigError, SampleError, SolveFailure, Status


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    return loaded(tmp_path, DARCY)


def solved_by(recipe: Recipe, linear_solver) -> Recipe:
    return dataclasses.replace(recipe, solver=FiniteVolumeElliptic(linear_solver))


def insulated(a=1.0, f=1.0) -> Problem:
    return Problem(Darcy(), Grid.cells(6, 6), boundary=Boundaries({"all": Neumann()}), parameters={"a": a, "f": f})


# ---- a singular matrix, a right side that does not fit it ------------------------------------------------------------


def test_slopes_all_around_are_refused_with_the_null_space_and_the_way_out():
    with pytest.raises(ValueError, match=r"constants are the null space; linear_solver=MeanFree\(CG\(\)\) projects"):
        FiniteVolumeElliptic().systems(insulated())


def test_an_incompatible_right_side_is_a_failure_that_names_the_null_space():
    (system,) = FiniteVolumeElliptic(MeanFree(CG())).systems(insulated())
    for solver in (SparseDirect(), CG(max_iterations=50), GMRES(max_iterations=50)):
        solution = solver.solve(*system)
        assert not solution.status.ok
        assert "the constants are the null space of A and b has the mean 1; MeanFree" in solution.message


def test_the_means_are_projected_when_asked():
    f = torch.rand(6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = FiniteVolumeElliptic(MeanFree(CG(tol=1e-11))).solve(insulated(f=f))
    assert int(found.status[0]) == Status.SUCCESS
    assert abs(float(found.u.mean())) < 1e-14
    (a, b), *_ = FiniteVolumeElliptic(MeanFree(CG())).systems(insulated(f=f))
    np.testing.assert_allclose(a.apply(found.u[0, 0, 0].numpy().ravel()), b - b.mean(), atol=1e-9)


# ---- coefficients ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "told"), [(-1.0, "a=-1"), (0.0, "is 0"), (np.nan, "is nan"), (np.inf, "is inf")])
def test_a_coefficient_that_is_none_is_told_with_sample_and_cell_before_anything_is_solved(value, told, monkeypatch):
    monkeypatch.setattr(SparseDirect, "solve", lambda *a, **k: pytest.fail("solved"))
    a = torch.ones(3, 6, 6, dtype=torch.float64)
    a[2, 3, 4] = value
    given = {"boundary": Boundaries.dirichlet(), "parameters": {"a": a, "f": 1.0}}
    with pytest.raises(SampleError, match=r"^sample 2: .*at cell \(3, 4\)") as caught:
        FiniteVolumeElliptic(SparseDirect()).solve(Problem(Darcy(), Grid.cells(6, 6), **given))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, np.inf])
def test_in_a_data_set_such_a_sample_is_rejected_by_its_own_number(recipe, tmp_path, value, monkeypatch):
    draw = Recipe.coefficient_batch

    def spoiled(self, indices, grid):
        fields = draw(self, indices, grid)
        fields["a"][[i == 5 for i in indices], 1, 3] = value
        return fields

    monkeypatch.setattr(Recipe, "coefficient_batch", spoiled)
    root = generate(recipe, train=7, valid=0, test=0, out=tmp_path / "out", workers=0)
    (rejected,) = manifest(root)["rejected"]
    assert rejected["index"] == 5
    assert rejected["reason"].startswith("sample 5: ")
    assert "at cell (1, 3)" in rejected["reason"]
    assert read_all(root, "samples/index").tolist() == [0, 1, 2, 3, 4, 6]


def test_a_first_sample_that_is_none_does_not_stop_the_others(recipe, tmp_path, monkeypatch):
    draw = Recipe.coefficient_batch

    def spoiled(self, indices, grid):
        fields = draw(self, indices, grid)
        fields["a"][[i == 0 for i in indices], 0, 0] = np.nan
        return fields

    monkeypatch.setattr(Recipe, "coefficient_batch", spoiled)
    root = generate(recipe, train=3, valid=0, test=0, out=tmp_path / "out", workers=0)
    assert [one["reason"][:40] for one in manifest(root)["rejected"]] == [
        "sample 0: the diffusion coefficient at ce"[:40]
    ]
    assert read_all(root, "samples/index").tolist() == [1, 2]


# ---- right sides of zero, tolerances ---------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", [None, CG(), GCRODR(restart=10, recycle=3), Auto()])
def test_a_source_of_zero_has_the_solution_zero_without_an_iteration(recipe, tmp_path, solver):
    dark = dataclasses.replace(solved_by(recipe, solver), parameters={**recipe.parameters, "f": 0.0})
    entry = make_shard(dark, Shard("train", 0, 0, 2), tmp_path)
    assert (entry["samples"], entry["rejected"]) == (2, [])
    assert not read_all(tmp_path, "t0_fields/u").any()
    assert read_all(tmp_path, "samples/residual").tolist() == [0.0, 0.0]
    (system,) = dark.solver.systems(dark.problem(0))
    assert (solver or SparseDirect()).solve(*system).iterations == 0


@pytest.mark.parametrize("tol", [1e-14, 0.0, -1.0, 1.0])
@pytest.mark.parametrize("name", ["CG", "GCRODR", "Auto"])
def test_a_tolerance_out_of_reach_is_a_mistake_in_the_recipe(tmp_path, name, tol):
    inner = f"{{class_path: {name}, init_args: {{tol: {tol!r}}}}}"
    text = DARCY.replace(
        "solver: FiniteVolumeElliptic",
        f"solver: {{class_path: FiniteVolumeElliptic, init_args: {{linear_solver: {inner}}}}}",
    )
    with pytest.raises(ConfigError, match=r"solver\.init_args\.linear_solver: tol=.* must lie in \[1e-13, 1\)") as told:
        loaded(tmp_path, text)
    assert "\n" not in str(told.value)


def test_single_precision_in_the_operator_is_never_accepted_for_a_tolerance_it_cannot_reach():
    class Single(SparseMatrix):
        def apply(self, x):
            return (self.matrix.astype(np.float32) @ x.astype(np.float32)).astype(np.float64)

    a = Single(np.diag(np.linspace(1, 1e3, 60)) + 0.1)
    solution = CG(tol=1e-10).solve(a, np.ones(60))
    assert not solution.status.ok
    assert solution.residual > 1e-10
    assert solution.message


# ---- sizes of cycles and of systems, kinds of numbers ----------------------------------------------------------------


@pytest.mark.parametrize(("restart", "recycle"), [(10, 10), (10, 12), (0, 0), (10, -1)])
def test_cycles_that_are_none_are_a_mistake_in_the_recipe(tmp_path, restart, recycle):
    inner = f"{{class_path: GCRODR, init_args: {{restart: {restart}, recycle: {recycle}}}}}"
    text = DARCY.replace(
        "solver: FiniteVolumeElliptic",
        f"solver: {{class_path: FiniteVolumeElliptic, init_args: {{linear_solver: {inner}}}}}",
    )
    with pytest.raises(ConfigError, match=r"linear_solver: re\w+="):
        loaded(tmp_path, text)


def test_a_cycle_longer_than_the_system_is_told_and_nothing_is_stored(recipe, tmp_path):
    with pytest.raises(SolveFailure, match="restart=40 exceeds the 30 unknowns of the system"):
        generate(solved_by(recipe, GCRODR(restart=40)), out=tmp_path / "out", workers=0)
    assert files(tmp_path / "out") == []


def test_without_recycling_it_is_gmres_bit_by_bit(recipe):
    pair = [solve_samples(solved_by(recipe, s), range(3)) for s in (GMRES(restart=8), GCRODR(restart=8, recycle=0))]
    for one, other in zip(*pair, strict=True):
        np.testing.assert_array_equal(one.fields["u"], other.fields["u"])


def test_a_space_survives_neither_another_size_nor_a_change_from_complex_to_real(recipe, caplog):
    """The chain of a shard goes on with what comes, and says what it has dropped."""
    caplog.set_level(logging.INFO, "sciml.linalg")
    solver = GCRODR(restart=8, recycle=3, tol=1e-10)
    chain = Chain(FiniteVolumeElliptic(solver))
    for n in (6, 5):
        boundary = Boundaries.dirichlet()
        problem = Problem(Darcy(), Grid.cells(n, n), boundary=boundary, parameters={"a": 1.0, "f": 1.0})
        assert int(chain.solve(problem).status[0]) == Status.SUCCESS
    assert "a recycled space of size 36 is dropped: the system has 25" in caplog.text
    (real, b), *_ = recipe.solver.systems(recipe.problem(0))
    damped = Stencil(real.diagonal + 5j, tuple(t.astype(complex) for t in real.faces))
    from_real = solver.solve(damped, b, state=solver.solve(real, b).state)
    assert from_real.x.imag.any()
    assert np.linalg.norm(b - damped.apply(from_real.x)) <= 1e-10 * np.linalg.norm(b)
    from_complex = solver.solve(real, b, state=from_real.state)
    assert from_complex.x.dtype == np.float64
    assert "a complex recycled space is dropped: the system is real" in caplog.text


# ---- limits ----------------------------------------------------------------------------------------------------------


def test_samples_that_reach_the_limit_are_listed_and_never_stored(recipe, tmp_path):
    """The nine samples need 15 to 26 steps."""
    entry = make_shard(solved_by(recipe, CG(max_iterations=24)), Shard("train", 0, 0, 9), tmp_path)
    kept = read_all(tmp_path, "samples/index").tolist()
    lost = [one["index"] for one in entry["rejected"]]
    assert sorted(kept + lost) == list(range(9))
    assert kept
    assert lost
    for one in entry["rejected"]:
        assert one["status"] == "MAX_STEPS"
        assert "MAX_STEPS" in one["reason"]
    assert (read_all(tmp_path, "samples/residual") <= 1e-8).all()
    with pytest.raises(SolveFailure, match="every sample of split 'train' failed"):
        generate(solved_by(recipe, CG(max_iterations=2)), out=tmp_path / "none", workers=0)
    assert files(tmp_path / "none") == []
