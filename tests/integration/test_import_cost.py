"""What answers at once must not load what is slow: looked up in `sys.modules` of a fresh process."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "scipy", "h5py", "xarray", "matplotlib", "lightning", "jsonargparse", "neuralop", "rich")

PROGRAM = """
import json, sys
from sciml.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, [m for m in {heavy} if m in sys.modules]]))
"""


def run(*words: str) -> tuple[int, list[str]]:
    """Exit code of a command, and the heavy modules it has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), *words], capture_output=True, text=True, check=True
    )
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    return code, loaded


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["fit", "--help"],
        ["generate", "--help"],
        ["data", "inspect", "--help"],
        ["list"],
        ["list", "objectives"],
        ["show", "FixedWeights"],
    ],
)
def test_help_and_listings_load_nothing_heavy(words):
    assert run(*words) == (0, [])


def test_a_mistake_in_a_configuration_loads_nothing_heavy(tmp_path):
    file = tmp_path / "c.yaml"
    for text in ["trainer: {max_epoch: 1}", "a: 1\na: 2", "model: {network: {class_path: os.system}}", "trainer: ["]:
        file.write_text(text)
        assert run("fit", "--config", str(file)) == (2, []), text


@pytest.mark.parametrize(
    "words", [["fti"], ["generate", "--sampels", "3"], ["show", "Nothing"], ["fit", "--config", "x"]]
)
def test_a_mistake_of_use_loads_nothing_heavy(words):
    assert run(*words) == (2, [])


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("sciml", HEAVY),
        ("sciml.cli.main", HEAVY),
        ("sciml.describe", HEAVY),
        ("sciml.status", HEAVY),
        ("sciml.fields", ("torch", "scipy", "h5py", "lightning")),
        ("sciml.data", ("torch", "scipy", "lightning")),
        ("sciml.inference", ("torch", "scipy", "lightning")),
    ],
)
def test_modules_of_the_first_look_import_without_torch(module, absent):
    text = f"import sys, {module}; print([m for m in {absent} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
