"""Methods side by side on the same cases: errors per sample, summaries, and what a prediction costs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from sciml.evaluation.baselines import Learned, Method, default_baselines
from sciml.evaluation.cases import Cases
from sciml.evaluation.measures import measure


@dataclass(frozen=True)
class Result:
    """What one method achieved.

    Args:
        name: of the method.
        values: one number per sample and metric; infinite where a prediction diverged.
        milliseconds: CPU time of the process per sample, all threads together.
        samples: how many samples were predicted.
    """

    name: str
    values: Mapping[str, Tensor]
    milliseconds: float
    samples: int

    @property
    def diverged(self) -> int:
        """Number of samples without a finite error."""
        return int((~self.values["relative_l2"].isfinite()).sum())

    def summary(self) -> dict[str, dict[str, float]]:
        """Mean, median and largest value over the samples, by metric; one infinite value makes the mean infinite."""
        return {
            k: {"mean": float(v.mean()), "median": float(v.quantile(0.5)), "max": float(v.max())}
            for k, v in self.values.items()
        }


@dataclass(frozen=True)
class Evaluation:
    """Results of several methods on the same samples, with the facts that a reader needs to repeat them.

    Args:
        results: the learned method first.
        facts: data set, hash, samples, threads and the like; plain data.
    """

    results: Sequence[Result]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Result:
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(f"no method {name!r}; there are {', '.join(r.name for r in self.results)}")

    def table(self) -> str:
        """The results as text."""
        from sciml.evaluation.tables import render

        return render(self)


def evaluate(
    surrogate: Any,
    dataset: Any,
    baselines: Sequence[Method] | None = None,
    *,
    train: Any = None,
    samples: int | None = None,
    batch_size: int = 32,
    name: str = "surrogate",
) -> Evaluation:
    """Judges a surrogate and its baselines on a data set's split.

    Args:
        surrogate: a `sciml.Surrogate`, or anything with its `spec`, call and `rollout`.
        dataset: the split to judge on, a `sciml.data.FieldDataset`.
        baselines: other methods; from `train` by default: persistence or the mean, and the nearest sample.
        train: the training split, for the default baselines.
        samples: use the first so many samples; all when left out.
        batch_size: samples predicted at once.
        name: of the surrogate in tables.

    Raises:
        ValueError: a data set without the surrogate's fields, another grid, or neither `baselines` nor `train`.
    """
    task = surrogate.spec
    if baselines is None:
        if train is None:
            raise ValueError("baselines is None: give them, or give train to make them of.")
        baselines = default_baselines(Cases(train, task))
    cases = Cases(dataset, task, samples)
    methods: list[Method] = [Learned(surrogate, name), *baselines]
    names = [m.name for m in methods]
    if len(set(names)) != len(names):
        raise ValueError(f"two methods have the same name: {', '.join(names)}.")
    results = [judge(method, cases, batch_size) for method in methods]
    return Evaluation(results, _facts(surrogate, dataset, cases, batch_size))


def judge(method: Method, cases: Cases, batch_size: int = 32) -> Result:
    """One method on all cases, or on the first `method.samples`, where it has such a limit.

    torch runs on one thread meanwhile, so that times can be compared. The first block is predicted once more
    beforehand and not timed, so that no method pays for set-up.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _judge(method, cases, batch_size)
    finally:
        torch.set_num_threads(threads)


def _judge(method: Method, cases: Cases, batch_size: int) -> Result:
    limit = min(len(cases), getattr(method, "samples", None) or len(cases))
    size = min(batch_size, limit)
    values: dict[str, list[Tensor]] = {}
    seconds, count = 0.0, 0
    for case in islice(cases.blocks(size), -(-limit // size)):
        if count + len(case) > limit:
            case = cases.block(range(count, limit))
        if count == 0 and not hasattr(method, "samples"):
            method(case)
        start = time.process_time()
        prediction = method(case)
        if prediction.is_cuda:
            torch.cuda.synchronize()
        seconds += time.process_time() - start
        count += len(case)
        prediction = prediction.cpu()
        if prediction.shape != case.targets.shape:
            raise ValueError(
                f"{method.name} gave {tuple(prediction.shape)}; the targets have {tuple(case.targets.shape)}."
            )
        for key, value in measure(prediction, case.targets, cases.task, cases.times).items():
            values.setdefault(key, []).append(value)
    return Result(method.name, {k: torch.cat(v) for k, v in values.items()}, 1000 * seconds / count, count)


def _facts(surrogate: Any, dataset: Any, cases: Cases, batch_size: int) -> dict[str, Any]:
    spec = surrogate.spec
    return {
        "dataset": dataset.spec.name,
        "split": str(getattr(dataset, "split", "")),
        "data_hash": str(getattr(dataset, "hash", "")),
        "training_data_hash": getattr(spec, "data_hash", ""),
        "samples": len(cases),
        "grid": list(cases.task.grid.shape),
        "times": cases.times.tolist(),
        "units": {c: f.unit for f in spec.fields for c in f.components(spec.grid.dimensions)},
        "time_unit": dataset.spec.time_unit,
        "batch_size": batch_size,
        "threads": 1,
        "device": str(getattr(surrogate, "device", "cpu")),
        "parameters": sum(p.numel() for p in surrogate.network.parameters()) if hasattr(surrogate, "network") else 0,
        "version": getattr(spec, "version", ""),
        "torch": torch.__version__,
    }
