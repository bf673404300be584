"""`alarmin biomarkers`: which readings before treatment predict who gains from it."""

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
    from rich.table import Table

    from alarmin.decide import Biomarkers

HEADINGS = {"pfs": "Progression-free survival", "os": "Overall survival", "orr": "Response"}


def biomarkers(
    trial: Annotated[str, typer.Argument(help="Name of a trial that compares arms, such as halo202, or a trial file.")],
    patients: Annotated[int, typer.Option(help="Virtual patients in all, each of whom goes through both arms.")] = 320,
    populations: Annotated[int, typer.Option(help="Possible populations that they come from, in equal parts.")] = 8,
    reading: Annotated[
        list[str] | None, typer.Option(help="A reading, such as pdl1; all that are taken without it.")
    ] = None,
    experimental: Annotated[
        str | None, typer.Option(help="Experimental arm of the contrast; that of the first contrast without it.")
    ] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="New folder for tables, JSON, picture and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Find the baseline readings that predict benefit from a treatment, with a cut-off and what it is worth.

    Example:  alarmin biomarkers halo202 --out runs/biomarkers
    """
    with refusals():
        from alarmin import records, results
        from alarmin.decide import contrast_of
        from alarmin.decide.biomarkers import LEAST, measured

        planned = contrast_of(records.trial(trial), experimental)
        names = measured(reading or ())
        at_least(1, populations=populations)
        at_least(max(2 * LEAST, populations), patients=patients)
        at_least(0, seed=seed)
        if out is not None:
            results.ensure_new(out)
        keep_programs()
        from alarmin.decide import biomarkers as analyze
        from alarmin.scoring.keeping import bank_folder, kept_bank

        each = -(-patients // populations)
        with progress(quiet=json) as report:
            bank = kept_bank(planned, bank_folder(), members=populations, patients=each, seed=seed, progress=report)
        found = analyze(bank, readings=names if reading else (), seed=seed)
        if out is not None:
            _write(out, found, populations)
        if json:
            as_json(content(found))
        else:
            show(found, out)


def content(found: "Biomarkers") -> dict[str, Any]:
    """Plain data: what was asked, a row for each reading and endpoint, and a cut-off for each reading."""
    (pair,) = found.trial.contrasts
    return {
        "trial": found.trial.name,
        "experimental": pair.experimental,
        "control": pair.control,
        "population": found.population,
        "patients": found.patients,
        "seed": found.seed,
        "endpoint": found.endpoint,
        "until_months": found.until,
        "interactions": found.interactions.to_dict("records"),
        "cutoffs": found.cutoffs.to_dict("records"),
    }


def _write(target: Path, found: "Biomarkers", populations: int) -> None:
    from alarmin import plots, results
    from alarmin.results.banks import bank_provenance
    from alarmin.trials.run import by_tumor

    (pair,) = found.trial.contrasts
    made = bank_provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"trial": found.trial.name, "contrast": f"{pair.experimental} v {pair.control}"},
        seed=found.seed,
        patients=found.patients,
        tumors=by_tumor(found.trial),
        members=populations,
    )
    title = f"{found.trial.name}, {pair.experimental} v {pair.control}, {found.patients} virtual patients in both arms"
    figure = plots.biomarker_forest(found.interactions, HEADINGS, title=title)
    files: dict[str, str | bytes] = {f"forest.{kind}": plots.render(figure, kind) for kind in ("svg", "png")}
    files["biomarkers.json"] = text.dumps(plain(content(found)), indent=1, allow_nan=False)
    tables = {"interactions": found.interactions} | ({"cutoffs": found.cutoffs} if len(found.cutoffs) else {})
    results.write(target, made, tables=tables, files=files)


def show(found: "Biomarkers", written: Path | None) -> None:
    """Prediction and prognosis by each reading, then the cut-offs."""
    from alarmin.decide.biomarkers import POWER

    (pair,) = found.trial.contrasts
    console.print(f"\n[bold]{found.trial.title}[/bold]")
    console.print(
        f"{pair.experimental} v {pair.control}, {found.patients} patients in both arms; per SD of each reading",
        style="dim",
    )
    for code, rows in found.interactions.groupby("endpoint", sort=False):
        unit = "[% of patients]" if code == "orr" else f"[months of {found.until[str(code)]:.0f}]"
        console.print()
        console.print(
            _interactions(HEADINGS[str(code)], unit, rows.to_dict("records"), 100.0 if code == "orr" else 1.0)
        )
    console.print()
    if len(found.cutoffs):
        console.print(_cutoffs(found))
        console.print(
            f"Events for {100 * POWER:.0f} % power at the two-sided level {found.trial.alpha:g} (Schoenfeld), "
            "and patients to be screened; – where the experimental arm does no better",
            style="dim",
        )
    if written is not None:
        console.print(f"\nWritten to {written}", markup=False)
    console.print()
    notice()


def _interactions(title: str, unit: str, rows: list[dict[str, Any]], scale: float) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    table.add_column("Reading")
    for name in (f"Own gain {unit}", "q", "Trial: ratio of ratios", "p", "Prognosis: ratio"):
        table.add_column(escape(name), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            escape(row["title"]),
            interval(row, "own", 1, scale),
            number(row["q"], 3),
            interval(row, "seen", 2),
            number(row["seen_p"], 3),
            interval(row, "prognosis", 2),
        )
    return table


def _cutoffs(found: "Biomarkers") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    title = f"{HEADINGS[found.endpoint]}: cut-offs chosen in odd patients, told of even ones"
    table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    table.add_column("Reading")
    for name in ("Selected", "Share", "Gain selected [months]", "Gain rest", "HR selected", "HR all"):
        table.add_column(escape(name), justify="right")
    table.add_column("Events", justify="right")
    table.add_column("Screened", justify="right")
    for row in found.cutoffs.to_dict("records"):
        table.add_row(
            str(row["reading"]),
            f"{'≥' if row['side'] == 'high' else '<'} {row['cut']:.3g}",
            f"{number(row['share'], 0, 100.0)} %",
            interval(row, "gain_selected"),
            interval(row, "gain_rest"),
            interval(row, "hr_selected", 2),
            number(row["hr_all"], 2),
            f"{number(row['events_all'], 0)} → {number(row['events_selected'], 0)}",
            f"{number(row['trial_all'], 0)} → {number(row['screened'], 0)}",
        )
    return table
