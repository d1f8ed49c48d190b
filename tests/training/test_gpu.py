"""The same code on a CUDA device: training, solvers and predictors agree with the CPU."""

import functools
from pathlib import Path

import pytest
import torch

from sciml.fields import Grid
from sciml.numerics import SpectralDerivatives
from sciml.pdes import Burgers, Problem
from sciml.solvers import ETDRK4, rollout

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")]


def fitted_loss(folder: Path, data: Path, accelerator: str, precision: str) -> float:
    from lightning.pytorch import Trainer, seed_everything

    from sciml.operators import FNO, Supervised
    from sciml.training import FieldData, FitModule

    seed_everything(0)
    module = FitModule(
        FNO(1, 1, width=12, modes=[12, 12], depth=2),
        Supervised(),
        optimizer=functools.partial(torch.optim.AdamW, lr=5e-3),
    )
    trainer = Trainer(
        default_root_dir=folder, max_epochs=4, accelerator=accelerator, devices=1, precision=precision, logger=False,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(module, FieldData(str(data), batch_size=10))
    return float(trainer.callback_metrics["val/relative_l2"])


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_training_on_the_gpu_reaches_what_the_cpu_reaches(tmp_path: Path, precision: str) -> None:
    import sciml

    data = sciml.generate("darcy_2d", train=60, valid=20, test=2, out=tmp_path / "data", progress=False)
    reference = fitted_loss(tmp_path, data, "cpu", "32-true")
    assert fitted_loss(tmp_path, data, "gpu", precision) == pytest.approx(reference, rel=0.1)


def test_the_spectral_solver_gives_the_same_on_both_devices() -> None:
    grid, times = Grid.periodic(64), torch.linspace(0, 0.2, 3)
    problem = Problem(Burgers(0.05), grid, lambda x: torch.sin(2 * torch.pi * x), times=times)
    stepper = ETDRK4(dt=0.01).stepper(problem)
    u0 = problem.initial_state()
    cpu = rollout(stepper, stepper.start(u0), times).u
    gpu = rollout(stepper, stepper.start(u0.cuda()), times).u
    assert gpu.is_cuda
    assert torch.allclose(gpu.cpu(), cpu, rtol=0, atol=1e-12)


def test_spectral_derivatives_stay_on_their_device() -> None:
    grid = Grid.periodic(15, 16)
    u = torch.randn(2, 15, 16, dtype=torch.float64)
    d = SpectralDerivatives(grid)
    assert torch.allclose(d.laplacian(u.cuda()).cpu(), d.laplacian(u), atol=1e-9)


def test_a_predictor_gives_the_same_on_both_devices(tmp_path: Path) -> None:
    from sciml.fields import Boundaries, FieldSpec
    from sciml.inference import Surrogate, SurrogateSpec
    from sciml.nn import Normalized, Normalizer
    from sciml.operators import FNO

    spec = SurrogateSpec((FieldSpec("u"),), Grid.periodic(32), Boundaries.periodic(), dt=0.1, any_resolution=True)
    network = Normalized(FNO(1, 1, width=8, modes=[8], depth=2), Normalizer(1), Normalizer(1))
    Surrogate(network, spec).save(tmp_path / "model.sciml")
    u = torch.randn(3, 1, 32)
    cpu = Surrogate.load(tmp_path / "model.sciml")(u)
    gpu = Surrogate.load(tmp_path / "model.sciml", device="cuda")(u)
    assert not gpu.is_cuda
    assert torch.allclose(gpu, cpu, atol=1e-5)
