"""`alarmin evidence`: where a number comes from, what a source holds, and what a study reported."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import AsJson, as_json, out, refusals

if TYPE_CHECKING:
    from alarmin.records import Record


def evidence(
    name: Annotated[
        str | None, typer.Argument(help="A record, a source or a published study; an overview without it.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Show where the numbers come from and how far they can be trusted.

    Example:  alarmin evidence oxygen_diffusivity
    """
    with refusals():
        from alarmin import published, records
        from alarmin.errors import AlarminError, nearest

        known, sources, studies = every_record(), records.sources(), published.studies()
        if name is None:
            _overview(known, len(sources), list(studies), json)
        elif name in known:
            _card(name, known[name], json)
        elif name in studies:
            _study(name, studies[name].model_dump(mode="json", exclude_none=True), json)
        elif name in sources:
            citing = [key for key, record in known.items() if record.source == name]
            _study(name, sources[name].model_dump(mode="json", exclude_none=True) | {"records": citing}, json)
        else:
            raise AlarminError(
                f"unknown record, source or study {name!r}; {nearest(name, [*known, *sources, *studies])}",
                remedy="see `alarmin evidence` and `alarmin model` for names",
            )


def every_record() -> "dict[str, Record]":
    """All records by id: common parameters, then those of tumor types (`TUMOR.id`) and of agents (`AGENT.part.id`)."""
    from alarmin import records

    found = dict(records.parameters())
    for tumor in records.tumors().values():
        found |= {f"{tumor.name}.{key}": record for key, record in tumor.parameters.items()}
    for agent in records.agents().values():
        found |= agent.records()
    return found


def _overview(known: "dict[str, Record]", sources: int, studies: list[str], json: bool) -> None:
    from rich.table import Table

    grades = ("human", "animal", "fitted", "assumed")
    counts = Counter((record.grade, record.status) for record in known.values())
    statuses = ("read", "unverified", "provisional")
    if json:
        table = {grade: {status: counts[grade, status] for status in statuses} for grade in grades}
        as_json({"records": len(known), "sources": sources, "grades": table, "studies": studies})
        return
    out.print(f"\n{len(known)} records from {sources} sources\n")
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Grade")
    for status in statuses:
        table.add_column(status, justify="right")
    for grade in grades:
        table.add_row(grade, *(str(counts[grade, status]) for status in statuses))
    out.print(table)
    out.print(f"\nPublished studies: {', '.join(studies) or 'none'}\n")


def _card(name: str, record: "Record", json: bool) -> None:
    from alarmin import records

    source = records.sources().get(record.source)
    content: dict[str, Any] = record.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if json:
        cited = source.model_dump(mode="json", exclude_none=True) if source else None
        as_json({"id": name} | content | {"cited": cited})
        return
    out.print(f"\n[bold]{name}[/bold]  {record.title}")
    spread = f"  (believed {record.low:g} to {record.high:g})" if None not in (record.low, record.high) else ""
    out.print(f"  {record.value:g} {record.unit}{spread}")
    for law in ("between_patients", "between_lesions"):
        if law in content:
            size = ", ".join(f"{key} {value}" for key, value in content[law].items())
            out.print(f"  {law.replace('_', ' ')}: {size}")
    out.print(f"  grade: {record.grade}   status: {record.status}")
    if source is not None:
        out.print(f"  source: {source.title}", markup=False)
        place = source.doi or source.pmid or source.pmc or source.nct or source.url
        if place:
            out.print(f"          {place}", markup=False)
    for label, text in (("where", record.where), ("applies to", record.applies_to), ("note", record.note)):
        if text:
            out.print(f"  {label}: {text}", markup=False)
    for other in record.conflicts:
        out.print(f"  disagrees: {other.value:g} {other.unit} ({other.source}): {other.note}", markup=False)
    out.print()


def _study(name: str, content: dict[str, Any], json: bool) -> None:
    if json:
        as_json({"name": name} | content)
        return
    from rich.pretty import Pretty

    out.print(f"\n[bold]{name}[/bold]  {content.get('title', '')}")
    out.print(Pretty({key: value for key, value in content.items() if key not in ("name", "title")}))
