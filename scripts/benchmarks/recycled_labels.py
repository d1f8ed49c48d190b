"""Whether a network notices how its labels were solved: an FNO trained on recycled solves and on direct ones.

Mild log-normal Darcy flow on 50 x 50 cells, 256 training and 128 test samples. The labels of one data set come from
GCRO-DR(40, 20) through a chain of nearest neighbours, with a tolerance of 1e-8 (and of 1e-2, to see when it begins to
matter), those of the other from a factorisation. Three seeds, the same initial weights, batches and number of steps on
both sides; errors against the direct solutions of the test set. Published: both end at 0.02 (Wang et al., 2024).

    python scripts/benchmarks/recycled_labels.py
"""

import dataclasses
import os
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _record import Record, parser
from torch import Tensor

from sciml.batch import Batch
from sciml.datagen import NearestNeighbour, Recipe
from sciml.datagen.shards import Chain, order_of_work, solve_samples
from sciml.linalg import GCRODR, LinearSolver
from sciml.metrics import relative_l2
from sciml.nn.normalization import Normalized, Normalizer
from sciml.operators import FNO, Supervised
from sciml.solvers import FiniteVolumeElliptic

SEEDS, TRAIN, TEST, STEPS, SAMPLES, LR = (0, 1, 2), 256, 128, 250, 16, 3e-3
#: How labels are solved; `None` is the direct method.
LABELS: dict[str, LinearSolver | None] = {
    "direct": None,
    "recycled, 1e-8": GCRODR(40, 20, tol=1e-8),
    "recycled, 1e-2": GCRODR(40, 20, tol=1e-2),
}


def solved(solver: LinearSolver | None, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Coefficients and solutions, `(n, 1, *s)`, in the order of the indices."""
    recipe = dataclasses.replace(
        Recipe.load("darcy_2d_mild"), solver=FiniteVolumeElliptic(solver), ordering=NearestNeighbour()
    )
    work = order_of_work(recipe, range(first, first + count))
    samples = sorted(solve_samples(recipe, work, Chain(recipe.solver)), key=lambda s: s.index)
    assert all(s.status.ok for s in samples)
    pairs = [(torch.as_tensor(s.static["a"])[None], torch.as_tensor(s.fields["u"])) for s in samples]
    return torch.stack([a for a, _ in pairs]).float(), torch.stack([u for _, u in pairs]).float()


def normalizer(values: Tensor) -> Normalizer:
    made = Normalizer(1)
    made.shift.fill_(values.mean())
    made.scale.fill_(values.std())
    return made


def trained(data: tuple[Tensor, Tensor], seed: int) -> Normalized:
    """Adam with one cycle of the learning rate, a fixed number of steps."""
    torch.manual_seed(seed)
    model = Normalized(FNO(1, 1, width=24, modes=[10, 10]), normalizer(data[0]), normalizer(data[1]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=STEPS)
    generator, objective = torch.Generator().manual_seed(seed), Supervised()
    for _ in range(STEPS):
        chosen = torch.randint(0, len(data[0]), (SAMPLES,), generator=generator)
        optimizer.zero_grad()
        terms = objective.terms(model, Batch(fields=data[0][chosen], targets=data[1][chosen]))
        sum(term.scalar() for term in terms.values()).backward()
        optimizer.step()
        schedule.step()
    return model


def run(label: str, seed: int, data: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> dict[str, Any]:
    model = trained(data, seed)
    with torch.no_grad():
        error = relative_l2(model(test[0]), test[1]).mean().item()
    print(f"{label:15s} seed {seed}  relative L2 {error:.5f}", flush=True)
    return {"relative_l2": error}


def main() -> int:
    chosen = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    settings = {"seeds": SEEDS, "train": TRAIN, "test": TEST, "steps": STEPS, "samples": SAMPLES, "lr": LR}
    columns = {"labels": "labels", "distance of the labels": "distance"} | {f"seed {s}": f"seed {s}" for s in SEEDS}
    record = Record("recycled_labels", settings, columns, chosen.fresh, chosen.out)
    test, direct = solved(None, 2**33, TEST), solved(None, 0, TRAIN)
    rows = []
    for label, solver in LABELS.items():
        data = direct if solver is None else solved(solver, 0, TRAIN)
        row: dict[str, Any] = {"labels": label, "distance": relative_l2(data[1], direct[1]).max().item()}
        for seed in SEEDS:
            cell = record.cell(f"{label}/{seed}", lambda k=label, s=seed, d=data: run(k, s, d, test))
            row[f"seed {seed}"] = cell["relative_l2"]
        rows.append(row)
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
