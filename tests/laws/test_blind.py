"""Trust: no prediction can see what was published. Whatever a lower room imports, at any distance, is looked at."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import alarmin

PACKAGE = Path(alarmin.__file__).parent
MAY_LOOK = {"published", "scoring", "calibrate", "review", "cli", "web"}


def imports(package: Path) -> dict[str, set[str]]:
    """Every module of a package with the modules it names, imports within functions included."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        named = set()
        tree = ast.parse(path.read_text())
        # What only type checkers import does not exist in a run.
        tree.body = [n for n in tree.body if not (isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                above = parts[: -node.level] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                named |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        found[module] = {name for name in named if name.startswith(package.name)}
    return found


def leaks(package: Path) -> set[str]:
    """Modules of lower rooms from which the published outcomes can be reached."""
    graph = imports(package)
    published = f"{package.name}.published"
    reaches = {module for module in graph if f"{module}.".startswith(f"{published}.")}
    while True:
        more = {module for module, named in graph.items() if named & (reaches | {published})} - reaches
        if not more:
            break
        reaches |= more
    return {module for module in reaches if "." in module and module.split(".")[1] not in MAY_LOOK}


def test_nothing_below_the_score_reaches_what_was_published():
    assert leaks(PACKAGE) == set()


def test_the_walk_sees_the_whole_house():
    graph = imports(PACKAGE)
    assert {"alarmin.simulation", "alarmin.trials.run", "alarmin.readouts.scan", "alarmin.scoring.score"} <= set(graph)
    assert "alarmin.published" in graph["alarmin.scoring.score"]


def test_a_leak_is_found_directly_at_a_distance_and_within_a_function(tmp_path):
    house = tmp_path / "house"
    for name, code in {
        "__init__": "",
        "published/__init__": "outcome = 19.5",
        "scoring/__init__": "from house.published import outcome",
        "trials/__init__": "",
        "trials/run": "def run():\n    from house import published\n    return published.outcome",
        "patients/__init__": "from ..trials import run",
        "numerics/__init__": "import math",
    }.items():
        path = house / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    assert leaks(house) == {"house.trials.run", "house.patients"}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


def test_trials_run_where_nothing_published_exists():
    """The rooms that predict load and read their trial files with the published outcomes made unimportable."""
    code = (
        "import sys; sys.modules['alarmin.published'] = None\n"
        "import alarmin.trials, alarmin.enrollment\n"
        "from alarmin.records import trial; print(trial('impower150').name)\n"
    )
    done = run_python(code)
    assert done.stdout.strip() == "impower150", done.stderr


def test_without_them_the_score_would_not_load():
    code = "import sys; sys.modules['alarmin.published'] = None\nimport alarmin.scoring"
    done = run_python(code)
    assert "ModuleNotFoundError" in done.stderr


def test_another_published_outcome_changes_no_record(tmp_path, monkeypatch):
    """All records, tumors, agents, trials and populations are read anew with every published value made another."""
    from alarmin.published import loader as published
    from alarmin.records import loader as records

    rooms = ("parameters", "tumors", "agents", "trials", "populations", "sources")
    readers = [getattr(records, room) for room in rooms]
    before, known = [reader() for reader in readers], published.studies()
    for path in published.DATA.rglob("*.toml"):  # type: ignore[attr-defined]
        other = tmp_path / path.relative_to(published.DATA)  # type: ignore[arg-type]
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text(
            re.sub(r"(?m)^(value|hr) = .*", r"\1 = 7.7", re.sub(r"(?m)^(low|high) = .*", "", path.read_text()))
        )
    monkeypatch.setattr(published, "DATA", tmp_path)
    cached = (*readers, published.studies, published.audit)
    try:
        for reader in cached:
            reader.cache_clear()
        assert published.studies() != known
        assert published.study("halo301").arms[0].endpoints[0].value == 7.7
        assert [reader() for reader in readers] == before
    finally:
        monkeypatch.undo()
        for reader in cached:
            reader.cache_clear()
