"""What `FieldData` hands over, and when."""

import numpy as np
import pytest
import torch

from sciml.status import ConfigError

pytest_plugins = ["training_fixtures"]


@pytest.fixture
def data(tiny):
    from sciml.training import FieldData

    made = FieldData(str(tiny), batch_size=6, seed=1)
    made.setup()
    return made


def test_the_windows_of_a_stationary_data_set_are_steady_and_batches_hold_what_the_sampler_says(data, tiny):
    from sciml.data import Steady, open_dataset

    assert isinstance(data.windows, Steady)
    truth = open_dataset(tiny, "train")
    for step, batch in enumerate(data.train_dataloader()):
        rows = data.train_dataloader().steps.indices(step)
        np.testing.assert_allclose(batch.targets, truth.fields(rows)[:, 0], rtol=1e-6)
        np.testing.assert_allclose(batch.fields, truth.static(rows), rtol=1e-6)
    assert step == 3


def test_validation_and_test_loaders_give_their_split_in_order_and_whole(data, tiny):
    from sciml.data import open_dataset

    for split, loader in (("valid", data.val_dataloader()), ("test", data.test_dataloader())):
        seen = torch.cat([batch.targets for batch in loader])
        np.testing.assert_allclose(seen, open_dataset(tiny, split).fields(range(len(seen)))[:, 0], rtol=1e-6)
        assert len(seen) == len(open_dataset(tiny, split))


def test_a_smaller_training_set_is_the_head_of_the_split_and_makes_its_own_normalisers(tiny):
    from sciml.data import open_dataset
    from sciml.training import FieldData

    data = FieldData(str(tiny), train_samples=7)
    data.setup("fit")
    assert len(data.train) == 7
    u = open_dataset(tiny, "train").fields(range(7))
    np.testing.assert_allclose(data.normalizers()[1].shift, u.mean(), rtol=1e-5)
    np.testing.assert_allclose(data.normalizers()[1].scale, u.std(), rtol=1e-5)


def test_normalisers_come_from_the_training_split_also_when_only_the_test_split_is_asked_for(tiny, data):
    from sciml.training import FieldData

    alone = FieldData(str(tiny))
    alone.setup("test")
    for mine, other in zip(alone.normalizers(), data.normalizers(), strict=True):
        assert mine.shift.equal(other.shift)
        assert mine.scale.equal(other.scale)


def test_workers_give_the_same_batches_as_the_process_itself(tiny, data):
    from sciml.training import FieldData

    working = FieldData(str(tiny), batch_size=6, seed=1, num_workers=1)
    working.setup()
    here, there = (list(d.train_dataloader()) for d in (data, working))
    assert len(here) == len(there) == 4
    assert all(a.fields.equal(b.fields) and a.index.equal(b.index) for a, b in zip(here, there, strict=True))


def test_the_step_of_a_state_is_where_the_next_iterator_starts(data):
    data.load_state_dict({"step": 6})
    loader = data.train_dataloader()
    first = next(iter(loader))
    assert first.index.tolist() == data.train.batch(loader.steps.indices(6)).index.tolist()
    assert data.state_dict() == {"step": 6}


@pytest.mark.parametrize(
    ("settings", "message"), [({"batch_size": 0}, "batch_size=0"), ({"eval_batch_size": -1}, "-1")]
)
def test_sizes_below_one_are_refused(settings, message, tiny):
    from sciml.training import FieldData

    with pytest.raises(ValueError, match=message):
        FieldData(str(tiny), **settings)


def test_more_samples_than_there_are_is_a_mistake_of_the_configuration(tiny):
    from sciml.training import FieldData

    with pytest.raises(ConfigError, match="limit=99"):
        FieldData(str(tiny), train_samples=99).setup("fit")


def test_the_description_holds_the_ranges_of_what_training_sees(tiny, data):
    from sciml.data import open_dataset
    from sciml.training import FieldData

    a = open_dataset(tiny, "train").static(range(20))
    assert data.description()["ranges"] == {"a": pytest.approx([a.min(), a.max()])}
    head = FieldData(str(tiny), train_samples=7)
    head.setup("fit")
    assert head.description()["ranges"] == {"a": pytest.approx([a[:7].min(), a[:7].max()])}
    assert head.description()["ranges"] != data.description()["ranges"]


def test_the_training_split_is_measured_once(tiny, monkeypatch):
    from sciml.data import normalization
    from sciml.training import FieldData

    calls = []
    measure = normalization.statistics
    monkeypatch.setattr(normalization, "statistics", lambda *a: calls.append(a) or measure(*a))
    data = FieldData(str(tiny), train_samples=7)
    data.setup("fit")
    data.normalizers(), data.description(), data.description()
    assert len(calls) == 1
