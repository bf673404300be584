"""`alarmin cite`: what a run should cite, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import AsJson, as_json, out, refusals

if TYPE_CHECKING:
    from alarmin.results import Provenance
    from alarmin.results.citation import Reason

HINT = "Name the folder of a run to see which sources its numbers rest on."


def cite(
    run: Annotated[
        Path | None, typer.Argument(help="Folder or .zarr store that a run has written; the software alone without it.")
    ] = None,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print BibTeX and nothing else.")] = False,
    json: AsJson = False,
) -> None:
    """Print what a run should cite, and why: the software, and the sources of the records in use.

    Example:  alarmin cite runs/impower150 --bibtex > references.bib
    """
    with refusals():
        from alarmin.errors import AlarminError
        from alarmin.results.citation import citations, software

        if bibtex and json:
            raise AlarminError("--bibtex and --json together", remedy="choose one of the two")
        found: list[Reason] = []
        made = None
        if run is not None:
            made, agents = _read(run)
            found = citations(made, agents)
        if bibtex:
            _bibtex(found)
        elif json:
            as_json(
                {"software": software().title, "run": _trust(made), "reasons": [_plain(reason) for reason in found]}
            )
        else:
            _show(found, made)


def _read(run: Path) -> "tuple[Provenance, list[str]]":
    """The provenance of a run or of a stored course, and the agents whose doses it holds."""
    from alarmin import results

    if run.suffix == ".zarr":
        course = results.read_course(run)
        if "provenance" not in course.attrs:
            raise results.StoreError(f"{str(run)!r} has no provenance of its own", remedy="give the folder of its run")
        return results.Provenance.model_validate_json(course.attrs["provenance"]), _given(course)
    stored = results.read(run)
    return stored.provenance, [agent for course in stored.courses.values() for agent in _given(course)]


def _given(course: Any) -> list[str]:
    doses = {
        str(name).removeprefix("dose_"): course[name] for name in course.data_vars if str(name).startswith("dose_")
    }
    return [agent for agent, amount in doses.items() if bool((amount > 0).any())]


def _bibtex(found: "list[Reason]") -> None:
    from alarmin.results.citation import bibtex, software_bibtex

    entries = {"alarmin": software_bibtex()}
    why: dict[str, list[str]] = {}
    for reason in found:
        for key in reason.sources:
            why.setdefault(key, []).append(reason.why)
    for reason in found:
        for key, source in reason.sources.items():
            entries.setdefault(key, bibtex(key, source, ", ".join(why[key])))
    typer.echo("\n\n".join(entries.values()))


def _plain(reason: "Reason") -> dict[str, Any]:
    rows = [
        {"key": key, "records": reason.records[key]} | source.model_dump(mode="json", exclude_none=True)
        for key, source in reason.sources.items()
    ]
    return {"why": reason.why, "sources": rows}


def _trust(made: "Provenance | None") -> dict[str, Any] | None:
    if made is None:
        return None
    return {"subject": made.subject, "alarmin": made.alarmin, "population": made.population, "trust": made.trust}


def _show(found: "list[Reason]", made: "Provenance | None") -> None:
    from alarmin.results.citation import place, software

    out.print(f"\n[bold]The software[/bold]\n  {software().title}", soft_wrap=True)
    if made is None:
        out.print(f"\n{HINT}\n")
        return
    for reason in found:
        out.print(f"\n[bold]{reason.why[0].upper()}{reason.why[1:]}[/bold]")
        for key, source in reason.sources.items():
            numbers = reason.records[key]
            for_what = f"  [{numbers} record{'s' if numbers > 1 else ''}]" if numbers else ""
            out.print(f"  {key}: {source.title}{for_what}", markup=False, soft_wrap=True)
            if where := place(source):
                out.print(f"      {where}", markup=False, soft_wrap=True)
    own = sum(made.trust["grade"].get(grade, 0) for grade in ("assumed", "fitted"))
    total = sum(made.trust["grade"].values())
    out.print(f"\n{own} of the {total} records in force are assumed or fitted and cite nothing: `alarmin evidence ID`.")
    used = ", ".join(f"{name} {version}" for name, version in made.packages.items())
    out.print(f"Computed by alarmin {made.alarmin} with {used}.\n", soft_wrap=True)
