"""Small networks whose answers are known in closed form."""

import pytest
import torch
from torch import nn

from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.inference import Surrogate, SurrogateSpec


def leaky(slope):
    """x for x > 0, slope * x else: one weight, any shape, describable."""
    network = nn.PReLU()
    with torch.no_grad():
        network.weight.fill_(slope)
    return network


@pytest.fixture
def stepper():
    """u(t + 0.1) is u(t) with its negative part halved, on 16 periodic points."""
    spec = SurrogateSpec(
        fields=(FieldSpec("u", unit="m s-1", long_name="velocity"),),
        grid=Grid.periodic(16, high=2.0),
        boundaries=Boundaries.periodic(),
        dt=0.1,
        time_unit="s",
        length_unit="m",
        any_resolution=True,
        ranges={"u": (-1.0, 1.0)},
        dataset="made_up",
        data_hash="ab" * 32,
        meta={"equation": "none"},
    )
    return Surrogate(leaky(0.5), spec)


@pytest.fixture
def steady():
    """p = a with its negative part quartered, on 4 x 6 cells, one resolution."""
    spec = SurrogateSpec(
        fields=(FieldSpec("p", unit="Pa"),),
        inputs=(FieldSpec("a", unit="m2"),),
        grid=Grid.cells(4, 6),
        boundaries=Boundaries.dirichlet(),
    )
    return Surrogate(leaky(0.25), spec)
