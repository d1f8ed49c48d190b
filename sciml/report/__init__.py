"""Pictures, tables and the self-contained page of a run.

- `evaluate_run(run, *, dataset=None, split="test", samples=None, solver=None) -> Evaluation`: `sciml test RUN`
- `render_page(run, *, dataset=None) -> Path`: `sciml report RUN`
- `field_pictures(surrogate, dataset)`, and single figures in `sciml.report.figures` and `sciml.report.curves`
"""

from sciml.report.pictures import field_pictures, run_pictures
from sciml.report.runs import evaluate_run, read_evaluation, render_page

__all__ = ["evaluate_run", "field_pictures", "read_evaluation", "render_page", "run_pictures"]
