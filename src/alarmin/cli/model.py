"""`alarmin model`: the model prints itself."""

import inspect
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any

import typer

from alarmin.cli.face import AsJson, as_json, out, refusals

PARTS = ("Reads:", "Changes:", "Source:")


def model(
    name: Annotated[str | None, typer.Argument(help="One mechanism, such as oxygen; all without it.")] = None,
    pages: Annotated[
        Path | None, typer.Option(help="New folder for one Markdown page a mechanism, instead of printing.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Print the mechanisms: their equations, what they read and what they change.

    Example:  alarmin model oxygen
    """
    with refusals():
        from alarmin.errors import AlarminError, nearest

        kinds = mechanisms()
        if name is not None and name not in kinds:
            raise AlarminError(f"unknown mechanism {name!r}; {nearest(name, kinds)}", remedy="choose a known mechanism")
        chosen = {key: describe(kind) for key, kind in kinds.items() if name in (None, key)}
        if pages is not None:
            from alarmin import results

            results.ensure_new(pages)
            texts = {f"{key}.md": page(key, found) for key, found in chosen.items()}
            results.write_files(pages, texts | {"index.md": contents(chosen)})
            out.print(f"Written to {pages}", markup=False)
            return
        if json:
            as_json(chosen)
            return
        for key, found in chosen.items():
            out.print(f"\n[bold]{key}[/bold]  [dim]{found['room']}[/dim]")
            out.print(found["text"], markup=False, soft_wrap=True)
            for part in PARTS:
                title = part[:-1].lower()
                if found[title]:
                    out.print(f"    [dim]{part:<9}[/dim] {found[title]}")
            if name is not None:
                out.print("\nAs computed:")
                out.print("\n".join(f"    {line}" for line in found["computed"]), markup=False, soft_wrap=True)
                _parameters(found["parameters"])


def mechanisms() -> dict[str, type]:
    """Every mechanism by the name of its file, biology first."""
    from alarmin import therapy
    from alarmin.model import biology

    found = {kind.__module__.rpartition(".")[2]: kind for kind in biology()}
    for item in iter_modules(therapy.__path__):
        with suppress(therapy.TherapyError):
            found[item.name] = therapy.action(item.name)
    return found


def describe(kind: type) -> dict[str, Any]:
    """A mechanism in words: text with its equation, what it reads and changes, its records, and what it computes."""
    from alarmin.equations import equations
    from alarmin.model import needs

    lines = inspect.cleandoc(kind.__doc__ or "").splitlines()
    first = next((row for row, line in enumerate(lines) if line.startswith(PARTS)), len(lines))
    said: dict[str, str] = dict.fromkeys((part[:-1].lower() for part in PARTS), "")
    last = ""
    for line in lines[first:]:
        part = next((part for part in PARTS if line.startswith(part)), None)
        last = part[:-1].lower() if part else last
        said[last] = f"{said[last]} {line.removeprefix(part or '').strip()}".strip()
    room = kind.__module__.removeprefix("alarmin.").replace(".", "/")
    text = "\n".join(lines[:first]).rstrip()
    parameters = dict(needs(kind).values())
    return {"room": room, "text": text, **said, "parameters": parameters, "computed": equations(kind)}


def _parameters(parameters: dict[str, str]) -> None:
    from rich.table import Table

    from alarmin import records

    known = records.parameters()
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Record", no_wrap=True)
    for title in ("Value", "Grade", "Source"):
        table.add_column(title)
    for key, unit in parameters.items():
        if key in known:
            record = known[key]
            table.add_row(key, f"{record.to(unit):.4g} {unit}", f"{record.grade}, {record.status}", record.source)
        else:
            table.add_row(key, f"– {unit}", "by agent or tumor type", "")
    out.print()
    out.print(table)


def page(name: str, found: Mapping[str, Any]) -> str:
    """A mechanism as a Markdown page: what it says of itself, what it computes, and the records that it takes."""
    from alarmin import records

    known = records.parameters()
    lines = [f"# {name}", "", f"`alarmin/{found['room']}.py`, printed by `alarmin model {name}`", ""]
    for line in found["text"].splitlines():
        lines.append(line if line.startswith("    ") or not line else line.strip())
    lines += [""] + [f"- **{part[:-1]}**: {found[part[:-1].lower()]}" for part in PARTS if found[part[:-1].lower()]]
    lines += ["", "As computed ([how to read it](index.md#equations)):", ""]
    lines += [f"    {line}" for line in found["computed"]]
    if found["parameters"]:
        lines += ["", "| record | value | grade | status | source |", "|---|---|---|---|---|"]
    for key, unit in found["parameters"].items():
        if key in known:
            record = known[key]
            value = f"{record.to(unit):.4g} {unit}"
            lines.append(f"| {key} | {value} | {record.grade} | {record.status} | {record.source} |")
        else:
            lines.append(f"| {key} | {unit}, by agent or tumor type | | | |")
    return "\n".join(lines) + "\n"


def contents(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The list of all pages, with the first sentence of each, and how to read equations."""
    from alarmin import equations

    lines = ["# Mechanisms", "", "One page for each, made by `make docs` from the code as it runs.", ""]
    for name, one in found.items():
        text = one["text"].strip()
        first = text.splitlines()[0] if text else ""
        lines.append(f"- [{name}]({name}.md): {first}")
    lines += ["", "## Equations", "", inspect.cleandoc(equations.__doc__ or "")]
    return "\n".join(lines) + "\n"
