"""The built wheel, installed beside nothing of the checkout and used from an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def run(*words: object, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with the wheel's content, as `pip install --target` leaves it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT, folder=folder)
    (wheel,) = folder.glob("sciml-*.whl")
    options = ("--no-deps", "--no-index", "--target", folder / "site")
    run(sys.executable, "-m", "pip", "install", *options, wheel, folder=folder)
    return folder / "site"


def sciml(site: Path, folder: Path, *words: object) -> str:
    """The installed program; `-P` keeps the current folder, which could be the checkout, off the module path."""
    return run(sys.executable, "-P", "-m", "sciml", *words, folder=folder, PYTHONPATH=str(site))


def test_the_wheel_is_what_is_imported(site, tmp_path):
    place = run(
        sys.executable, "-P", "-c", "import sciml; print(sciml.__file__)", folder=tmp_path, PYTHONPATH=str(site)
    )
    assert Path(place.strip()).is_relative_to(site)


def test_the_wheel_ships_every_recipe_card_and_configuration(site, tmp_path):
    shipped = {p.relative_to(ROOT) for kind in ("datasets", "configs") for p in (ROOT / kind).rglob("*") if p.is_file()}
    installed = site / "sciml" / "_resources"
    assert {p.relative_to(installed) for p in installed.rglob("*") if p.is_file()} == shipped
    assert (site / "sciml" / "py.typed").is_file()


def test_list_names_data_sets_and_configurations(site, tmp_path):
    text = sciml(site, tmp_path, "list")
    for name in ("darcy_2d", "burgers_1d", "operators/darcy_2d_fno.yaml", "sciml.operators.FNO"):
        assert name in text


def test_generate_then_dry_run_of_a_shipped_configuration(site, tmp_path):
    sciml(site, tmp_path, "generate", "darcy_2d", "--samples", "8", "--quiet")
    assert (tmp_path / "data" / "darcy_2d" / "manifest.json").is_file()
    assert "no fault" in sciml(site, tmp_path, "data", "validate", "darcy_2d")
    sciml(site, tmp_path, "fit", "--config", "operators/darcy_2d_fno.yaml", "--dry-run")
