"""The catalogue reads sources; Python's own import machinery and `inspect` are the oracle."""

import importlib
import inspect

import pytest

from sciml.cli import catalogue


def imported(entry):
    module, _, name = entry.path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_every_entry_is_what_its_path_imports():
    entries = catalogue.entries()
    assert len(entries) > 20
    for entry in entries:
        found = imported(entry)
        assert found.__module__ == entry.module, entry.path
        assert inspect.isclass(found) == (entry.kind == "class")


def test_every_signature_agrees_with_inspect():
    checked = 0
    for entry in catalogue.entries():
        if entry.parameters is None or entry.abstract:
            continue
        signature = inspect.signature(imported(entry))
        assert [p.name for p in entry.parameters] == list(signature.parameters), entry.path
        required = [p.name for p in signature.parameters.values() if p.default is inspect.Parameter.empty]
        assert [p.name for p in entry.parameters if p.default is None] == required, entry.path
        checked += 1
    assert checked > 20


def test_every_public_class_and_function_of_a_package_is_found():
    for package in catalogue.packages():
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            found = getattr(module, name)
            # An alias (`Field = Any`) has no definition of its own to read.
            if getattr(found, "__module__", "").startswith("sciml") and (
                inspect.isclass(found) or inspect.isfunction(found)
            ):
                assert catalogue.find(f"{package}.{name}") is not None, f"{package}.{name}"


def test_bases_agree_with_the_method_resolution_order():
    for entry in catalogue.entries():
        if entry.kind == "class":
            lineage = {f"{c.__module__}.{c.__qualname__}" for c in imported(entry).__mro__[1:]}
            assert set(entry.bases) <= lineage, entry.path


@pytest.mark.parametrize(
    "path", ["torch.optim.AdamW", "torch.nn.Linear", "lightning.pytorch.callbacks.ModelCheckpoint"]
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
