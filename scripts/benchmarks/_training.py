"""Training within a budget of CPU time or of steps, shared by the accuracy benchmarks."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from sciml.batch import Batch
from sciml.objective import Objective

Augment = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Budget:
    """Adam with a warm-up over the first 5 % of the CPU time and a cosine to zero over the rest.

    Args:
        cpu_seconds: process time of the training, evaluation left out.
        batch: samples in a step.
        lr: largest learning rate.
        weight_decay: of AdamW.
        steps: end after so many steps, whatever their time, and schedule by them.
    """

    cpu_seconds: float
    batch: int
    lr: float
    weight_decay: float = 0.0
    steps: int | None = None

    def progress(self, steps: int, used: float) -> float:
        """Share of the budget that is spent."""
        return used / self.cpu_seconds if self.steps is None else steps / self.steps

    def factor(self, progress: float) -> float:
        """Learning rate over the largest one."""
        return min(1.0, progress / 0.05) * 0.5 * (1 + math.cos(math.pi * progress))


def shuffled(numbers: Tensor, batch: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches of the numbers without end, permuted anew once fewer than a batch are left."""
    order = numbers[:0]
    while True:
        if len(order) < batch:
            order = numbers[torch.randperm(len(numbers), generator=generator)]
        yield order[:batch]
        order = order[batch:]


def descend(
    network: nn.Module,
    objective: Objective,
    optimizer: Optimizer,
    batches: Iterator[Batch],
    budget: Budget,
    clip: float | None = None,
) -> dict[str, float]:
    """Trains in place until the budget is used up; returns the number of steps, the time and the last losses' mean.

    Args:
        clip: largest norm of the gradient.
    """
    begin, steps, recent = time.process_time(), 0, 0.0
    rates = [group["lr"] for group in optimizer.param_groups]
    while (progress := budget.progress(steps, time.process_time() - begin)) < 1.0:
        batch = next(batches)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * budget.factor(progress)
        optimizer.zero_grad()
        loss = sum(term.scalar() for term in objective.terms(network, batch).values())
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
        recent += (loss.item() - recent) * max(0.01, 1 / (steps + 1))
        steps += 1
    return {"steps": steps, "cpu_s": time.process_time() - begin, "loss": recent}


def train(
    network: nn.Module,
    objective: Objective,
    data: tuple[Tensor, Tensor],
    budget: Budget,
    seed: int,
    augment: Augment | None = None,
) -> dict[str, float]:
    """Trains in place on arrays of inputs and targets."""
    generator = torch.Generator().manual_seed(seed)

    def batches() -> Iterator[Batch]:
        for chosen in shuffled(torch.arange(len(data[0])), budget.batch, generator):
            fields, targets = data[0][chosen], data[1][chosen]
            if augment is not None:
                fields, targets = augment(fields, targets, generator)
            yield Batch(fields=fields, targets=targets)

    # The fused optimiser takes real weights only.
    fused = not any(p.is_complex() for p in network.parameters())
    optimizer = AdamW(network.parameters(), lr=budget.lr, weight_decay=budget.weight_decay, fused=fused)
    return descend(network, objective, optimizer, batches(), budget)
