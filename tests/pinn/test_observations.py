"""Measurements: from files, and from a solution that is known."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.nn import MLP
from sciml.pdes import Heat, Statement
from sciml.pinn import Exact, PhysicsInformed, Twin, read_observations
from sciml.status import ConfigError


def heat() -> Statement:
    return Statement(
        Heat(0.1), {"x": [0.0, 2.0]}, {"u": "cos(pi*x)"}, periodic=["x"], times=[0.0, 1.0],
        exact={"u": "exp(-0.1*pi**2*t)*cos(pi*x)"}, points=64,
    )  # fmt: skip


def measured(noise: float, seed: int = 0) -> Twin:
    objective = PhysicsInformed(heat(), [Twin(600, noise, Exact(frames=21), seed=seed)])
    objective.advance(0, 0, MLP(2, 1, width=4, depth=1).double())
    return objective.conditions[0]


def exact(points: torch.Tensor) -> torch.Tensor:
    return torch.exp(-0.1 * math.pi**2 * points[:, 1]) * torch.cos(math.pi * points[:, 0])


def test_a_twin_measures_the_solution_at_different_points() -> None:
    twin = measured(0.0)
    assert torch.allclose(twin.values, exact(twin.at), atol=1e-14)
    assert len(twin.at.unique(dim=0)) == 600


def test_noise_has_the_share_of_the_solutions_spread_that_was_asked_for() -> None:
    twin = measured(0.1)
    noise = twin.values - exact(twin.at)
    # The standard deviation of 600 normal numbers is within 3 / sqrt(1200) = 9 % in 99.7 of 100 cases.
    assert float(noise.std() / exact(twin.at).std()) == pytest.approx(0.1, rel=0.09)
    assert not torch.equal(measured(0.1, seed=1).values, twin.values)


def test_a_run_that_goes_on_keeps_what_was_measured() -> None:
    network = MLP(2, 1, width=4, depth=1).double()
    objective = PhysicsInformed(heat(), [Twin(50, 0.1, Exact(frames=5))])
    objective.advance(0, 0, network)
    twin = build(describe(Twin(50, 0.1, Exact(frames=5))))
    other = PhysicsInformed(heat(), [twin])
    other.load_state_dict(objective.state_dict())
    terms = [o.terms(network, Batch())["data:u"].values for o in (objective, other)]
    assert torch.equal(*terms)
    assert len(terms[0]) == 50


def test_more_points_than_the_reference_has_are_refused() -> None:
    objective = PhysicsInformed(heat(), [Twin(10_000, reference=Exact(frames=2))])
    with pytest.raises(ValueError, match="count=10000 is more than the 128 points"):
        objective.advance(0, 0, None)


def test_measurements_are_read_from_an_archive(tmp_path: Path) -> None:
    np.savez(tmp_path / "seen.npz", points=np.array([[0.5, 0.1], [1.0, 0.2]]), values=np.array([1.0, 2.0]))
    seen = read_observations(str(tmp_path / "seen.npz"))
    assert seen.values.tolist() == [1.0, 2.0]
    np.savez(tmp_path / "half.npz", points=np.zeros((1, 2)))
    with pytest.raises(ConfigError, match="has no array 'values'"):
        read_observations(str(tmp_path / "half.npz"))
    with pytest.raises(ConfigError, match="does not exist"):
        read_observations(str(tmp_path / "none.npz"))
