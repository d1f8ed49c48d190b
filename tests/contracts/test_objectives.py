"""What every objective, loss and weighting keeps to, whichever package exports it.

An objective is constructible without arguments or offers `example()`, and takes pairs of fields or what
`example_batch()` returns. One that is `without_data` takes empty batches and `example_network()`, and keeps its points
in buffers. A weighting is constructible without arguments or offers `example(terms)`.
"""

import inspect
import json
import pkgutil
from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

import sciml
import sciml.objective
from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.objective import Objective, Term, Weighting
from sciml.operators.supervised import Loss

FAMILIES = {"pinn", "operators", "diffusion", "hybrid", "gp", "uq"}
PACKAGES = [f"sciml.{m.name}" for m in pkgutil.iter_modules(sciml.__path__) if m.name in FAMILIES | {"objective"}]


def exported(base: type) -> list[type]:
    found = set()
    for package in PACKAGES:
        module = import_module(package)
        values = [getattr(module, n) for n in getattr(module, "__all__", vars(module))]
        found |= {v for v in values if inspect.isclass(v) and issubclass(v, base) and not inspect.isabstract(v)}
    return sorted(found, key=lambda cls: cls.__name__)


OBJECTIVES, WEIGHTINGS, LOSSES = exported(Objective), exported(Weighting), exported(Loss)
OF_FIELDS = [cls for cls in OBJECTIVES if not cls.without_data]
OF_POINTS = [cls for cls in OBJECTIVES if cls.without_data]


class Damped(nn.Module):
    """Two weights, so that a gradient can miss one."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.tensor(0.7)), nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.shift


def example(cls: type) -> Objective:
    return cls.example() if hasattr(cls, "example") else cls()


def network_of(cls: type) -> nn.Module:
    if not cls.without_data:
        return Damped()
    torch.manual_seed(0)
    return cls.example_network().double()


def batch(cls: type) -> Batch:
    if cls.without_data:
        return Batch()
    if hasattr(cls, "example_batch"):
        return cls.example_batch()
    generator = torch.Generator().manual_seed(0)
    fields = torch.randn(3, 1, 8, 8, generator=generator)
    return Batch(fields=fields, targets=torch.randn(3, 1, 8, 8, generator=generator))


def named_terms(network: Damped) -> dict[str, Term]:
    """Squared residuals at the points of two conditions, ten times as large in one of them."""
    points = torch.stack([torch.linspace(-1, 1, 6), torch.linspace(0, 1, 6)], dim=1)
    one = network.scale * (1 + points[:, 1])
    ten = 10 * network.scale * (1 - points[:4, 0]) + network.shift
    return {"one": Term(one.square(), points, residuals=one), "ten": Term(ten.square(), points[:4], residuals=ten)}


def weighting(cls: type) -> Weighting:
    return cls.example(["one", "ten"]) if hasattr(cls, "example") else cls()


def test_there_are_objectives_weightings_and_losses() -> None:
    assert {"Supervised", "Unrolled"} <= {c.__name__ for c in OF_FIELDS}
    assert {"DeepRitz", "Marching", "PhysicsInformed"} <= {c.__name__ for c in OF_POINTS}
    assert {"AugmentedLagrangian", "CausalWeights", "FixedWeights", "NTKWeights"} <= {c.__name__ for c in WEIGHTINGS}
    assert {"RelativeH1", "RelativeL2"} <= {c.__name__ for c in LOSSES}


@pytest.mark.parametrize("cls", OF_FIELDS)
def test_terms_keep_one_value_per_sample_and_samples_do_not_mix(cls: type) -> None:
    objective, network, whole = example(cls), Damped(), batch(cls)
    terms = objective.terms(network, whole)
    assert terms
    for i in range(len(whole.fields)):
        alone = objective.terms(network, whole.map(lambda v, i=i: v[i : i + 1]))
        assert alone.keys() == terms.keys()
        for name, term in terms.items():
            assert len(term.values) == len(whole.fields)
            assert torch.allclose(term.values[i : i + 1], alone[name].values, rtol=1e-5)
    for term in terms.values():
        assert term.scalar().shape == ()


def with_row(objective: Objective, row: int) -> Objective:
    """The same objective, which holds a single one of its points."""
    twin = build(describe(objective))
    twin.load_state_dict(objective.state_dict())
    for module in twin.modules():
        for name, held in module._buffers.items():
            module._buffers[name] = held[row : row + 1] if held is not None and held.ndim else held
    return twin


@pytest.mark.parametrize("cls", OF_POINTS)
def test_terms_keep_one_value_per_point_and_points_do_not_mix(cls: type) -> None:
    objective, network = example(cls), network_of(cls)
    objective.advance(0, 0, network)
    terms = objective.terms(network, Batch())
    assert terms
    for row in (0, 2):
        alone = with_row(objective, row).terms(network, Batch())
        assert alone.keys() == terms.keys()
        for name, term in terms.items():
            assert len(term.values) == len(term.points) > 2
            assert torch.equal(alone[name].points, term.points[row : row + 1])
            assert torch.allclose(alone[name].values, term.values[row : row + 1], rtol=1e-10)
    for term in terms.values():
        assert term.scalar().shape == ()
        assert term.residuals is None or torch.allclose(term.residuals.square(), term.values)


@pytest.mark.parametrize("cls", OF_POINTS)
def test_an_objective_without_data_knows_what_its_network_is_the_solution_of(cls: type) -> None:
    objective, network = example(cls), network_of(cls)
    objective.advance(0, 0, network)
    spec = objective.solution()
    terms = objective.terms(network, Batch())
    assert {len(spec.axes)} == {t.points.shape[1] for t in terms.values()}
    assert len(spec.channels) == network.out_features
    assert type(spec).from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize("cls", OBJECTIVES)
def test_the_gradient_of_an_objective_reaches_the_network(cls: type) -> None:
    network = network_of(cls)
    sum(term.scalar() for term in example(cls).terms(network, batch(cls)).values()).backward()
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in network.parameters())


@pytest.mark.parametrize("cls", OBJECTIVES)
def test_an_objective_is_made_again_with_its_state(cls: type) -> None:
    objective, network, whole = example(cls), network_of(cls), batch(cls)
    for step in range(3):
        objective.advance(step, 0, network)
        objective.terms(network, whole)
    twin = build(describe(objective))
    twin.load_state_dict(objective.state_dict(), strict=True)
    first, second = objective.terms(network, whole), twin.terms(network, whole)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name].values, second[name].values) for name in first)


@pytest.mark.parametrize("cls", WEIGHTINGS)
def test_a_weighting_gives_one_number_whose_gradient_reaches_the_network(cls: type) -> None:
    network = Damped()
    loss = weighting(cls)(named_terms(network), network)
    assert loss.shape == ()
    loss.backward()
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in network.parameters())


@pytest.mark.parametrize("cls", WEIGHTINGS)
def test_the_state_of_a_weighting_survives_a_checkpoint(cls: type) -> None:
    network, one = Damped(), weighting(cls)
    for _ in range(3):
        one(named_terms(network), network)
    twin = build(describe(one))
    twin.load_state_dict(one.state_dict(), strict=True)
    for _ in range(3):
        assert torch.equal(one(named_terms(network), network), twin(named_terms(network), network))


@pytest.mark.parametrize("cls", WEIGHTINGS)
def test_a_weighting_does_not_learn_from_validation(cls: type) -> None:
    network, one = Damped(), weighting(cls)
    for _ in range(2):
        one(named_terms(network), network)
    before = {k: v.clone() for k, v in one.state_dict().items()}
    with torch.no_grad():
        network.shift.add_(1.0)
    one.eval()(named_terms(network), network)
    after = one.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], v) for k, v in after.items())


@pytest.mark.parametrize("cls", LOSSES)
def test_a_loss_is_one_number_per_sample_zero_on_equal_fields_and_positive_elsewhere(cls: type) -> None:
    u = torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(cls()(u, u), torch.zeros(3))
    v = u.clone()
    v[1] *= 1.5
    assert (cls()(v, u) > 0).tolist() == [False, True, False]


@pytest.mark.parametrize("cls", LOSSES)
def test_a_loss_has_a_name_of_its_own_and_is_made_again_from_its_description(cls: type) -> None:
    assert [c.name for c in LOSSES].count(cls.name) == 1
    assert build(describe(cls())) == cls()
