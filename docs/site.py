"""What the site has besides the files here: pages from the data in force, and a navigation of all there is.

MkDocs calls the functions that begin with `on_`.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

HERE = Path(__file__).parent
OUTSIDE = {
    "reference.md": "../reference/README.md",
    "contributing.md": "../CONTRIBUTING.md",
    "changes.md": "../CHANGELOG.md",
}
"""Pages that live elsewhere in the repository."""

FOLDERS = {f"{kind}/index.md": f"../src/alarmin/records/data/{kind}" for kind in ("agents", "tumors", "trials")}
"""Pages that are made of a folder of data, to which the repository leads."""

TABS: dict[str, list[str]] = {
    "Start": ["index.md", "tutorial.md", "gallery.md", "limits.md", "glossary.md"],
    "Tours": ["tour/*"],
    "How to": ["howto/*"],
    "Trials and patients": [
        "score.md", "scores.md", "design.md", "optimize.md", "biomarkers.md", "explain.md", "sensitivity.md",
        "tumor_types.md", "scans.md", "contest.md", "review.md", "conflicts.md", "cases/*",
    ],
    "Interfaces": ["web.md", "exports.md", "api.md"],
    "Reference": ["tumors/*", "agents/*", "trials/*", "mechanisms/*", "statements/*", "sources.md"],
    "Code": [
        "map.md", "geometry.md", "scale.md", "refinement.md", "reference.md", "contributing.md", "decisions/*",
        "changes.md",
    ],
}  # fmt: skip
"""Pages by tab; `folder/*` is all of a folder, its index first. Pages that do not exist are left out."""

REST = "Trials and patients"
"""Where pages go that are named nowhere."""


def on_files(files: Files, *, config: Any) -> Files:
    """Adds the pages that are made from data, those that live elsewhere, and the schemas; then sets the navigation."""
    from alarmin.cli.pages import reference
    from alarmin.cli.schema import Kind, written
    from alarmin.review.verdicts import read

    made = reference(read(HERE / "verdicts.csv")) | {
        name: (HERE / place).read_text(encoding="utf-8") for name, place in OUTSIDE.items()
    }
    for name, text in made.items():
        if files.get_file_from_path(name) is None:
            files.append(File.generated(config, name, content=text))
    for kind in Kind:
        files.append(File.generated(config, f"schemas/{kind}.schema.json", content=written(kind)))
    config.nav = navigation([file.src_uri for file in files.documentation_pages()])
    return files


def navigation(pages: list[str]) -> list[dict[str, Any]]:
    """The navigation: every page in one place."""
    left = set(pages)
    tabs: dict[str, list[Any]] = {}
    for tab, entries in TABS.items():
        tabs[tab] = []
        for entry in entries:
            if not entry.endswith("/*"):
                tabs[tab] += [entry] if entry in left else []
                left.discard(entry)
                continue
            folder = entry.removesuffix("*")
            mine = sorted((page for page in left if page.startswith(folder)), key=lambda page: _order(page))
            left -= set(mine)
            if mine:
                name = folder.strip("/").replace("_", " ").capitalize()
                tabs[tab] += mine if len(entries) == 1 else [{name: mine}]
    tabs[REST] += sorted(left)
    return [{tab: entries} for tab, entries in tabs.items() if entries]


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Mends what reads well in the repository and not on a page: links that leave it, and powers in tables."""
    up = "../" * page.file.src_uri.count("/")
    for name, place in (OUTSIDE | FOLDERS).items():
        markdown = markdown.replace(f"]({up}{place})", f"]({up}{name})")
    if page.file.src_uri in OUTSIDE:
        markdown = re.sub(r"\]\((?:\.\./)?docs/([^)]+)\)", r"](\1)", markdown)
        for name, place in OUTSIDE.items():
            markdown = markdown.replace(f"]({place.removeprefix('../')})", f"]({name})")
    if page.file.src_uri.startswith("mechanisms/"):
        lines = (_powers(line) if line.startswith("|") else line for line in markdown.splitlines())
        markdown = "\n".join(lines)
    return markdown


def _powers(line: str) -> str:
    return line.replace("**2", "²").replace("**3", "³")


def _order(page: str) -> tuple[bool, str]:
    return (not page.endswith("/index.md"), page)
