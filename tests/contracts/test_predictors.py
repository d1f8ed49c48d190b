"""What every exported network keeps to as a predictor: it survives the file, and takes the grids that it claims."""

import pytest
import torch
from torch import nn

import sciml.operators
from sciml.batch import Batch
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.inference import Surrogate, SurrogateSpec, check_predictor
from sciml.nn import Normalized, Normalizer
from sciml.objective import Objective

EXPORTS = [getattr(sciml.operators, name) for name in sciml.operators.__all__]
NETWORKS = [c for c in EXPORTS if isinstance(c, type) and issubclass(c, nn.Module) and not issubclass(c, Objective)]


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
