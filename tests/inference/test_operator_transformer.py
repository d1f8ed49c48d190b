"""A network that takes the lead time, from its checkpoint to a predictor file, a rollout and an exported program."""

from pathlib import Path

import pytest
import torch

from sciml.data import AllToAll, DatasetSpec, Steady
from sciml.describe import describe
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.inference import Surrogate, export_program, from_checkpoint
from sciml.nn import Normalized, Normalizer
from sciml.operators import ScOT

VELOCITY = FieldSpec("velocity", unit="m s-1", rank=1)


def network(inputs: int, outputs: int) -> Normalized:
    torch.manual_seed(0)
    scot = ScOT(inputs, outputs, 8, 2, 8, (2, 2), (2, 4), (1, 0), 2, identity_norms=True)
    made = Normalized(scot, Normalizer(inputs), Normalizer(outputs))
    made.inputs.scale.fill_(2.0)
    made.outputs.shift.fill_(0.5)
    return made.eval()


def checkpoint(path: Path, made: Normalized, spec: DatasetSpec, windows: AllToAll | Steady) -> Path:
    inputs = spec.static_channels if spec.static else spec.channels
    data = {"spec": spec.to_dict(), "inputs": list(inputs), "outputs": list(spec.channels)}
    entry = {"schema": 1, "version": "0.1.0", "module": {"network": describe(made.network)}}
    weights = {f"network.{k}": v for k, v in made.state_dict().items()}
    data |= {"windows": describe(windows), "hash": "ab" * 32, "ranges": {}}
    torch.save({"state_dict": weights, "sciml": {**entry, "data": data}}, path)
    return path


@pytest.fixture
def flow(tmp_path: Path) -> tuple[Normalized, Surrogate]:
    """Trained, as it were, on all pairs of every second one of five times."""
    spec = DatasetSpec(
        "flow", (VELOCITY,), (), (), Grid.periodic(8, 8), Boundaries.periodic(), times=(0.0, 0.1, 0.2, 0.3, 0.4)
    )
    made = network(2, 2)
    return made, from_checkpoint(checkpoint(tmp_path / "best.ckpt", made, spec, AllToAll(stride=2)))


def state(batch: int = 3, channels: int = 2) -> torch.Tensor:
    return torch.randn(batch, channels, 8, 8, generator=torch.Generator().manual_seed(1))


def leads(value: float, batch: int = 3) -> torch.Tensor:
    return torch.full((batch,), value)


def test_the_file_keeps_the_lead_times_of_the_training(flow: tuple[Normalized, Surrogate], tmp_path: Path) -> None:
    made, surrogate = flow
    again = Surrogate.load(surrogate.save(tmp_path / "flow.sciml"))
    assert again.spec == surrogate.spec
    assert (again.spec.any_dt, again.spec.shortest, again.spec.dt) == pytest.approx((True, 0.2, 0.4))
    with torch.no_grad():
        for lead in (0.2, 0.3, 0.4):
            assert torch.equal(again(state(), lead=lead), made(state(), time=leads(lead)))
        assert torch.equal(again(state()), made(state(), time=leads(0.4)))
    with pytest.raises(ValueError, match=r"lies outside the lead times of the training, 0.2 to 0.4"):
        again(state(), lead=0.1)


def test_a_rollout_takes_the_steps_that_it_is_given(flow: tuple[Normalized, Surrogate]) -> None:
    made, surrogate = flow
    found = surrogate.rollout(state(), [0.0, 0.25, 0.65, 0.85])
    u = state()
    with torch.no_grad():
        for k, lead in enumerate((0.25, 0.4, 0.2), start=1):
            u = made(u, time=leads(lead))
            assert torch.allclose(found.u[:, k], u, rtol=1e-6, atol=1e-6)


def test_a_steady_problem_is_solved_at_lead_time_one(tmp_path: Path) -> None:
    spec = DatasetSpec(
        "map", (FieldSpec("p"),), (FieldSpec("a"),), (), Grid.cells(8, 8), Boundaries.dirichlet(), times=(0.0,)
    )
    made = network(1, 1)
    surrogate = from_checkpoint(checkpoint(tmp_path / "best.ckpt", made, spec, Steady()))
    a = state(channels=1)
    assert surrogate.spec.dt is None
    with torch.no_grad():
        assert torch.equal(surrogate(a), made(a, time=leads(1.0)))
        assert not torch.allclose(surrogate(a), made(a, time=leads(0.5)))
    with pytest.raises(ValueError, match="was given to a steady map"):
        surrogate(a, lead=0.5)


@pytest.mark.slow
def test_an_exported_program_takes_any_batch_and_any_lead_time(
    flow: tuple[Normalized, Surrogate], tmp_path: Path
) -> None:
    made, surrogate = flow
    program = torch.export.load(export_program(surrogate, tmp_path / "flow.pt2")).module()
    time = torch.linspace(0.2, 0.4, 5)
    with torch.no_grad():
        assert torch.allclose(program(state(5), time), made(state(5), time=time), rtol=0, atol=1e-6)
