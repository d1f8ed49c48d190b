"""Training within a budget of CPU time, shared by the accuracy benchmarks."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

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
    """

    cpu_seconds: float
    batch: int
    lr: float
    weight_decay: float = 0.0

    def rate(self, progress: float) -> float:
        return self.lr * min(1.0, progress / 0.05) * 0.5 * (1 + math.cos(math.pi * progress))


def train(
    network: nn.Module,
    objective: Objective,
    data: tuple[Tensor, Tensor],
    budget: Budget,
    seed: int,
    augment: Augment | None = None,
) -> dict[str, float]:
    """Trains in place until the CPU time is used up; returns the number of steps and the time."""
    generator = torch.Generator().manual_seed(seed)
    # The fused optimiser takes real weights only.
    fused = not any(p.is_complex() for p in network.parameters())
    optimizer = torch.optim.AdamW(network.parameters(), lr=budget.lr, weight_decay=budget.weight_decay, fused=fused)
    begin, steps, order = time.process_time(), 0, torch.empty(0, dtype=torch.long)
    while (used := time.process_time() - begin) < budget.cpu_seconds:
        if len(order) < budget.batch:
            order = torch.randperm(len(data[0]), generator=generator)
        chosen, order = order[: budget.batch], order[budget.batch :]
        fields, targets = data[0][chosen], data[1][chosen]
        if augment is not None:
            fields, targets = augment(fields, targets, generator)
        for group in optimizer.param_groups:
            group["lr"] = budget.rate(used / budget.cpu_seconds)
        optimizer.zero_grad()
        terms = objective.terms(network, Batch(fields=fields, targets=targets))
        sum(term.scalar() for term in terms.values()).backward()
        optimizer.step()
        steps += 1
    return {"steps": steps, "cpu_s": time.process_time() - begin}
