"""Where points fall, against the density that each method promises."""

import pytest
import torch
from torch import Tensor

from sciml.describe import build, describe
from sciml.fields.sequences import MonteCarlo
from sciml.pinn import Importance, Quasirandom, Refining, ResidualBased, RetainResample, Sampler, TensorProduct
from sciml.pinn.regions import Cuboid

REGION = Cuboid((0.0, 0.0), (2.0, 1.0))
SAMPLERS = [Importance, Quasirandom, Refining, ResidualBased, RetainResample]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def steps(points: Tensor) -> Tensor:
    """1 on the left half, 3 on the right one."""
    return torch.where(points[:, 0] < 1, 1.0, 3.0).double()


def drawn(sampler: Sampler, times: int = 2) -> Tensor:
    for i in range(times):
        sampler.renew(REGION, steps, generator(i))
    return sampler.points


def test_a_threefold_residual_draws_three_quarters_of_the_points() -> None:
    points = drawn(ResidualBased(4000, power=1.0, floor=0.0, candidates=20, sequence=MonteCarlo()))
    share = float((points[:, 0] >= 1).double().mean())
    assert share == pytest.approx(
        0.75, abs=4 * (0.75 * 0.25 / 4000) ** 0.5 + 0.02
    )  # without replacement: a bias below 2 %


def test_a_floor_evens_the_density_out() -> None:
    points = drawn(ResidualBased(4000, power=1.0, floor=1.0, candidates=20, sequence=MonteCarlo()))
    # (1.5 + 1) / (0.5 + 1 + 1.5 + 1)
    assert float((points[:, 0] >= 1).double().mean()) == pytest.approx(0.625, abs=0.045)


def test_refining_keeps_what_there_is_and_stops_at_its_limit() -> None:
    sampler = Refining(100, added=30, most=150)
    first = drawn(sampler, 1).clone()
    second = drawn(sampler, 1).clone()
    assert len(second) == 130
    assert torch.equal(second[:100], first)
    assert float((second[100:, 0] >= 1).double().mean()) > 0.7
    assert len(drawn(sampler, 3)) == 150


def test_points_above_the_mean_residual_are_retained() -> None:
    sampler = RetainResample(200)
    first = drawn(sampler, 1).clone()
    second = drawn(sampler, 1)
    kept = first[first[:, 0] >= 1]
    assert len(second) == 200
    assert torch.equal(second[: len(kept)], kept)


def test_importance_weights_leave_the_mean_unbiased() -> None:
    sampler = Importance(2000, floor=0.5, candidates=10, sequence=MonteCarlo())
    means = []
    for i in range(40):
        sampler.renew(REGION, steps, generator(i))
        means.append(float((sampler.weights() * sampler.points[:, 0]).mean()))
    means = torch.tensor(means[1:])
    assert float(means.mean()) == pytest.approx(1.0, abs=4 * float(means.std()) / len(means) ** 0.5)


def test_a_tensor_product_is_sorted_by_time_and_sees_every_place_at_every_time() -> None:
    sampler = TensorProduct([3, 4])
    sampler.renew(REGION, steps, generator())
    table = sampler.points.view(4, 3, 2)
    assert torch.equal(table[:, :, 0], table[:1, :, 0].expand(4, 3))
    assert torch.equal(table[:, :, 1], table[:, :1, 1].expand(4, 3))
    assert bool((table[:, 0, 1].diff() > 0).all())


@pytest.mark.parametrize("cls", SAMPLERS)
def test_points_lie_in_the_region_and_are_those_of_the_generator(cls: type) -> None:
    first, second = cls(64, every=5), cls(64, every=5)
    assert torch.equal(drawn(first), drawn(second))
    assert bool(REGION.contains(first.points).all())


@pytest.mark.parametrize("cls", SAMPLERS)
def test_a_sampler_with_its_state_is_made_again_and_goes_on_alike(cls: type) -> None:
    sampler = cls(64, every=5)
    drawn(sampler)
    twin = build(describe(sampler))
    twin.load_state_dict(sampler.state_dict())
    assert torch.equal(twin.points, sampler.points)
    assert torch.equal(drawn(twin, 1), drawn(sampler, 1))


def test_points_are_renewed_when_they_are_due() -> None:
    sampler = Quasirandom(8, every=10)
    assert sampler.due(0)
    drawn(sampler, 1)
    assert [step for step in range(31) if sampler.due(step)] == [10, 20, 30]


def test_a_residual_of_zero_everywhere_still_gives_points() -> None:
    sampler = ResidualBased(16, floor=0.0)
    for i in range(2):
        sampler.renew(REGION, lambda p: torch.zeros(len(p)), generator(i))
    assert len(sampler.points) == 16


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Quasirandom(0), "points=0"),
        (lambda: Quasirandom(5, every=0), "every=0"),
        (lambda: ResidualBased(5, power=-1.0), "power=-1.0"),
        (lambda: Refining(5, added=0), "added=0"),
        (lambda: TensorProduct([]), r"counts=\[\]"),
    ],
)
def test_bad_arguments_are_named(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
