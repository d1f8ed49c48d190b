"""One thread per test process; tests that need a CUDA device are skipped without one."""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402
from shape_checks import skip_inner_functions, start_test  # noqa: E402

skip_inner_functions()


def pytest_runtest_setup(item: pytest.Item) -> None:
    start_test()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if any(item.get_closest_marker("gpu") for item in items):
        import torch

        if not torch.cuda.is_available():
            skip = pytest.mark.skip(reason="no CUDA device at hand")
            for item in items:
                if item.get_closest_marker("gpu"):
                    item.add_marker(skip)
