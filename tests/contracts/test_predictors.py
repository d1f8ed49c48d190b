"""What every exported network keeps to as a predictor: it survives the file, and takes the grids that it claims."""

import inspect

import pytest
import torch
from torch import nn

import sciml.nn
import sciml.operators
import sciml.pinn
from sciml.batch import Batch
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.inference import Solution, Surrogate, SurrogateSpec, check_predictor
from sciml.nn import CoordinateMap, Normalized, Normalizer
from sciml.objective import Objective
from sciml.pdes import SolutionSpec

EXPORTS = [getattr(sciml.operators, name) for name in sciml.operators.__all__]
NETWORKS = [c for c in EXPORTS if isinstance(c, type) and issubclass(c, nn.Module) and not issubclass(c, Objective)]


def coordinate_network(cls: type) -> nn.Module:
    torch.manual_seed(0)
    return cls.example() if hasattr(cls, "example") else cls()


COORDINATES = sorted(
    {
        c
        for package in (sciml.nn, sciml.pinn)
        for c in (getattr(package, name) for name in package.__all__)
        if isinstance(c, type) and issubclass(c, CoordinateMap) and not inspect.isabstract(c)
    },
    key=lambda c: c.__name__,
)
TRAINED = [c for c in COORDINATES if [*coordinate_network(c).parameters()]]


def fields(cls: type, n: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    batch = cls.example_batch() if hasattr(cls, "example_batch") else Batch(fields=torch.zeros(2, 1, n, n))
    return torch.rand(batch.fields.shape, generator=generator)


def surrogate(cls: type) -> Surrogate:
    torch.manual_seed(0)
    network, x = cls.example() if hasattr(cls, "example") else cls(), fields(cls)
    with torch.no_grad():
        outputs = network.eval()(x).shape[1]
    wrapped = Normalized(network, Normalizer(x.shape[1]), Normalizer(outputs))
    wrapped.inputs.shift.uniform_(-1, 1)
    wrapped.outputs.scale.uniform_(0.5, 2)
    spec = SurrogateSpec(
        fields=tuple(FieldSpec(f"u{i}") for i in range(outputs)),
        inputs=tuple(FieldSpec(f"a{i}") for i in range(x.shape[1])),
        grid=Grid.periodic(*x.shape[2:]),
        boundaries=Boundaries.periodic(),
        any_resolution=bool(getattr(cls, "resolution_free", False)),
    )
    return Surrogate(wrapped, spec)


@pytest.mark.parametrize("cls", NETWORKS)
def test_a_file_gives_back_the_same_predictions_and_specification(cls: type, tmp_path) -> None:
    model = surrogate(cls)
    path = model.save(tmp_path / "model.sciml")
    loaded = Surrogate.load(path)
    assert torch.equal(loaded(fields(cls)), model(fields(cls)))
    assert loaded.spec == model.spec
    assert check_predictor(path)["network"]["init_args"]["network"]["class_path"] == f"sciml.operators.{cls.__name__}"


@pytest.mark.parametrize("cls", NETWORKS)
def test_other_grids_are_taken_where_they_are_claimed_and_refused_elsewhere(cls: type) -> None:
    model, x = surrogate(cls), fields(cls)
    finer = nn.functional.interpolate(x, scale_factor=1.5) if x.ndim == 4 else x.repeat_interleave(2, dim=-1)
    if model.spec.any_resolution:
        assert model(finer).shape[2:] == finer.shape[2:]
    else:
        with pytest.raises(ValueError, match="alone"):
            model(finer)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("cls", TRAINED)
def test_a_file_gives_back_the_same_solution_in_the_same_precision(cls: type, dtype: torch.dtype, tmp_path) -> None:
    network = coordinate_network(cls).to(dtype)
    with torch.no_grad():
        for p in network.parameters():
            p += 0.1 * torch.randn_like(p)
    spec = SolutionSpec(
        fields=tuple(FieldSpec(f"u{i}") for i in range(network.out_features)),
        axes=("x", "t"),
        low=(0.0, 0.0),
        high=(1.0, 2.0),
        grid=Grid.nodes(5),
        times=(0.0, 2.0),
        boundaries=Boundaries.dirichlet(),
    )
    solution = Solution(network, spec)
    loaded = Solution.load(solution.save(tmp_path / "model.sciml"))
    points = torch.rand(7, 2, generator=torch.Generator().manual_seed(1)).double()
    assert solution(points).dtype == dtype
    assert torch.equal(loaded(points), solution(points))
    assert torch.equal(loaded.on().u, solution.on().u)
    assert loaded.spec == spec


def test_networks_of_both_packages_are_looked_at() -> None:
    assert {"HardBoundary", "HardInitial", "MLP", "PirateNet", "TimeWindows"} <= {c.__name__ for c in TRAINED}
