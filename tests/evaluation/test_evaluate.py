"""Errors of methods that are wrong by a known factor, and what the tables say about them."""

import csv
import io
import json

import numpy as np
import pytest
import torch

from sciml.evaluation import (
    Classical,
    Evaluation,
    Persistence,
    Result,
    evaluate,
    from_json,
    headline,
    render,
    to_csv,
    to_json,
    write_metrics,
)


@pytest.fixture
def steady_result(steady_data, steady_task, scaled):
    return evaluate(scaled(steady_task, 2.2), steady_data(7, 1), train=steady_data(9, 2), batch_size=3)


def test_a_map_that_is_ten_percent_too_large_has_a_relative_error_of_a_tenth(steady_data, steady_result):
    result = steady_result["surrogate"]
    assert result.values["relative_l2"].tolist() == pytest.approx([0.1] * 7)
    assert result.values["nrmse"].tolist() == pytest.approx([0.1] * 7)
    p = np.abs(steady_data(7, 1).fields(range(7)))
    assert result.values["max_error/p"].tolist() == pytest.approx((0.1 * p).max(axis=(1, 2, 3, 4)))
    assert result.values["rmse/p"].tolist() == pytest.approx(0.1 * np.sqrt((p**2).mean(axis=(1, 2, 3, 4))))


def test_bands_add_up_to_the_relative_error(steady_result):
    for result in steady_result.results:
        parts = torch.stack([result.values[f"band/{b}"] for b in ("low", "mid", "high")])
        assert torch.allclose(parts.square().sum(dim=0).sqrt(), result.values["relative_l2"])


def test_an_exact_method_has_no_error_and_the_baselines_have_some(steady_data, steady_task, scaled):
    evaluation = evaluate(scaled(steady_task, 2.0), steady_data(4, 1), train=steady_data(5, 2))
    assert [r.name for r in evaluation.results] == ["surrogate", "training mean", "nearest sample"]
    assert evaluation["surrogate"].summary()["relative_l2"]["max"] == 0.0
    assert evaluation["training mean"].summary()["relative_l2"]["mean"] > 0.5


def test_errors_of_a_rollout_grow_by_the_known_factor(decay_data, decay_task, powers):
    """A decay of 0.3 per step instead of 0.25: errors 0.2 and 0.44 relative to the truth."""
    evaluation = evaluate(powers(decay_task, 0.3), decay_data(5, 0), [Persistence()], batch_size=2)
    result = evaluation["surrogate"]
    assert result.values["step/1"].tolist() == pytest.approx([0.2] * 5)
    assert result.values["step/2"].tolist() == pytest.approx([0.44] * 5)
    assert result.values["nrmse"].tolist() == pytest.approx([0.32] * 5)
    assert result.values["correlation_time"].tolist() == pytest.approx([0.4] * 5)
    assert evaluation["persistence"].values["step/1"].tolist() == pytest.approx([3.0] * 5)


def test_a_diverged_sample_makes_the_mean_infinite_and_is_counted(decay_data, decay_task, powers):
    data = decay_data(3, 0)

    class Diverging(powers):
        def rollout(self, u0, times, params=None, static=None):
            frames = super().rollout(u0, times, params, static)
            frames.u[0, 2:] = torch.nan
            return frames

    evaluation = evaluate(Diverging(decay_task, 0.25), data, [Persistence()])
    result = evaluation["surrogate"]
    assert result.values["relative_l2"].tolist() == [torch.inf, 0.0, 0.0]
    assert result.values["step/1"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    assert result.diverged == 1
    assert result.summary()["relative_l2"] == {"mean": torch.inf, "median": 0.0, "max": torch.inf}
    assert "3 (1 diverged)" in to_csv(evaluation)
    content = json.loads(to_json(evaluation))
    assert content["methods"]["surrogate"]["summary"]["relative_l2"]["mean"] == "inf"


def test_a_slow_solver_is_judged_on_the_first_samples_alone(decay_data, decay_task, powers):
    data, asked = decay_data(5, 0), []

    def solve(i):
        asked.append(i)
        return data.fields([i], times=[2, 4])[0]

    evaluation = evaluate(powers(decay_task, 0.3), data, [Classical(solve, samples=3)], batch_size=2)
    assert asked == [0, 1, 2]
    assert evaluation["classical solver"].samples == 3
    assert evaluation["classical solver"].summary()["relative_l2"]["max"] == 0.0


def test_metrics_json_holds_facts_and_every_sample(tmp_path, steady_result):
    path = write_metrics(steady_result, tmp_path / "run" / "metrics.json")
    content = json.loads(path.read_text())
    assert content["schema"] == 1
    assert content["facts"]["units"] == {"p": "Pa"}
    assert content["facts"]["data_hash"] == "cd" * 32
    assert content["facts"]["threads"] == 1
    assert content["methods"]["surrogate"]["values"]["relative_l2"] == pytest.approx([0.1] * 7)
    assert content["methods"]["surrogate"]["cpu_ms_per_sample"] >= 0


def test_metrics_json_is_read_back_as_it_was(steady_result):
    again = from_json(to_json(steady_result))
    assert to_json(again) == to_json(steady_result)
    with pytest.raises(ValueError, match="schema 1"):
        from_json('{"schema": 2}')
    with pytest.raises(ValueError, match="cannot be read"):
        from_json('{"schema": 1, "methods": {"m": {}}}')


def test_the_headline_compares_errors_with_baselines_and_times_with_solvers():
    def result(name, error, ms):
        return Result(name, {"relative_l2": torch.full((2,), error)}, ms, 2)

    solver = result("classical solver", 0.0, 50.0)
    evaluation = Evaluation(
        [result("FNO", 0.02, 0.5), result("training mean", 0.5, 0.1), result("nearest sample", 0.01, 1.0), solver]
    )
    assert headline(evaluation) == (
        "Relative L2 error 0.02, 25 times below that of the training mean, not below that of the nearest sample; "
        "100 times less CPU time than the classical solver."
    )


def test_the_number_of_threads_is_restored_after_judging(steady_data, steady_task, scaled):
    seen = []

    class Looking(scaled):
        def __call__(self, x, params=None):
            seen.append(torch.get_num_threads())
            return super().__call__(x, params)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        evaluate(Looking(steady_task, 2.0), steady_data(2, 0), [])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}


def test_the_csv_has_a_row_per_method_with_units_in_the_header(steady_result):
    table = list(csv.DictReader(io.StringIO(to_csv(steady_result))))
    assert [row["method"] for row in table] == ["surrogate", "training mean", "nearest sample"]
    assert float(table[0]["relative L2"]) == pytest.approx(0.1)
    assert "max |error| p [Pa]" in table[0]


def test_the_text_table_names_every_method_and_explains_its_numbers(steady_result):
    text = render(steady_result)
    for word in ("surrogate", "training mean", "nearest sample", "CPU ms/sample", "thread", "p [Pa]"):
        assert word in text


def test_small_errors_are_written_as_powers_of_ten_and_infinite_ones_as_a_sign():
    values = {k: torch.tensor([1e-6, 3e-6]) for k in ("relative_l2", "nrmse", "band/low", "band/mid", "max_error/u")}
    evaluation = Evaluation(
        [Result("m", values | {"band/high": torch.tensor([0.0, torch.inf])}, 1.0, 2)], {"units": {"u": "1"}}
    )
    row = to_csv(evaluation).splitlines()[1].split(",")
    assert row[:5] == ["m", "2.00e-06", "2.00e-06", "2.00e-06", "3.00e-06"]
    assert row[7] == "∞"


def test_wrong_calls_are_refused(steady_data, steady_task, scaled):
    surrogate, data = scaled(steady_task, 2.0), steady_data(2, 0)
    with pytest.raises(ValueError, match="give train"):
        evaluate(surrogate, data)
    with pytest.raises(ValueError, match="same name"):
        evaluate(surrogate, data, [Persistence(), Persistence()])
    with pytest.raises(ValueError, match=r"persistence gave"):
        evaluate(surrogate, data, [WrongShape()])


class WrongShape(Persistence):
    def __call__(self, case):
        return case.inputs
