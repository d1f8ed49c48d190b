"""Supervised and unrolled objectives against networks whose output is known."""

import pytest
import torch
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.metrics import relative_h1, relative_l2
from sciml.operators import RelativeH1, RelativeL2, Supervised, Unrolled


class Scale(nn.Module):
    """u -> a u, or a^(time) u where it is told the time."""

    def __init__(self, factor: float, timed: bool = False) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.accepts = frozenset({"time"}) if timed else frozenset()

    def forward(self, u: Tensor, *, time: Tensor | None = None) -> Tensor:
        power = 1.0 if time is None else time.reshape(-1, *[1] * (u.ndim - 1))
        return self.factor**power * u


@pytest.fixture
def u() -> Tensor:
    return torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("loss", "metric"), [(RelativeL2(), relative_l2), (RelativeH1(), relative_h1), (RelativeH1(periodic=True), None)]
)
def test_a_loss_is_its_metric_per_sample(u: Tensor, loss, metric) -> None:
    target = u + torch.linspace(0.1, 0.3, 3)[:, None, None, None] * u
    terms = Supervised(loss).terms(Scale(1.0), Batch(fields=u, targets=target))
    values = terms[loss.name].values
    expected = torch.tensor([0.1 / 1.1, 0.2 / 1.2, 0.3 / 1.3])
    assert torch.allclose(values, expected, atol=1e-6)
    assert metric is None or torch.equal(values, metric(u, target))


def test_the_gradient_of_relative_l2_is_that_worked_out_by_hand(u: Tensor) -> None:
    # The error of a*u against u is |a - 1|, whose slope below a = 1 is -1.
    network = Scale(0.5)
    Supervised().terms(network, Batch(fields=u, targets=u))["relative_l2"].scalar().backward()
    assert network.factor.grad.item() == pytest.approx(-1.0, rel=1e-5)


def test_unrolled_errors_are_those_of_powers_of_the_network(u: Tensor) -> None:
    truth = torch.stack([u, u, u], dim=1)
    values = Unrolled().terms(Scale(0.9), Batch(fields=u, targets=truth))["relative_l2"].values
    expected = torch.tensor([1 - 0.9, 1 - 0.9**2, 1 - 0.9**3]).expand(3, 3)
    assert torch.allclose(values, expected, atol=1e-6)


def test_the_gradient_runs_through_all_steps(u: Tensor) -> None:
    network = Scale(0.5)
    truth = torch.stack([u, u, u], dim=1)
    Unrolled().terms(network, Batch(fields=u, targets=truth))["relative_l2"].values[:, -1].mean().backward()
    assert network.factor.grad.item() == pytest.approx(-3 * 0.5**2, rel=1e-5)


def test_unrolled_tells_the_network_the_length_of_each_step(u: Tensor) -> None:
    lead = torch.tensor([0.5, 2.0, 2.25]).expand(3, 3)
    truth = torch.stack([0.9**t * u for t in (0.5, 2.0, 2.25)], dim=1)
    values = Unrolled().terms(Scale(0.9, timed=True), Batch(fields=u, targets=truth, lead=lead))
    assert values["relative_l2"].values.abs().max() <= 1e-6


def test_fewer_steps_use_the_first_frames(u: Tensor) -> None:
    batch = Batch(fields=u, targets=torch.stack([u, u, u], dim=1))
    all_steps = Unrolled().terms(Scale(0.9), batch)["relative_l2"].values
    assert torch.equal(Unrolled(steps=2).terms(Scale(0.9), batch)["relative_l2"].values, all_steps[:, :2])


def test_the_mask_restricts_the_loss_and_is_refused_by_h1(u: Tensor) -> None:
    mask = torch.zeros(3, 1, 8, 8, dtype=torch.bool)
    mask[:, :, :4] = True
    target = torch.where(mask, u, u + 1)
    batch = Batch(fields=u, targets=target, mask=mask)
    assert Supervised().terms(Scale(1.0), batch)["relative_l2"].values.abs().max() == 0
    with pytest.raises(ValueError, match="mask"):
        Supervised(RelativeH1()).terms(Scale(1.0), batch)


@pytest.mark.parametrize(
    ("objective", "batch", "message"),
    [
        (Supervised(), Batch(fields=torch.ones(1, 1, 4)), "targets is None"),
        (Supervised(), Batch(fields=torch.ones(1, 1, 4), targets=torch.ones(1, 2, 4)), "the targets are"),
        (Unrolled(), Batch(fields=torch.ones(1, 1, 4), targets=torch.ones(1, 1, 4)), r"\(b, t, c, \*s\)"),
        (Unrolled(), Batch(fields=torch.ones(1, 1, 4), targets=torch.ones(1, 3, 2, 4)), "channels"),
        (Unrolled(steps=4), Batch(fields=torch.ones(1, 1, 4), targets=torch.ones(1, 3, 1, 4)), "steps=4"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(objective, batch: Batch, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        objective.terms(Scale(1.0), batch)


@pytest.mark.parametrize(
    "objective",
    [
        Supervised(),
        Supervised(RelativeL2()),
        Supervised(RelativeH1(periodic=True, spacing=[0.1])),
        Unrolled(RelativeH1(), steps=2),
    ],
)
def test_objectives_are_made_again_from_their_description(objective) -> None:
    twin = build(describe(objective))
    assert describe(twin) == describe(objective)
    assert type(twin.loss) is type(objective.loss)
