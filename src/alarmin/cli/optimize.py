"""`alarmin optimize`: combinations, doses, starts and lengths that trade effect against toxicity best."""

import json as text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import (
    AsJson,
    Seed,
    as_json,
    at_least,
    interval,
    keep_programs,
    notice,
    number,
    plain,
    progress,
    refusals,
)
from alarmin.cli.face import out as console

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from alarmin.decide.optimize import Optimized
    from alarmin.explain import Explanation

HEADINGS = {
    "best": "The best no more toxic than usual care, or else the least toxic",
    "front": "Others that nothing beat",
    "standard": "Usual care",
    "alone": "One agent, as usual",
}
EXPLAINED = 8
"""Patients in whom mechanisms are told apart."""


def optimize(
    tumor: Annotated[str, typer.Argument(help="Tumor type, such as nsclc.")],
    agents: Annotated[str, typer.Option(help="Agents to choose from, such as docetaxel,nivolumab.")],
    objective: Annotated[str, typer.Option(help="tumor, response or control.")] = "tumor",
    most: Annotated[int, typer.Option(help="Agents in a regimen at most.")] = 2,
    standard: Annotated[
        str | None, typer.Option(help="Usual care, as a regimen; what most control arms give without it.")
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="Regimen that everybody is given besides, such as 'nivolumab 240 mg q2w'.")
    ] = "",
    schedule: Annotated[
        list[str] | None,
        typer.Option(help="A further way to give an agent, such as 'cyclophosphamide 30 mg/m2 bid'; can be repeated."),
    ] = None,
    trials: Annotated[int, typer.Option(help="Regimens that are tried, those of the study so far included.")] = 60,
    days: Annotated[int, typer.Option(help="Day of the outcome.")] = 84,
    patients: Annotated[int, typer.Option(help="Virtual patients; half of them choose, half report.")] = 32,
    populations: Annotated[int, typer.Option(help="Possible populations that they come from, in equal parts.")] = 4,
    method: Annotated[str, typer.Option(help="tpe or nsga2.")] = "tpe",
    storage: Annotated[
        Path | None, typer.Option(help="Database that keeps the study; the same command goes on after a stop.")
    ] = None,
    why: Annotated[
        bool, typer.Option(help="Also what held patients back, under the best regimen and under usual care.")
    ] = False,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="New folder for tables, JSON, picture and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Find regimens with the most effect for each toxicity, and report them in patients who did not choose them.

    Example:  alarmin optimize nsclc --agents docetaxel,atezolizumab,bevacizumab --storage study.db --out runs/front
    """
    with refusals(goes_on=storage is not None):
        from alarmin import records, results
        from alarmin.decide.optimize import optimize as search
        from alarmin.decide.question import ask

        question = ask(
            records.tumor(tumor).name,
            agents.split(","),
            objective=objective,
            most=most,
            standard_care=standard,
            backbone=backbone,
            schedules=schedule or (),
            days=days,
            patients=patients,
            populations=populations,
            method=method,
            seed=seed,
        )
        at_least(1, trials=trials)
        if out is not None:
            results.ensure_new(out)
        keep_programs()
        with progress(quiet=json) as report:
            found = search(question, trials, storage=storage, progress=report)
            reasons = _reasons(found, report) if why else {}
        tables = _tables(found)
        whole = content(found, tables, reasons)
        if out is not None:
            _write(out, found, tables, whole)
        if json:
            as_json(whole)
        else:
            show(found, tables, reasons, out)


def _reasons(found: "Optimized", report: Any) -> "dict[str, Explanation]":
    """What held patients back who did not choose, by kind of regimen."""
    from alarmin.explain import explain
    from alarmin.therapy.regimen import parse

    asked, cohort = found.question, found.reports.cohorts[0][:EXPLAINED]
    carried = (*asked.agents, *parse(asked.standard).agents, *parse(asked.backbone).agents)
    told = {}
    for kind, plan in (("best", str(asked.regimen(found.best))), ("standard", asked.standard)):
        tell = lambda done, total, kind=kind: report(f"explain {kind}", done, total)
        told[kind] = explain(cohort, plan, days=asked.days, agents=carried, progress=tell)
    return told


def _tables(found: "Optimized") -> "dict[str, pd.DataFrame]":
    from alarmin.decide.report import parts, who

    return {"regimens": found.table, "parts": parts(found), "who": who(found), "tried": found.tried}


def content(
    found: "Optimized", tables: "dict[str, pd.DataFrame]", reasons: "dict[str, Explanation] | None" = None
) -> dict[str, Any]:
    """Plain data: what was asked, a row for each regimen, part and reading, and what held patients back."""
    from alarmin.explain.summary import summary

    games = {
        kind: {"barriers": summary(one.barriers), "steps": summary(one.steps), "patients": len(one.cohort)}
        for kind, one in (reasons or {}).items()
    }
    return {
        **vars(found.question),
        "population": found.population,
        "trials": len(found.tried),
        "found_in": len(found.finds.member),
        "reported_in": len(found.reports.member),
        **{name: tables[name].to_dict("records") for name in ("regimens", "parts", "who")},
        **({"explained": games} if games else {}),
    }


def _write(target: Path, found: "Optimized", tables: "dict[str, pd.DataFrame]", whole: dict[str, Any]) -> None:
    from alarmin import plots, results
    from alarmin.decide.question import OBJECTIVES

    first = found.reports.cohorts[0]
    made = results.provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"tumor": found.question.tumor, "agents": ", ".join(found.question.agents)},
        seed=found.question.seed,
        patients=found.question.patients,
        records=first.records,
        population=found.population,
    )
    title = (
        f"{found.question.tumor}, day {found.question.days}: {len(found.reports.member)} patients who did not choose"
    )
    figure = plots.front(found.table, tried=found.tried, effect=OBJECTIVES[found.question.objective], title=title)
    files: dict[str, str | bytes] = {f"front.{kind}": plots.render(figure, kind) for kind in ("svg", "png")}
    files["optimize.json"] = text.dumps(plain(whole), indent=1, allow_nan=False)
    results.write(target, made, tables={name: one for name, one in tables.items() if len(one)}, files=files)


def show(
    found: "Optimized",
    tables: "dict[str, pd.DataFrame]",
    reasons: "dict[str, Explanation]",
    written: Path | None,
) -> None:
    """The regimens, then by which of their parts, for whom, and what still holds patients back."""
    from alarmin.decide.question import OBJECTIVES

    asked = found.question
    console.print(f"\n[bold]{asked.tumor}[/bold], day {asked.days}: {OBJECTIVES[asked.objective].lower()}")
    console.print(
        f"{len(found.tried)} regimens tried in {len(found.finds.member)} patients, reported in "
        f"{len(found.reports.member)} others; {asked.populations} possible populations",
        style="dim",
    )
    console.print()
    console.print(_regimens(tables["regimens"]))
    if len(tables["parts"]):
        console.print(_parts(tables["parts"]))
    if len(tables["who"]):
        console.print(_who(tables["who"]))
    if reasons:
        console.print(_explained(reasons))
    if written is not None:
        console.print(f"Written to {written}", markup=False)
    console.print()
    notice()


def _table(title: str, first: str, *columns: str) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    table.add_column(first, overflow="fold", min_width=34)
    for name in columns:
        table.add_column(escape(name), justify="right")
    return table


def _regimens(rows: "pd.DataFrame") -> "Table":
    columns = ("Effect", "Beyond usual care", "Sure [%]", "Gains [%]", "Grade 3+ [%]")
    table = _table("", "Regimen", *columns)
    for kind, heading in HEADINGS.items():
        chosen = rows.loc[rows["kind"] == kind].to_dict("records")
        if chosen:
            table.add_row(f"[bold]{heading}[/bold]")
        for row in chosen:
            table.add_row(
                str(row["regimen"]),
                interval(row, "effect", 2),
                "" if kind == "standard" else interval(row, "gain", 2),
                "" if kind == "standard" else number(row["better"], 0, 100.0),
                "" if kind == "standard" else number(row["benefits"], 0, 100.0),
                interval(row, "toxicity", 0, 100.0),
            )
    table.add_row("")
    table.caption, table.caption_justify = (
        "95 % intervals over populations and patients. Sure: resamples with a gain beyond usual care; Gains: patients "
        "who themselves do better than under it; Grade 3+: patients with such an event",
        "left",
    )
    return table


def _parts(rows: "pd.DataFrame") -> "Table":
    table = _table("What each part of the best adds", "Part", "Effect", "Grade 3+ [%]")
    for row in rows.to_dict("records"):
        table.add_row(str(row["part"]), interval(row, "effect", 2), interval(row, "toxicity", 0, 100.0))
    table.add_row("")
    return table


def _who(rows: "pd.DataFrame") -> "Table":
    title = "Who gains beyond usual care: rank correlation, and cut-offs of those who chose, told of the others"
    table = _table(title, "Reading", "Chose", "Report", "Selected", "Gain selected", "Gain rest")
    for row in rows.to_dict("records"):
        known = row.get("side") in ("high", "low")
        table.add_row(
            str(row["reading"]),
            number(row["found"], 2),
            number(row["reported"], 2),
            f"{'≥' if row['side'] == 'high' else '<'} {row['cut']:.3g}" if known else "–",
            interval(row, "gain_selected", 2) if known else "–",
            interval(row, "gain_rest", 2) if known else "–",
        )
    table.add_row("")
    return table


def _explained(reasons: "dict[str, Explanation]") -> "Table":
    from alarmin.explain.summary import summary

    patients = len(reasons["best"].cohort)
    title = f"What still held {patients} patients back: gain if it were lifted (95 % of patients)"
    table = _table(title, "", "Under the best", "Under usual care")
    for game in ("barriers", "steps"):
        best, usual = (summary(getattr(reasons[kind], game)) for kind in ("best", "standard"))
        for mine, other in zip(best, usual, strict=True):
            table.add_row(mine["title"], interval(mine, "value", 2), interval(other, "value", 2))
    table.add_row("")
    return table
