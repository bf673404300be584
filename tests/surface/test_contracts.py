"""Trust: the rooms of the house stay apart, and the check that keeps them apart can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import alarmin

ROOT = Path(__file__).parents[2]
PACKAGE = Path(alarmin.__file__).parent


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    """The package and its contracts in a folder of their own."""
    shutil.copytree(PACKAGE, tmp_path / "alarmin", ignore=shutil.ignore_patterns("data", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_are_kept(copy):
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("readouts/scan.py", "import alarmin.trials", "Rooms import only from rooms below"),
        ("numerics/random.py", "import alarmin.records", "Rooms import only from rooms below"),
        ("newroom.py", "", "Rooms import only from rooms below"),
        ("simulation/run.py", "import alarmin.published", "Predictions never see what was published"),
        ("published/__init__.py", "import alarmin.simulation", "Published outcomes are only data"),
        ("biology/oxygen.py", "import alarmin.biology.tumor", "Biological mechanisms do not import one another"),
    ],
)
def test_broken_contract_is_found(copy, file, line, contract):
    with (copy / "alarmin" / file).open("a") as code:
        code.write(f"\n{line}\n")
    result = lint(copy)
    assert result.returncode != 0
    said = " ".join((result.stdout + result.stderr).split())
    assert f"{contract} BROKEN" in said or "newroom" in said
