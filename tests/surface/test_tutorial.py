"""Surface: the commands of the tutorial run as printed, one after the other, and write what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from alarmin import records

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r'^```(?P<kind>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<body>.*?)^```', re.M | re.S)

pytestmark = pytest.mark.skipif(not TUTORIAL.exists(), reason="documentation is not installed with the package")


@pytest.fixture
def shell(tmp_path):
    """Runs a line in an empty folder, where `alarmin` is the code under test and keeps compiled programs."""
    tools = tmp_path / "bin"
    tools.mkdir()
    start = f"#!{sys.executable}\nimport sys\nfrom alarmin.cli.main import app\nsys.argv[0] = 'alarmin'\napp()\n"
    (tools / "alarmin").write_text(start)
    # A link would not find the virtual environment beside the program that it leads to.
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    place = tmp_path / "folder"
    place.mkdir()
    kept = platformdirs.user_cache_dir("alarmin", "alarmin")
    environment = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "JAX_COMPILATION_CACHE_DIR": kept,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.02",
    }

    def run(line: str) -> str:
        done = subprocess.run(["bash", "-c", line], cwd=place, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
        return done.stdout

    run.place = place  # type: ignore[attr-defined]
    return run


def steps():
    """What the tutorial asks for, in its order: files to save, and lines for the shell; setting up left out."""
    for block in BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
        if block["title"] == "set-up":
            continue
        if block["title"]:
            yield "save", (block["title"], block["body"])
        elif block["kind"] == "sh":
            yield from (("run", line) for line in block["body"].splitlines() if line.strip())


def follow(shell, many: int | None = None) -> dict[str, str]:
    """What the first `many` commands of the tutorial print, or all of them, by command."""
    printed: dict[str, str] = {}
    for kind, content in steps():
        if kind == "save":
            (shell.place / content[0]).write_text(content[1])
        elif many is None or len(printed) < many:
            printed[content] = shell(content)
    return printed


def first_picture_is_there(shell, printed: dict[str, str]) -> None:
    first = next(iter(printed.values()))
    assert "18.9" in first and "19.9" in first, "the tutorial tells the diameters of the first command"
    assert (shell.place / "lesion.png").read_bytes().startswith(b"\x89PNG")


def test_first_picture_comes_as_printed(shell):
    """The first command; and the trial file of the tutorial is one."""
    first_picture_is_there(shell, follow(shell, 1))
    assert len(records.trial(shell.place / "second_line.toml").arms) == 2


@pytest.mark.slow
def test_tutorial_runs_as_printed(shell):
    printed = follow(shell)
    assert len(printed) >= 7
    first_picture_is_there(shell, printed)
    assert {"section.png", "kymograph.svg"} <= {path.name for path in (shell.place / "pictures").iterdir()}
    run = shell.place / "runs" / "second-line"
    assert {"overall-survival.png", "swimmer-docetaxel.svg"} <= {path.name for path in (run / "figures").iterdir()}
    assert any("Rittmeyer" in text for text in printed.values())
    told = shell(f"python {ROOT / 'examples' / 'read_results.py'} runs/second-line")
    assert "deaths" in told and (shell.place / "overall-survival.svg").is_file()
