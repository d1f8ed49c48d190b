"""How good a surrogate is, beside what it has to beat, and what it costs.

- `evaluate(surrogate, dataset, baselines=None, *, train=None, samples=None) -> Evaluation`
- baselines: `Mean(train)`, `Persistence()`, `Nearest(train)`, `Classical(solve)`; `train` is a `Cases`
- `accuracy_gain`, `efficiency_gain`, `power_law`, `samples_for`: what pretraining is worth
- `evaluation.table()`, `to_csv(evaluation)`, `write_metrics(evaluation, path)`, `from_json(text)`
"""

from sciml.evaluation.baselines import Classical, Learned, Mean, Method, Nearest, Persistence, default_baselines
from sciml.evaluation.cases import Case, Cases
from sciml.evaluation.evaluate import Evaluation, Result, evaluate, judge
from sciml.evaluation.measures import measure
from sciml.evaluation.tables import from_json, headline, render, to_csv, to_json, write_metrics
from sciml.evaluation.transfer import accuracy_gain, efficiency_gain, power_law, samples_for

__all__ = [
    "Case",
    "Cases",
    "Classical",
    "Evaluation",
    "Learned",
    "Mean",
    "Method",
    "Nearest",
    "Persistence",
    "Result",
    "accuracy_gain",
    "default_baselines",
    "efficiency_gain",
    "evaluate",
    "from_json",
    "headline",
    "judge",
    "measure",
    "power_law",
    "render",
    "samples_for",
    "to_csv",
    "to_json",
    "write_metrics",
]
