"""Data sets in memory with the face of `FieldDataset`, and surrogates with known errors."""

import dataclasses

import numpy as np
import pytest
import torch

from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.solvers import StepperSpec


@dataclasses.dataclass(frozen=True)
class Task(StepperSpec):
    inputs: tuple = ()
    static: tuple = ()


@dataclasses.dataclass
class Spec:
    name: str
    fields: tuple
    static: tuple
    parameters: tuple
    grid: Grid
    times: tuple
    time_unit: str = "s"


class Memory:
    """Arrays instead of files."""

    split, hash = "test", "cd" * 32

    def __init__(self, spec, fields, static=None, params=None):
        self.spec, self._fields, self._static, self._params = spec, fields, static, params

    def __len__(self):
        return len(next(iter(self._fields.values())))

    def fields(self, samples, times=None, names=None):
        frames = range(len(self.spec.times)) if times is None else times
        parts = [self._fields[n][list(samples)][:, list(frames)] for n in names or self._fields]
        return np.concatenate(parts, axis=2)

    def static(self, samples):
        return self._static[list(samples)]

    def params(self, samples):
        return self._params[list(samples)]


A, P = FieldSpec("a", unit="m2"), FieldSpec("p", unit="Pa")
U, K = FieldSpec("u", unit="m s-1"), FieldSpec("k")


@pytest.fixture
def steady_task():
    return Task((P,), Grid.cells(6, 4), Boundaries.dirichlet(), inputs=(A,))


@pytest.fixture
def steady_data():
    """p = 2 a, with a standard normal."""

    def make(n, seed):
        a = np.random.default_rng(seed).standard_normal((n, 1, 6, 4))
        spec = Spec("double", (P,), (A,), (), Grid.cells(6, 4), (0.0,))
        return Memory(spec, {"p": 2 * a[:, None]}, a)

    return make


@pytest.fixture
def decay_task():
    return Task(
        (U,),
        Grid.periodic(8),
        Boundaries.periodic(),
        (ParameterSpec("nu"),),
        dt=0.2,
        any_dt=False,
        inputs=(U,),
        static=(K,),
    )


@pytest.fixture
def decay_data():
    """u halves in every interval of 0.1, from a standard normal initial state."""

    def make(n, seed):
        rng = np.random.default_rng(seed)
        u0 = rng.standard_normal((n, 1, 1, 8))
        u = u0 * 0.5 ** np.arange(6).reshape(1, 6, 1, 1)
        times = tuple(0.1 * i for i in range(6))
        spec = Spec("decay", (U,), (K,), (ParameterSpec("nu"),), Grid.periodic(8), times)
        return Memory(spec, {"u": u}, np.ones((n, 1, 8)), rng.random((n, 1)))

    return make


class Scaled:
    """A steady map p = factor * a."""

    def __init__(self, task, factor):
        self.spec, self.factor = task, factor

    def __call__(self, x, params=None):
        return self.factor * x


@pytest.fixture
def scaled():
    return Scaled


@dataclasses.dataclass
class Frames:
    u: torch.Tensor


class Powers:
    """A stepper that multiplies by `factor` in every step of dt."""

    def __init__(self, task, factor):
        self.spec, self.factor = task, factor

    def rollout(self, u0, times, params=None, static=None):
        assert params.shape == (len(u0), 1)
        assert static.shape == u0.shape
        steps = ((times - times[0]) / self.spec.dt).round()
        return Frames(u0[:, None] * (self.factor**steps).reshape(1, -1, 1, 1))


@pytest.fixture
def powers():
    return Powers
