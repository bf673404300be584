"""Surface: the pages on mechanisms say what the code says; a stale, missing or superfluous page fails."""

from pathlib import Path

import pytest

from alarmin.cli.model import contents, describe, mechanisms, page

PAGES = Path(__file__).parents[2] / "docs" / "mechanisms"


@pytest.mark.skipif(not PAGES.parent.exists(), reason="documentation is not installed with the package")
def test_every_mechanism_has_its_page_and_no_other_is_there():
    found = {name: describe(kind) for name, kind in mechanisms().items()}
    expected = {f"{name}.md": page(name, one) for name, one in found.items()} | {"index.md": contents(found)}
    assert {path.name for path in PAGES.glob("*.md")} == set(expected), "run `make docs`"
    for name, text in expected.items():
        assert (PAGES / name).read_text(encoding="utf-8") == text, f"{name} is stale: run `make docs`"


def test_every_mechanism_names_what_it_changes_and_where_it_comes_from():
    for name, kind in mechanisms().items():
        found = describe(kind)
        assert found["text"].strip(), name
        assert found["text"].splitlines()[0].endswith("."), f"{name}: the index shows the first line alone"
        assert found["source"], name
