"""Surface: the documentation builds without a warning, lists everything real, and prints commands that exist."""

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from alarmin import published, records
from alarmin.cli.main import app
from alarmin.cli.model import mechanisms
from alarmin.cli.pages import reference
from alarmin.review.statements import statements
from alarmin.therapy.regimen import parse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [path for path in [ROOT / "README.md", *DOCS.rglob("*.md")] if "mechanisms" not in path.parts]
GIVEN = ("simulate", "explain", "sensitivity", "biomarkers")
"""Commands whose second argument is a regimen."""

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="documentation is not installed with the package")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as `make site` does; a warning ends it."""
    pytest.importorskip("mkdocs", reason="needs alarmin[docs]")
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(ROOT / "mkdocs.yml")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([*command, "--site-dir", str(place)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def test_every_thing_has_a_page_that_the_navigation_reaches(site):
    real = {
        "mechanisms": mechanisms(),
        "agents": records.agents(),
        "tumors": records.tumors(),
        "trials": records.trials().keys() | published.studies().keys(),
        "statements": [statement.id for statement in statements()],
    }
    for kind, names in real.items():
        built = {path.parent.name for path in (site / kind).glob("*/index.html")}
        assert built == set(names), kind
        listed = (site / kind / "index.html").read_text(encoding="utf-8")
        assert not [name for name in names if f'href="{name}/"' not in listed], kind
    home = (site / "index.html").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert (site / ("" if page.stem == "index" else page.stem) / "index.html").is_file(), page.name
    for tab in ("Start", "Tours", "How to", "Reference", "Code"):
        assert f"{tab}\n" in home


def test_site_says_what_it_is_not_for_and_loads_nothing_from_elsewhere(site):
    for page in ("index.html", "tutorial/index.html", "trials/oak/index.html", "api/index.html"):
        text = (site / page).read_text(encoding="utf-8")
        assert "not for decisions about a patient" in text, page
        loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=\"?(https?:[^\"\s>]+)", text)
        loaded += re.findall(r"<link[^>]+rel=\"?(?:stylesheet|preconnect|icon)\"?[^>]*href=\"?(https?:[^\"\s>]+)", text)
        assert not loaded, page


def test_pages_say_what_the_data_say():
    pages = reference({})
    assert "75 mg/m²" in pages["agents/docetaxel.md"]
    assert "koolen2010" in pages["agents/docetaxel.md"]
    oak = pages["trials/oak.md"]
    assert "NCT02008227" in oak and "13.8" in oak and "rittmeyer2017" in oak
    assert "collagen_deposition" in pages["statements/T005.md"]
    assert "nsclc" in pages["tumors/pdac.md"]
    for key in records.sources().keys() - {"assumption", "fitted"}:
        assert f'id="{key}"' in pages["sources.md"]


def test_no_page_names_a_machine():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(home|work|tmp|root|Users)/", text), page.name


def test_the_api_lists_every_public_name():
    """What `alarmin`, its plots and its exports offer is documented; names go by where they are defined."""
    import alarmin
    from alarmin import exports, plots

    said = set(re.findall(r"^::: (\S+)", (DOCS / "api.md").read_text(encoding="utf-8"), re.M))
    offered = [getattr(alarmin, name) for name in alarmin.__all__ if not name.startswith("_")]
    offered += [getattr(plots, name) for name in plots.__all__]
    offered += [getattr(exports, name) for name in exports.__all__ if name[0].islower() and name != "network"]
    listed = {id(_named(name)) for name in said}
    # A file has the name of its function, and would be shown instead of it.
    assert not [name for name in said if name.count(".") == 2 and name.startswith("alarmin.plots.") and find_spec(name)]
    assert not [thing.__name__ for thing in offered if id(thing) not in listed]


def _named(path: str):
    """The thing that a heading of the API names: a function rather than the file of the same name."""
    import importlib

    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_the_printed_design_is_the_file_whose_figures_stand_beside_it():
    text = (DOCS / "design.md").read_text(encoding="utf-8")
    assert (ROOT / "examples" / "designs" / "sequential.toml").read_text(encoding="utf-8") in text


def test_links_lead_somewhere_in_the_repository_too():
    """Relative links of every page, the README and its neighbors; the site test follows the same links there."""
    pages = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "reference" / "README.md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))]
    assert len(links) > 100
    assert not [(page.name, link) for page, link in links if "://" not in link and not (page.parent / link).exists()]


def commands():
    """Every `alarmin …` line in a shell block, with its page."""
    for page in PAGES:
        for block in re.findall(r"^```sh.*?\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["alarmin"]:
                    yield page.relative_to(ROOT).as_posix(), words[1:]


def test_printed_commands_exist_with_their_options():
    group = typer.main.get_command(app)
    found = list(commands())
    assert len(found) > 40
    for page, words in found:
        words = words[: words.index(">")] if ">" in words else words
        words = [word for word in words if word not in ("CITATION", "…")]
        if not words or words[0].startswith("-") or words[0].isupper():
            continue
        name, command, rest = group.resolve_command(group.make_context("alarmin", ["model"]), list(words))
        context = command.make_context(name, list(rest))
        if name in GIVEN and context.params.get("regimen"):
            known = {arm.name for trial in records.trials().values() for arm in trial.arms}
            if context.params["regimen"] not in known:
                parse(context.params["regimen"])
        assert context.params is not None, page
