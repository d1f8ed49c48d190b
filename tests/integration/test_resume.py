"""A run that was killed and continued ends with the bits of one that was not."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sciml.status import ConfigError, DataError, ResumeMismatch

pytest_plugins = ["training_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def recorder(folder: Path):
    """A saver that keeps every state it is asked to save: after each update, each validation and each epoch."""
    from sciml.training import BestAndLast

    class EveryState(BestAndLast):
        def _save_best(self, trainer, module):
            self._keep(trainer, module, "validation")

        def _save_last(self, trainer, module):
            self._keep(trainer, module, "step")

        def on_train_epoch_end(self, trainer, module):
            self._keep(trainer, module, "epoch")

        def _keep(self, trainer, module, kind):
            path = folder / f"{len(self.paths):03d}-{kind}.ckpt"
            self._save(trainer, module, str(path))
            self.paths.append(path)

    saver = EveryState(every_n_steps=1)
    saver.paths = []
    return saver


def killed(paths: list[Path]) -> list[Path]:
    """The second state of each kind, and the last but one that was saved after an update."""
    kinds = [[p for p in paths if kind in p.name] for kind in ("step", "validation", "epoch")]
    return [*(of_kind[1] for of_kind in kinds), kinds[0][-2]]


VARIANTS = {
    "plain": {},
    "validation in the middle of an epoch": {"val_check_interval": 2},
    "accumulated gradients": {"accumulate_grad_batches": 2},
    "accumulated gradients, odd epoch": {"accumulate_grad_batches": 2, "data": {"batch_size": 7}},
    "clipped gradients": {"gradient_clip_val": 0.1},
    "a schedule by epochs": {
        "module": {"lr_scheduler": functools.partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)}
    },
    "shortened epochs": {"limit_train_batches": 3},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kill_point_leads_to_the_same_bits(variant, make, tmp_path):
    from training_fixtures import same, weights

    options = VARIANTS[variant]
    saver = recorder(tmp_path)
    module, data, trainer = make(callbacks=[saver], **options)
    trainer.fit(module, data)
    undisturbed = weights(module)
    assert {p.stem[4:] for p in saver.paths} == {"step", "validation", "epoch"}
    for path in killed(saver.paths):
        torch.manual_seed(1234)  # what the process drew before must not matter
        module, data, trainer = make(**options)
        trainer.fit(module, data, ckpt_path=path, weights_only=True)
        assert same(weights(module), undisturbed), path.name


@pytest.mark.slow
def test_every_single_state_of_a_run_leads_to_the_same_bits(make, tmp_path):
    from training_fixtures import same, weights

    saver = recorder(tmp_path)
    module, data, trainer = make(callbacks=[saver], val_check_interval=2)
    trainer.fit(module, data)
    for path in saver.paths:
        resumed, data, trainer = make(val_check_interval=2)
        trainer.fit(resumed, data, ckpt_path=path, weights_only=True)
        assert same(weights(resumed), weights(module)), path.name


@pytest.mark.slow
def test_loader_workers_that_read_ahead_do_not_disturb_a_resumed_run(make, tmp_path):
    from training_fixtures import same, weights

    saver = recorder(tmp_path)
    module, data, trainer = make(callbacks=[saver])
    trainer.fit(module, data)
    for path in saver.paths[2:10:3]:
        resumed, data, trainer = make(data={"num_workers": 2})
        trainer.fit(resumed, data, ckpt_path=path, weights_only=True)
        assert same(weights(resumed), weights(module)), path.name


def test_the_streams_matter_here(make):
    # Were dropout or shuffling off, every test of this file would pass without the re-seeding that it is about.
    from training_fixtures import same, weights

    results = []
    for options in ({}, {"module": {"seed": 4}}, {"data": {"seed": 4}}):
        module, data, trainer = make(max_epochs=1, **options)
        trainer.fit(module, data)
        results.append(weights(module))
    assert not same(results[0], results[1])
    assert not same(results[0], results[2])


SCRIPT = """
import sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from training_fixtures import make_run, weights
torch.set_num_threads(1)
module, data, trainer = make_run(Path(sys.argv[2]), Path(sys.argv[3]))
trainer.fit(module, data, ckpt_path=sys.argv[4], weights_only=True)
torch.save(weights(module), sys.argv[5])
"""


@pytest.mark.slow
def test_a_new_process_ends_with_the_same_bits(make, tiny, tmp_path):
    from training_fixtures import same, weights

    saver = recorder(tmp_path)
    module, data, trainer = make(callbacks=[saver])
    trainer.fit(module, data)
    middle, end = saver.paths[1], next(p for p in saver.paths if "epoch" in p.name)
    tests = str(Path(__file__).parent.parent)
    for path in (middle, end):
        out = tmp_path / "weights.pt"
        words = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            SCRIPT,
            tests,
            str(tiny),
            str(tmp_path / "run"),
            str(path),
            str(out),
        ]
        subprocess.run(words, check=True, cwd=Path(__file__).parent.parent.parent, capture_output=True, timeout=100)
        assert same(torch.load(out, weights_only=True), weights(module)), path.name


CHANGES = {
    "model.lr_scheduler.total_steps: 12 in the checkpoint, 16 now": {"max_epochs": 4},
    "model.network.init_args.dropout: None in the checkpoint, 0.5 now": "network",
    "model.optimizer.lr: 0.01 in the checkpoint, 0.1 now": {
        "module": {"optimizer": functools.partial(torch.optim.AdamW, lr=0.1)}
    },
    "model.seed: 3 in the checkpoint, 4 now": {"module": {"seed": 4}},
    "model.ema: 0.9 in the checkpoint, None now": {"module": {"ema": None}},
    "data.batch_size: 6 in the checkpoint, 5 now": {"data": {"batch_size": 5}},
    "trainer.gradient_clip_val: None in the checkpoint, 1.0 now": {"gradient_clip_val": 1.0},
}


@pytest.fixture
def stopped(make, tmp_path) -> Path:
    """State of a run of three epochs after its first step."""
    saver = recorder(tmp_path)
    module, data, trainer = make(callbacks=[saver], limit_val_batches=0)
    trainer.fit(module, data)
    return saver.paths[0]


@pytest.mark.parametrize("message", CHANGES)
def test_another_configuration_is_refused_by_the_entry_that_differs(message, make, stopped):
    from training_fixtures import ConvolutionNetwork

    options = CHANGES[message]
    if options == "network":
        options = {"module": {"network": ConvolutionNetwork(dropout=0.5)}}
    module, data, trainer = make(**options)
    with pytest.raises(ResumeMismatch) as raised:
        trainer.fit(module, data, ckpt_path=stopped, weights_only=True)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_data_are_refused_although_they_have_the_same_name(stopped, tmp_path):
    from training_fixtures import make_run, write_tiny

    module, data, trainer = make_run(write_tiny(tmp_path / "tiny", scale=4.0), tmp_path)
    with pytest.raises(ResumeMismatch, match=r"data\.hash: '"):
        trainer.fit(module, data, ckpt_path=stopped, weights_only=True)


def test_the_same_data_in_another_place_are_accepted(stopped, tmp_path):
    from training_fixtures import make_run, write_tiny

    module, data, trainer = make_run(write_tiny(tmp_path / "elsewhere"), tmp_path)
    trainer.fit(module, data, ckpt_path=stopped, weights_only=True)
    assert trainer.global_step == 12


def test_a_pickle_a_torn_file_and_an_address_are_no_checkpoints(make, tmp_path, stopped):
    class Hostile:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    torch.save({"sciml": Hostile()}, tmp_path / "hostile.ckpt")
    (tmp_path / "torn.ckpt").write_bytes(stopped.read_bytes()[:1000])
    torch.save({"state_dict": {}}, tmp_path / "foreign.ckpt")
    for name, error in (("hostile.ckpt", DataError), ("torn.ckpt", DataError), ("foreign.ckpt", DataError)):
        module, data, trainer = make()
        with pytest.raises(error) as raised:
            trainer.fit(module, data, ckpt_path=tmp_path / name, weights_only=True)
        assert "\n" not in str(raised.value)
    module, data, trainer = make()
    with pytest.raises(ConfigError, match="address"):
        trainer.fit(module, data, ckpt_path="http://localhost/a.ckpt", weights_only=True)
    assert not (tmp_path / "touched").exists()
