"""`alarmin evidence`: where a number comes from, what a source holds, and what a study reported."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import AsJson, as_json, out, refusals

if TYPE_CHECKING:
    from alarmin.published import Discrepancy, Study
    from alarmin.published.schema import Place, ReportedArm
    from alarmin.records import Agent, Record, Tumor

CONTRAST = {"pfs": "progression-free survival", "os": "overall survival", "orr": "response"}


def evidence(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A record, an agent, a tumor type, a source or a published study; 'audit' for the contradictions of "
            "the review; 'parameter' and a record; an overview without it."
        ),
    ] = None,
    of: Annotated[str | None, typer.Argument(help="After 'parameter': the record.")] = None,
    json: AsJson = False,
) -> None:
    """Show where the numbers come from and how far they can be trusted.

    Example:  alarmin evidence oxygen_diffusivity
    """
    with refusals():
        from alarmin import published, records
        from alarmin.errors import AlarminError, nearest

        known, sources, studies = every_record(), records.sources(), published.studies()
        if of is not None and name != "parameter":
            raise AlarminError(
                f"{name!r} is followed by {of!r}", remedy="a second name follows 'parameter' alone: drop one"
            )
        if name is None:
            _overview(known, len(sources), list(studies), json)
        elif name == "audit":
            _audit(published.audit(), json)
        elif name == "parameter":
            if of is None or of not in known:
                said = "no record is named" if of is None else f"unknown record {of!r}; {nearest(of, known)}"
                raise AlarminError(said, remedy="give the id of a record, as `alarmin model MECHANISM` lists them")
            _card(of, known[of], json)
        elif name in known:
            _card(name, known[name], json)
        elif name in studies:
            _study(studies[name], published.discrepancies(name), json)
        elif name in sources:
            citing = [key for key, record in known.items() if record.source == name]
            _source(name, sources[name].model_dump(mode="json", exclude_none=True) | {"records": citing}, json)
        elif owner := _owner(name):
            _records(owner, {id: record for id, record in known.items() if id.startswith(f"{owner.name}.")}, json)
        else:
            names = [*known, *sources, *studies, *records.agents(), *records.tumors()]
            raise AlarminError(
                f"unknown record, agent, tumor type, source or study {name!r}; {nearest(name, names)}",
                remedy="see `alarmin evidence`, `alarmin model` and `alarmin list` for names",
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


def users(id: str) -> list[str]:
    """The mechanisms that take a record, biology by name and therapy as `mode of agent`.

    A record of a tumor type (`TUMOR.id`) is taken wherever the common one is that it replaces. Records that no
    mechanism takes belong to pharmacokinetics, patients, readouts or the start of a lesion.
    """
    from alarmin import records
    from alarmin.model import actions, biology, needs

    head, _, rest = id.partition(".")
    wanted = {id, rest} if head in records.tumors() else {id}
    found = [kind.__module__.rpartition(".")[2] for kind in biology() if _takes(needs(kind), wanted)]
    for kind, agent in actions(list(records.agents())):
        if _takes(needs(kind, agent), wanted):
            found.append(f"{kind.__module__.rpartition('.')[2]} of {agent}")
    return found


def _takes(needed: dict[str, tuple[str, str]], wanted: set[str]) -> bool:
    return any(record in wanted for record, _ in needed.values())


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
    out.print(f"\n{len(studies)} published studies: {', '.join(studies) or 'none'}\n")


def _card(name: str, record: "Record", json: bool) -> None:
    from alarmin import records

    source, taking = records.sources().get(record.source), users(name)
    content: dict[str, Any] = record.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if json:
        found = records.rederivations().get(name)
        again = found.model_dump(mode="json", exclude_none=True) if found else None
        cited = source.model_dump(mode="json", exclude_none=True) if source else None
        as_json({"id": name} | content | {"cited": cited, "used_by": taking, "rederived": again})
        return
    out.print(f"\n[bold]{name}[/bold]  {record.title}")
    spread = f"  (believed {record.low:g} to {record.high:g})" if None not in (record.low, record.high) else ""
    out.print(f"  {record.value:g} {record.unit}{spread}")
    for law in ("between_patients", "between_lesions"):
        if law in content:
            size = ", ".join(f"{key} {value}" for key, value in content[law].items())
            out.print(f"  {law.replace('_', ' ')}: {size}")
    out.print(f"  grade: {record.grade}   status: {record.status}")
    again = records.rederivations().get(name)
    if again is not None:
        out.print(
            f"  derived again, blind: {again.value:g} {again.unit} ({again.low:g} to {again.high:g}); {again.title}"
        )
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
    out.print(f"  used by: {', '.join(taking) or 'no mechanism'}", markup=False)
    out.print()


def _owner(name: str) -> "Agent | Tumor | None":
    """The agent or the tumor type of this name or synonym."""
    from alarmin import records

    key = name.strip().lower()
    every = [*records.agents().values(), *records.tumors().values()]
    return next((one for one in every if key == one.name or key in one.synonyms), None)


def _records(owner: "Agent | Tumor", found: "dict[str, Record]", json: bool) -> None:
    """All records of an agent, or of a tumor type where it differs from the common ones."""
    from rich.markup import escape
    from rich.table import Table

    if json:
        plain = {id: one.model_dump(mode="json", exclude_none=True, exclude_defaults=True) for id, one in found.items()}
        as_json({"name": owner.name, "title": owner.title, "records": plain})
        return
    out.print(f"\n[bold]{owner.name}[/bold]  {escape(owner.title)}: {len(found)} records\n")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("Record", "Value", "Grade", "Status", "Source"):
        table.add_column(heading, no_wrap=heading in ("Record", "Value"), overflow="fold")
    for id, one in found.items():
        table.add_row(*(escape(cell) for cell in (id, f"{one.value:g} {one.unit}", one.grade, one.status, one.source)))
    out.print(table)
    out.print("\nEach of them in full: alarmin evidence RECORD\n")


def _source(name: str, content: dict[str, Any], json: bool) -> None:
    if json:
        as_json({"name": name} | content)
        return
    from rich.pretty import Pretty

    out.print(f"\n[bold]{name}[/bold]  {content.get('title', '')}")
    out.print(Pretty({key: value for key, value in content.items() if key not in ("name", "title")}))


def _study(study: "Study", amiss: "tuple[Discrepancy, ...]", json: bool) -> None:
    if json:
        content = study.model_dump(mode="json", exclude_none=True)
        found = [item.model_dump(mode="json") for item in amiss]
        as_json({"name": study.name} | content | {"discrepancies": found})
        return
    out.print(f"\n[bold]{study.name}[/bold]  {study.title}")
    for label in ("nct", "phase", "design", "conditions", "selection", "line", "start", "end", "outcome", "isolates"):
        if getattr(study, label):
            out.print(f"  {label}: {getattr(study, label)}", markup=False)
    shared = f"; shares patients with {', '.join(study.shares_patients_with)}" if study.shares_patients_with else ""
    out.print(f"  role: {study.role}   level of evidence: {study.level or 'not graded'}{shared}")
    for arm in study.arms:
        _arm(arm)
    if study.contrasts:
        out.print("\n  [bold]Contrasts[/bold]")
    for item in study.contrasts:
        chance = f", p {item.p}" if item.p else ""
        said = f"{item.experimental} against {item.control}, {CONTRAST[item.endpoint]}: {item.measure} {item.hr:g}"
        out.print(f"    {said}{_ends(item.low, item.high)}{chance}{_aside(item)}", markup=False)
    if study.claims:
        out.print("\n  [bold]What the review says, and what the primary source says of that[/bold]")
    for item in study.claims:
        out.print(f"    {item.id} {item.claim}: {', '.join(item.values)}  ({item.where})", markup=False)
        out.print(f"        primary source: {item.primary}", markup=False)
    if amiss:
        out.print("\n  [bold]Contradictions[/bold]")
    for item in amiss:
        _contradiction(item)
    out.print("\n  [bold]Sources[/bold]")
    for key, source in study.sources.items():
        place = source.doi or source.pmid or source.pmc or source.nct or source.url or ""
        out.print(f"    {key}: {source.title}  {place}".rstrip(), markup=False)
    out.print()


def _arm(arm: "ReportedArm") -> None:
    size = "number of patients not found" if arm.patients is None else f"{arm.patients} patients"
    out.print(f"\n  [bold]{arm.name}[/bold]  {arm.title}  ({size})")
    for item in arm.endpoints:
        ends = _ends(item.low, item.high)
        out.print(f"    {item.endpoint}: {item.value:g} {item.unit}{ends}{_aside(item)}", markup=False)
    for curve in arm.curves:
        points = ", ".join(f"{m} months {s:.3f}" for m, s in zip(curve.months, curve.survival, strict=True))
        out.print(f"    {curve.endpoint} curve: {points}{_aside(curve)}", markup=False)
    for item in arm.events:
        grade = f", grade {item.grade}" if item.grade else ""
        drug = ", from treatment" if item.related else ""
        out.print(f"    event: {item.event}{grade}{drug}: {item.value:g} {item.unit}{_aside(item)}", markup=False)
    for item in arm.findings:
        out.print(f"    {item.about}: {item.text}{_aside(item)}", markup=False)


def _ends(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return f" ({'open' if low is None else f'{low:g}'} to {'open' if high is None else f'{high:g}'})"


def _aside(place: "Place") -> str:
    said = [place.population, place.source, place.status, "" if place.compare else "not compared"]
    return "  [" + "; ".join(part for part in said if part) + "]"


def _audit(found: "tuple[Discrepancy, ...]", json: bool) -> None:
    if json:
        as_json([item.model_dump(mode="json") for item in found])
        return
    sure = sum(item.established for item in found)
    out.print(f"\n{len(found)} contradictions in the review: {sure} established, {len(found) - sure} suspected\n")
    for item in found:
        _contradiction(item)
        if item.studies:
            out.print(f"        studies: {', '.join(item.studies)}", markup=False)
    out.print()


def _contradiction(item: "Discrepancy") -> None:
    sure = "established" if item.established else "suspected"
    out.print(f"    {item.audit} {item.kind} ({item.severity}, {sure})", markup=False)
    out.print(f"        the review: {item.claim}  ({'; '.join(item.places)})", markup=False)
    out.print(f"        against it: {item.finding}  ({'; '.join(item.against)})", markup=False)
    out.print(f"        done here: {item.consequence}", markup=False)
