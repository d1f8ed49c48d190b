"""The catalogue reads sources; Python's own import machinery and `inspect` are the oracle."""

import importlib
import inspect

import pytest

from sciml.cli import catalogue


def imported(entry):
    module, _, name = entry.path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def by_package():
    """One parameter per package; those that bring Lightning or the figures are slow to import."""
    slow = ("sciml.training", "sciml.report")
    return [pytest.param(p, marks=[pytest.mark.slow] if p in slow else []) for p in catalogue.packages()]


def entries_of(package: str) -> list[catalogue.Entry]:
    return [e for e in catalogue.entries() if e.path.rpartition(".")[0] == package]


def test_most_packages_export_something():
    assert len({e.path.rpartition(".")[0] for e in catalogue.entries()}) > 12


@pytest.mark.parametrize("package", by_package())
def test_every_entry_is_what_its_path_imports(package):
    for entry in entries_of(package):
        found = imported(entry)
        assert found.__module__ == entry.module, entry.path
        assert inspect.isclass(found) == (entry.kind == "class")


@pytest.mark.parametrize("package", by_package())
def test_every_signature_agrees_with_inspect(package):
    for entry in entries_of(package):
        if entry.parameters is None or entry.abstract:
            continue
        signature = inspect.signature(imported(entry))
        assert [p.name for p in entry.parameters] == list(signature.parameters), entry.path
        required = [p.name for p in signature.parameters.values() if p.default is inspect.Parameter.empty]
        assert [p.name for p in entry.parameters if p.default is None] == required, entry.path


@pytest.mark.parametrize("package", by_package())
def test_every_public_class_and_function_of_a_package_is_found(package):
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", ()):
        found = getattr(module, name)
        # An alias (`Field = Any`) has no definition of its own to read.
        if getattr(found, "__module__", "").startswith("sciml") and (
            inspect.isclass(found) or inspect.isfunction(found)
        ):
            assert catalogue.find(f"{package}.{name}") is not None, f"{package}.{name}"


@pytest.mark.parametrize("package", by_package())
def test_bases_agree_with_the_method_resolution_order(package):
    for entry in entries_of(package):
        if entry.kind == "class":
            lineage = {f"{c.__module__}.{c.__qualname__}" for c in imported(entry).__mro__[1:]}
            assert set(entry.bases) <= lineage, entry.path


def test_unknown_signatures_are_few():
    unknown = [e.path for e in catalogue.entries() if e.parameters is None and e.kind == "class" and not e.abstract]
    assert len(unknown) < 0.25 * len(catalogue.entries()), unknown


FOREIGN = ["torch.optim.AdamW", "torch.nn.Linear", "torch.nn.GELU"]


@pytest.mark.parametrize(
    "path", [*FOREIGN, pytest.param("lightning.pytorch.callbacks.ModelCheckpoint", marks=pytest.mark.slow)]
)
def test_foreign_signatures_agree_with_inspect(path):
    module, _, name = path.rpartition(".")
    signature = inspect.signature(getattr(importlib.import_module(module), name))
    assert [p.name for p in catalogue.find(path).parameters] == list(signature.parameters)


@pytest.mark.parametrize("path", ["sciml.nothing.Here", "sciml.objective.Missing", "absent_package.Thing", "Term", ""])
def test_a_path_that_names_nothing_is_none(path):
    assert catalogue.find(path) is None


def test_a_short_name_finds_its_full_path():
    assert catalogue.by_short_name("FixedWeights") == ("sciml.objective.FixedWeights",)


def test_a_summary_is_the_first_line_of_the_docstring():
    assert (
        catalogue.find("sciml.fields.Grid").summary
        == inspect.getdoc(imported(catalogue.find("sciml.fields.Grid"))).split("\n")[0]
    )
