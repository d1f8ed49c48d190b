"""The second barrier: what the look at a configuration would let pass, the parser does not import."""

import copy
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sciml.cli.fit import Request, read_request
from sciml.status import ConfigError

pytest_plugins = ["training_fixtures"]

CANARY = """
from pathlib import Path

Path({mark!r}).write_text("imported")

import torch


class Bird(torch.nn.Identity):
    pass
"""


@pytest.fixture
def request_(tiny: Path, tmp_path: Path) -> Request:
    """A request that passed every check."""
    file = tmp_path / "small.yaml"
    file.write_text(
        "trainer: {max_epochs: 1, accelerator: cpu}\n"
        "model: {network: {class_path: torch.nn.Identity}, objective: {class_path: sciml.operators.Supervised}}\n"
        f"data: {{class_path: sciml.training.FieldData, init_args: {{dataset: {tiny}}}}}\n"
    )
    return read_request("fit", ["--config", str(file)])


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the import of `canary_of_the_tests` leaves behind."""
    mark = tmp_path / "imported"
    (tmp_path / "canary_of_the_tests.py").write_text(CANARY.format(mark=str(mark)))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield mark
    sys.modules.pop("canary_of_the_tests", None)


def with_value(request: Request, place: str, value: object) -> Request:
    """The request with one value put in behind the back of the checks."""
    data = copy.deepcopy(request.data)
    *way, last = place.split(".")
    holder = data
    for key in way:
        holder = holder.setdefault(key, {})
    holder[last] = value
    return replace(request, data=data)


BIRD = "canary_of_the_tests.Bird"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("model.network", {"class_path": BIRD}),
        ("model.network", BIRD),
        ("model.optimizer", BIRD),
        ("model.objective.init_args.loss", {"class_path": BIRD}),
        ("trainer.callbacks", [{"class_path": BIRD}]),
        ("trainer.logger", BIRD),
        ("data", {"class_path": BIRD}),
    ],
)
def test_a_class_that_slipped_past_the_checks_is_not_imported(request_, canary, place, value):
    from sciml.cli.experiments import Experiment

    with pytest.raises(ConfigError) as caught:
        Experiment(with_value(request_, place, value), None)
    assert "\n" not in str(caught.value)
    assert not canary.exists()
    assert "canary_of_the_tests" not in sys.modules


def test_trust_lasts_for_one_command(request_, canary):
    from sciml.cli.experiments import Experiment

    slipped = with_value(request_, "model.network", {"class_path": BIRD})
    made = Experiment(replace(slipped, trust=("canary_of_the_tests",)), None)
    assert type(made.model.network).__name__ == "Bird"
    assert canary.exists()
    with pytest.raises(ConfigError, match="is not allowed"):
        Experiment(slipped, None)


def test_names_outside_of_the_list_that_an_allowed_module_holds_are_refused(request_):
    from sciml.cli.experiments import Experiment

    # The callable is found below an allowed package, but it is defined elsewhere.
    with pytest.raises(ConfigError, match="is not allowed"):
        Experiment(with_value(request_, "model.optimizer", "sciml.cli.experiments.shutil.rmtree"), None)


@pytest.mark.parametrize("package", ["no-package", "jsonargparse"])
def test_a_package_that_cannot_be_trusted_is_a_mistake(request_, package):
    from sciml.cli.experiments import Experiment

    with pytest.raises(ConfigError, match=r"^--trust: "):
        Experiment(replace(request_, trust=(package,)), None)
