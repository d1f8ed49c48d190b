"""Pictures, tables and the self-contained page of a run.

- `evaluate_run(run, *, dataset=None, split="test", samples=None, solver=None) -> Evaluation`: `sciml test RUN`
- `render_page(run, *, dataset=None) -> Path`: `sciml report RUN`
- `measure_solution(run) -> dict`: `sciml test RUN`, of a run whose network is the solution of a problem
- `field_pictures(surrogate, dataset)`, and single figures in `sciml.report.figures` and `sciml.report.curves`
"""

from sciml.report.pictures import field_pictures, run_pictures
from sciml.report.runs import evaluate_run, read_evaluation, render_page
from sciml.report.solutions import measure_solution, render_solution

__all__ = [
    "evaluate_run",
    "field_pictures",
    "measure_solution",
    "read_evaluation",
    "render_page",
    "render_solution",
    "run_pictures",
]
