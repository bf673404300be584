"""Surface: every example is a script of under sixty lines that runs from an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {
    "simulate_and_plot.py": ((), "written: pictures/kymograph.svg"),
    "trial_in_python.py": (("8",), "primary endpoint"),
    "compare_regimens.py": (("2",), "smaller lesions"),
    "explain_cohort.py": (("1", "21"), "dominant in"),
    "replicate_trials.py": (("1", "6", "20"), "chance of success"),
    "design_from_bank.py": (("1", "6", "200"), "alternative: success in"),
}
"""Arguments that make it small, and what it prints."""

LONG = ("compare_regimens.py", "replicate_trials.py", "design_from_bank.py")
"""Examples whose programs take long to compile."""

CASES = {
    "pembro_rt.py": (("1", "12", "200"), "by population"),
    "pembro_rt_outside.py": (("6",), "smaller by 30 %"),
    "halo301.py": (("24",), "PEGPH20 adds"),
    "impower150.py": (("1", "8", "50"), "vessel surface"),
    "masterkey265.py": (("1", "12", "50"), "injected"),
    "sarc021.py": (("8",), "below 0.2 mmHg"),
    "untried.py": (("1", "8", "5"), "best untried pair"),
}
"""Arguments that make a case study small, and what it prints."""

ELSEWHERE = {"read_results.py"}
"""Reads the run of the tutorial, in the test of the tutorial."""

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="examples are not installed with the package")


def test_every_example_is_run_and_short():
    scripts = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
    assert set(scripts) == set(SMALL) | ELSEWHERE
    for name, text in scripts.items():
        assert len(text.splitlines()) < 60, name
        assert f"python examples/{name}" in text, f"{name} says how it is run"


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in LONG else ()) for n in SMALL])
def test_example_runs(name, tmp_path):
    arguments, says = SMALL[name]
    run(EXAMPLES / name, arguments, says, tmp_path)


def test_every_case_study_has_a_page_that_says_how_it_is_run():
    scripts = {path.name: path.read_text(encoding="utf-8") for path in (EXAMPLES / "cases").glob("*.py")}
    assert set(scripts) == set(CASES)
    pages = {path.name: path.read_text(encoding="utf-8") for path in (EXAMPLES.parent / "docs" / "cases").glob("*.md")}
    index, whole = pages.pop("index.md"), "".join(pages.values())
    for name, text in scripts.items():
        assert len(text.splitlines()) < 100, name
        assert f"python examples/cases/{name}" in text, f"{name} says how it is run"
        assert f"python examples/cases/{name}" in whole, f"a page says how {name} is run"
    assert all(f"({name})" in index for name in pages)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_case_study_runs(name, tmp_path):
    arguments, says = CASES[name]
    run(EXAMPLES / "cases" / name, arguments, says, tmp_path)


def run(script, arguments, says, folder):
    """Runs a script from an empty folder, with programs that are kept."""
    environment = os.environ | {
        "PYTHONPATH": str(EXAMPLES.parent / "src"),
        "JAX_COMPILATION_CACHE_DIR": platformdirs.user_cache_dir("alarmin", "alarmin"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.02",
    }
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert says in done.stdout, done.stdout
