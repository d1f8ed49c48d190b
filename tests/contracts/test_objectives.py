"""What every objective, loss and weighting keeps to, whichever package exports it.

An objective is constructible without arguments or offers `example()`, and takes pairs of fields or what
`example_batch()` returns; a weighting is constructible without arguments or offers `example(terms)`.
"""

import inspect
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


class Damped(nn.Module):
    """Two weights, so that a gradient can miss one."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.tensor(0.7)), nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.shift


def example(cls: type) -> Objective:
    return cls.example() if hasattr(cls, "example") else cls()


def batch(cls: type) -> Batch:
    if hasattr(cls, "example_batch"):
        return cls.example_batch()
    generator = torch.Generator().manual_seed(0)
    fields = torch.randn(3, 1, 8, 8, generator=generator)
    return Batch(fields=fields, targets=torch.randn(3, 1, 8, 8, generator=generator))


def named_terms(network: Damped) -> dict[str, Term]:
    return {"one": Term(network.scale.expand(3)), "ten": Term((10 * network.scale + network.shift).expand(3))}


def weighting(cls: type) -> Weighting:
    return cls.example(["one", "ten"]) if hasattr(cls, "example") else cls()


def test_there_are_objectives_weightings_and_losses() -> None:
    assert {"Supervised", "Unrolled"} <= {c.__name__ for c in OBJECTIVES}
    assert {"FixedWeights", "GradNormWeights"} <= {c.__name__ for c in WEIGHTINGS}
    assert {"RelativeH1", "RelativeL2"} <= {c.__name__ for c in LOSSES}


@pytest.mark.parametrize("cls", OBJECTIVES)
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


@pytest.mark.parametrize("cls", OBJECTIVES)
def test_the_gradient_of_an_objective_reaches_the_network(cls: type) -> None:
    network = Damped()
    sum(term.scalar() for term in example(cls).terms(network, batch(cls)).values()).backward()
    assert all(p.grad is not None and float(p.grad.abs()) > 0 for p in network.parameters())


@pytest.mark.parametrize("cls", OBJECTIVES)
def test_an_objective_is_made_again_with_its_state(cls: type) -> None:
    objective, network, whole = example(cls), Damped(), batch(cls)
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
    assert all(p.grad is not None and float(p.grad.abs()) > 0 for p in network.parameters())


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
    before = {k: v.clone() for k, v in one.state_dict().items()}
    one.eval()(named_terms(network), network)
    assert all(torch.equal(before[k], v) for k, v in one.state_dict().items())


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
