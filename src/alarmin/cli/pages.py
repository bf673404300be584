"""`alarmin pages`: one Markdown page for each agent, tumor type, trial and statement, from the data in force.

The documentation site is built from these functions, so that what exists has a page and says what the data say.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import out, refusals

if TYPE_CHECKING:
    from alarmin.published import Study
    from alarmin.records import Agent, Record, Trial, Tumor
    from alarmin.review.statements import Statement
    from alarmin.review.verdicts import Verdict

UP = {"first": "first line", "second": "second or later line"}


def pages(
    folder: Annotated[Path, typer.Argument(help="New folder for the pages.")],
    verdicts: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What alarmin review --out FILE.csv found.")
    ] = None,
) -> None:
    """Write one Markdown page for each agent, tumor type, trial, statement and source.

    Example:  alarmin pages reference-pages
    """
    with refusals():
        from alarmin import results
        from alarmin.review.verdicts import read

        written = reference({} if verdicts is None else read(verdicts))
        results.write_files(folder, written)
        out.print(f"{len(written)} pages written to {folder}", markup=False)


def reference(verdicts: "Mapping[str, Verdict]") -> dict[str, str]:
    """All pages by relative path, such as `agents/docetaxel.md`; each kind has an `index.md`.

    Args:
        verdicts: what a run of the review found, by statement; the pages of others say that they were not run.
    """
    from alarmin import published, records
    from alarmin.review.statements import statements

    found = {"sources.md": sources_page()}
    kinds: dict[str, tuple[str, Mapping[str, Any], Callable[[Any], str]]] = {
        "agents": ("Agents", records.agents(), agent_page),
        "tumors": ("Tumor types", records.tumors(), tumor_page),
        "trials": ("Trials", records.trials(), trial_page),
    }
    for kind, (title, entries, page) in kinds.items():
        for name, entry in entries.items():
            found[f"{kind}/{name}.md"] = page(entry)
        listed = [f"- [{entry.title}]({name}.md)" for name, entry in entries.items()]
        found[f"{kind}/index.md"] = "\n".join([f"# {title}", "", f"{len(entries)} in all.", "", *listed, ""])
    only = {name: study for name, study in published.studies().items() if name not in records.trials()}
    for name, study in only.items():
        found[f"trials/{name}.md"] = study_page(study)
    if only:
        listed = [f"- [{study.title}]({name}.md)" for name, study in only.items()]
        found["trials/index.md"] += "\n".join(["\n## Studies that are not run", "", *listed, ""])
    for statement in statements():
        found[f"statements/{statement.id}.md"] = statement_page(statement, verdicts.get(statement.id))
    found["statements/index.md"] = statement_list(verdicts)
    return found


def agent_page(agent: "Agent") -> str:
    """An agent: how it is given, what it does, every number with its source, and the trials that give it."""
    from alarmin import records
    from alarmin.therapy.regimen import parse

    known = agent.records()
    given = [t for t in records.trials().values() if any(agent.name in parse(a.regimen).agents for a in t.arms)]
    lines = [
        f"# {agent.title}",
        "",
        f"{agent.kind.capitalize()}, given by the route: {agent.route}. In regimens: `{agent.name}`"
        + (f", or {', '.join(f'`{word}`' for word in agent.synonyms)}" if agent.synonyms else "")
        + ".",
        "",
        *_facts(
            ("Targets", ", ".join(agent.targets)),
            ("Standard dose", f"{agent.dosing.value:g} {_unit(agent.dosing.unit)}"),
            ("Pharmacokinetics", agent.pharmacokinetics.model),
            ("Does", ", ".join(f"[{a.mode.replace('_', ' ')}](../mechanisms/{a.mode}.md)" for a in agent.actions)),
            ("Given in", ", ".join(f"[{trial.name}](../trials/{trial.name}.md)" for trial in given)),
        ),
        "",
        "## Numbers",
        "",
        *_records({id.removeprefix(f"{agent.name}."): record for id, record in known.items()}),
        "",
        f"`alarmin evidence {next(iter(known))}` shows one of them with its place in the source and its note.",
    ]
    return _text(lines)


def tumor_page(tumor: "Tumor") -> str:
    """A tumor type: what sets it apart, the population in force, and what real tumors of the type hold."""
    from alarmin import records

    fit = records.population(tumor.name)
    trials = [name for name, t in records.trials().items() if tumor.name in (t.tumor, *(arm.tumor for arm in t.arms))]
    lines = [
        f"# {tumor.title}",
        "",
        f"On the command line: `{tumor.name}`"
        + (f", or {', '.join(f'`{word}`' for word in tumor.synonyms)}" if tumor.synonyms else "")
        + ".",
        "",
        *_facts(
            ("Builds on", f"[{tumor.base}]({tumor.base}.md)" if tumor.base else ""),
            ("Population in force", _population(fit)),
            ("Trials", ", ".join(f"[{name}](../trials/{name}.md)" for name in trials)),
        ),
        "",
        "```sh",
        f'alarmin simulate {tumor.name} "none" --days 84   # one untreated patient',
        f"alarmin tumors {tumor.name}                      # many, beside what was measured",
        "```",
        "",
        "## Numbers of its own",
        "",
        *_records(tumor.parameters),
    ]
    if fit is not None and fit.name == tumor.name:
        lines += ["", "## Fitted", "", *_records(fit.records)]
    if tumor.correlations:
        lines += ["", "## Correlations between patients", "", "| between | rho | source |", "|---|---|---|"]
        lines += [f"| {', '.join(c.between)} | {c.rho:g} | {_source(c.source)} |" for c in tumor.correlations]
    if tumor.composition is not None:
        made = tumor.composition
        lines += [
            "",
            "## What real tumors hold",
            "",
            f"{made.tumors} tumors, {_source(made.source)}: {made.where}.",
            "",
        ]
        lines += ["| | median | coefficient of variation |", "|---|---|---|"]
        lines += [f"| {name} | {value:.3g} | {made.cv[name]:.3g} |" for name, value in made.median.items()]
    return _text(lines)


def trial_page(trial: "Trial") -> str:
    """A trial: whom it takes, what it gives, when it looks, and what was reported."""
    from alarmin import published, records

    study = published.studies().get(trial.name)
    lines = [
        f"# {trial.title}",
        "",
        *_facts(
            ("Registered as", trial.nct or ""),
            ("Phase", trial.phase),
            ("Disease", f"[{records.tumor(trial.tumor).title}](../tumors/{trial.tumor}.md), {UP[trial.line]}"),
            ("Takes", trial.selection),
            ("Enrolled in East Asia", f"{100 * trial.east_asia:g} %" if trial.east_asia else ""),
            ("Lasts", f"{trial.months:g} months, {trial.accrual_months:g} of which it enrolls"),
            ("Scans", "; ".join(_visits(visit.every, visit.until) for visit in trial.scans)),
            ("Primary endpoints", ", ".join(name.upper() for name in trial.primary)),
            ("Design from", f"{_source(trial.source)}, {trial.where} ({trial.status})"),
            ("Note", trial.note),
        ),
        "",
        "| arm | patients | is given |",
        "|---|---|---|",
        *(f"| {arm.name} | {arm.patients} | {_cell(arm.regimen) or 'nothing'} |" for arm in trial.arms),
        "",
        "```sh",
        f"alarmin trial {trial.name} --patients 200 --out runs/{trial.name}",
        f"alarmin evidence {trial.name}",
        "```",
    ]
    return _text(lines + (_reported(study) if study is not None else []))


def study_page(study: "Study") -> str:
    """A published study without a trial file of its own."""
    return _text([f"# {study.title}", "", f"`alarmin evidence {study.name}`", *_reported(study)])


def statement_page(statement: "Statement", verdict: "Verdict | None") -> str:
    """A statement of the review: what it says, the experiment that it becomes, and what came of it."""
    from alarmin.review.statements import LISTED, experiment, vocabulary

    lines = [
        f"# {statement.id}: {statement.subject} {statement.predicate} {statement.object}",
        "",
        *_facts(
            ("Section of the review", statement.section),
            ("Place", f"line {statement.line}, sentence {statement.sentence}: “{statement.anchor} …”"),
            ("Kind", f"{statement.kind}, {statement.modality}"),
            ("What the sources cited for it say", statement.sources),
        ),
        "",
        "## As an experiment",
        "",
    ]
    if statement.kind in LISTED:
        lines.append("It is listed and not run: an idea, or the result of a trial.")
    elif statement.not_modelled:
        lines.append(f"Not modelled: {statement.not_modelled}.")
    else:
        made = experiment(statement, vocabulary())
        scale = ", ".join(f"`{record}` × {factor:g}" for record, factor in made.intervention.scale.items())
        lines += _facts(
            ("Done", made.intervention.title),
            ("By records", scale),
            ("Both are given", made.given),
            ("The intervened run is given", made.treated if made.treated != made.given else ""),
            ("Read", f"{made.readout.title}: {' + '.join(made.readout.quantity)}, {made.readout.take}"),
            ("Expected", "more" if made.direction > 0 else "less"),
            ("Tumor", f"[{made.tumor}](../tumors/{made.tumor}.md)"),
        )
        lines += [
            "",
            "```sh",
            f"alarmin review --section {shlex.quote(statement.section)}   # runs it, with its section",
            "```",
        ]
        lines += ["", "## Verdict", "", _came_out(verdict)]
    # The reason was written for a verdict that was seen; it does not stand beside one that reads otherwise.
    if statement.explanation and (verdict is None or verdict.verdict != "reproduced"):
        lines += ["", "## Why it is not reproduced", "", statement.explanation]
    return _text(lines)


def _came_out(verdict: "Verdict | None") -> str:
    """The verdict of the last run in a paragraph, with the size of the effect and what was run."""
    if verdict is None:
        return "Not run for these pages."
    if verdict.ratio is None:
        return f"**{verdict.verdict.capitalize()}**."
    size = f"{verdict.ratio:.3g} times what it is without ({verdict.low:.3g} to {verdict.high:.3g})"
    run = f"{verdict.patients} patients, {verdict.days} days, seed {verdict.seed}, Alarmin {verdict.version}"
    return (
        f"**{verdict.verdict.capitalize()}**: what is read is {size}, in the median patient; the interval holds the"
        f" median in 95 % of samples. Last run: {run}. [What verdicts mean](../review.md)."
    )


def statement_list(verdicts: "Mapping[str, Verdict]") -> str:
    """All statements, section by section, with what came out where they were run."""
    from alarmin.review.statements import sections, statements

    known = statements()
    said = lambda one: f" · {verdicts[one.id].verdict}" if one.id in verdicts else ""
    lines = [
        "# Statements",
        "",
        f"{len(known)} statements of a review of immunogenic cell death. `alarmin review` runs them.",
        "",
    ]
    for section in sections(known):
        lines += ["", f"## Section {section}", ""]
        lines += [
            f"- [{one.id}]({one.id}.md): {one.subject} {one.predicate} {one.object}{said(one)}"
            for one in known
            if one.section == section
        ]
    return _text(lines)


def sources_page() -> str:
    """Every source of a record, with where it is found."""
    from alarmin import records
    from alarmin.results.citation import OWN, place

    known = {key: source for key, source in records.sources().items() if key not in OWN}
    lines = [
        "# Sources",
        "",
        f"The {len(known)} sources of the records. `alarmin evidence KEY` lists what each gave.",
        "",
    ]
    for key, source in sorted(known.items()):
        where = f" {_linked(source.doi, place(source))}" if place(source) else ""
        lines += [f'<a id="{key}"></a>', f"**{key}**: {_cell(source.title)}.{where}", ""]
    return _text(lines)


def _records(found: "Mapping[str, Record]") -> list[str]:
    if not found:
        return ["None: it has what its base and all tumor types have."]
    rows = ["| record | value | | grade | status | source |", "|---|---|---|---|---|---|"]
    for id, record in found.items():
        value = f"{record.value:.4g} {_unit(record.unit)}"
        row = (f"`{id}`", value, _cell(record.title), record.grade, record.status, _source(record.source))
        rows.append("| " + " | ".join(row) + " |")
    return rows


def _reported(study: "Study") -> list[str]:
    """What was reported, as `alarmin evidence` has it: endpoints of arms, then hazard ratios."""
    role = {"training": "populations are fitted to it", "scoring": "predictions are scored on it"}[study.role]
    lines = ["", "## As published", "", f"Role: {role}. {study.outcome}".rstrip(), ""]
    rows = [
        (arm.name, item.endpoint, _number(item.value, item.low, item.high), item.unit, item)
        for arm in study.arms
        for item in arm.endpoints
    ]
    rows += [
        (f"{c.experimental} v {c.control}", f"{c.measure}, {c.endpoint}", _number(c.hr, c.low, c.high), "", c)
        for c in study.contrasts
    ]
    if rows:
        lines += ["| of | endpoint | value (95 % CI) | unit | status | where |", "|---|---|---|---|---|---|"]
    for of, endpoint, value, unit, place in rows:
        where = f"{place.source}, {_cell(place.where)}" + ("" if place.compare else " (not compared)")
        lines.append(f"| {of} | {endpoint} | {value} | {unit} | {place.status} | {where} |")
    lines += ["", "Sources:", ""]
    for key, source in study.sources.items():
        from alarmin.results.citation import place as found_at

        lines.append(f"- {key}: {_cell(source.title)}. {_linked(source.doi, found_at(source))}".rstrip())
    return lines


def _population(fit: Any) -> str:
    if fit is None:
        return "none: priors alone"
    if fit.name.endswith("as far as shared"):
        return f"what it shares with [{fit.borrowed_from}]({fit.borrowed_from}.md)"
    from alarmin.records.schema import UNTREATED

    seen = [item for item in fit.training if item.startswith(f"{UNTREATED}.{fit.tumor}.")]
    before = " and to what was measured in untreated tumors" if seen else ""
    on = f", on top of [{fit.borrowed_from}]({fit.borrowed_from}.md)" if fit.borrowed_from else ""
    return f"{fit.name}{on}, fitted to {', '.join(f'[{name}](../trials/{name}.md)' for name in fit.trials)}{before}"


def _visits(every: int, until: int | None) -> str:
    return f"every {every} days" + (f" until day {until}" if until is not None else "")


def _number(value: float, low: float | None, high: float | None) -> str:
    ends = ("open" if end is None else f"{end:g}" for end in (low, high))
    return f"{value:g}" if low is None and high is None else f"{value:g} ({' to '.join(ends)})"


def _facts(*facts: tuple[str, str]) -> list[str]:
    return [f"- **{name}**: {said}" for name, said in facts if said]


def _source(key: str) -> str:
    from alarmin.results.citation import OWN

    return key if key in OWN else f"[{key}](../sources.md#{key})"


def _linked(doi: str | None, place: str) -> str:
    return (
        place.replace(f"doi:{doi}", f"[doi:{doi}](https://doi.org/{doi})")
        if doi
        else re.sub(r"(https?://\S+)", r"<\1>", place)
    )


def _unit(unit: str) -> str:
    """A unit in print: Markdown would take `**` for bold type."""
    return unit.replace("**2", "²").replace("**3", "³").replace("*", "·").replace("dimensionless", "")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"
