"""The parameters of some samples of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.numerics import GridDerivatives
from sciml.pdes import Parameters, Problem


def varying(problem: Problem, values: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
    """The parameters that have a batch axis: numbers `(b,)`, fields `(b, *s)`."""
    rank = {s.name: problem.domain.dimensions + 1 if s.field else 1 for s in problem.pde.parameters}
    values = problem.parameters if values is None else values
    return {n: v for n, v in values.items() if isinstance(v, Tensor) and v.ndim == rank[n]}


def chosen(problem: Problem, values: Mapping[str, Any], rows: Sequence[int] | np.ndarray) -> dict[str, Any]:
    """The values of some samples; one that serves all stays."""
    index = torch.as_tensor(rows)
    picked = {n: v[index.to(v.device)] for n, v in varying(problem, values).items() if len(v) > 1}
    return {**values, **picked}


def bound(problem: Problem, d: GridDerivatives, values: Mapping[str, Any]) -> Parameters:
    """Parameters in the shapes of the fields that `d` differentiates, with other values than the problem's."""
    specs = problem.pde.parameters
    defaults = {s.name: getattr(problem.pde, s.name, None) for s in specs}
    return Parameters(specs, values, defaults, d.coordinates(), problem.domain.dimensions, False, d.device)


def parameters_of(problem: Problem, d: GridDerivatives, rows: Sequence[int]) -> Parameters:
    """The parameters of some samples of a problem."""
    return bound(problem, d, chosen(problem, problem.parameters, rows))
