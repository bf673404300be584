"""`alarmin tumors`: what untreated tumors look like in the model, beside what was measured in patients."""

import json as text
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import AsJson, Seed, as_json, at_least, keep_programs, notice, number, plain, progress, refusals
from alarmin.cli.face import out as console

if TYPE_CHECKING:
    from pandas import DataFrame

    from alarmin.patients import Cohort

Row = Mapping[Any, Any]
DIGITS = {"mmHg": 1, "day": 0, "mg/mL": 2, "Mcell/mL": 1, "1/Mb": 1}
CELL_DIGITS = 2


def tumors(
    types: Annotated[list[str] | None, typer.Argument(metavar="[TYPE]...", help="Tumor types; all without it.")] = None,
    patients: Annotated[int, typer.Option(help="Patients of each type.")] = 60,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="New folder for tables, picture and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Show what untreated tumors of each type look like in the model, beside what is published.

    Example:  alarmin tumors nsclc pdac --patients 60 --out runs/tumors
    """
    with refusals():
        from alarmin import records, results

        chosen = list(dict.fromkeys(records.tumor(name).name for name in types or records.tumors()))
        at_least(1, patients=patients)
        at_least(0, seed=seed)
        if out is not None:
            results.ensure_new(out)
        keep_programs()
        import pandas as pd

        from alarmin.enrollment import enroll
        from alarmin.readouts.phenotype import untreated_tumors
        from alarmin.scoring import beside

        cohorts: dict[str, Cohort] = {}
        people, rows = [], []
        with progress(quiet=json) as report:
            for name in chosen:
                follow = lambda done, total, name=name: report(name, done, total)
                cohorts[name] = enroll(name, patients, seed, progress=follow)
                found = untreated_tumors(cohorts[name])
                people.append(found.assign(tumor=name))
                fitted = records.population(name, None)
                rows.append(beside(found, name, fitted.training if fitted else ()))
        table, each = pd.concat(rows, ignore_index=True), pd.concat(people, ignore_index=True)
        if out is not None:
            _write(out, cohorts, table, each, seed)
        if json:
            as_json(content(table, patients, seed))
        else:
            show(table, patients, out)


def content(table: "DataFrame", patients: int, seed: int) -> dict[str, object]:
    """Plain data: what was asked, and a row for each quantity of each type."""
    return {"patients": patients, "seed": seed, "rows": table.to_dict("records")}


def _write(target: Path, cohorts: "dict[str, Cohort]", table: "DataFrame", each: "DataFrame", seed: int) -> None:
    from alarmin import plots, records, results

    patients = len(next(iter(cohorts.values())))
    made = results.provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"tumors": ", ".join(cohorts)},
        seed=seed,
        patients=patients,
        records=results.records_by_tumor({name: cohort.records for name, cohort in cohorts.items()}),
        population=", ".join(dict.fromkeys(cohort.population for cohort in cohorts.values())),
    )
    titles = {name: records.tumor(name).title for name in cohorts}
    figure = plots.phenotypes(table, titles, title=f"Untreated tumors by immune phenotype, {patients} patients a type")
    files: dict[str, str | bytes] = {f"phenotypes.{kind}": plots.render(figure, kind) for kind in ("svg", "png")}
    files["tumors.json"] = text.dumps(plain(content(table, patients, seed)), indent=1, allow_nan=False)
    files["tumors.md"] = markdown(table)
    results.write(target, made, tables={"tumors": table, "patients": each}, files=files)


def show(table: "DataFrame", patients: int, written: Path | None) -> None:
    """The phenotypes of all types, then a table for each type."""
    from rich.table import Table

    console.print(f"\n[bold]Untreated tumors[/bold], {patients} patients of each type, first lesion of each\n")
    shares = Table(box=None, header_style="bold", pad_edge=False, title="Share of tumors [%]", title_justify="left")
    for name in ("Type", "Inflamed", "published", "Excluded", "published", "Desert", "published"):
        shares.add_column(name, justify="left" if name == "Type" else "right")
    for tumor, rows in table.groupby("tumor", sort=False):
        shares.add_row(str(tumor), *_shares(rows.to_dict("records")))
    console.print(shares)
    for tumor, rows in table.groupby("tumor", sort=False):
        one = Table(box=None, header_style="bold", pad_edge=False, title=f"\n{tumor}", title_justify="left")
        for name in ("", "Unit", "Model", "10–90 %", "Published", "Range", "n", "Status", "Source"):
            one.add_column(name, justify="left" if name in ("", "Unit", "Status", "Source") else "right", no_wrap=True)
        for row in rows.to_dict("records"):
            one.add_row(*_cells(row))
        console.print(one)
    console.print(
        "\n[dim]Of a phenotype, the interval is that of 95 % of its share. Places in the sources: --json[/dim]"
    )
    if written is not None:
        console.print(f"\nWritten to {written}", markup=False)
    console.print()
    notice()


def _shares(rows: Sequence[Row]) -> list[str]:
    from alarmin.readouts.phenotype import PHENOTYPES

    known = {row["quantity"]: row for row in rows}
    return [number(known[name][of], 0, 100) for name in PHENOTYPES for of in ("model", "published")]


def _value(row: Row, name: str) -> str:
    """A number of a row in the unit in which it is shown; shares in percent."""
    if row["unit"] == "dimensionless" and row["quantity"] != "m1_to_m2":
        return number(row[name], 1 if row["quantity"].startswith("share_") else 0, 100)
    return number(row[name], DIGITS.get(row["unit"], CELL_DIGITS))


def _range(row: Row, low: str, high: str) -> str:
    return "" if row[low] != row[low] else f"{_value(row, low)}–{_value(row, high)}"


def _cells(row: Row) -> list[str]:
    percent = row["unit"] == "dimensionless" and row["quantity"] != "m1_to_m2"
    unit = "%" if percent else "" if row["unit"] == "dimensionless" else row["unit"]
    n = "" if row["n"] != row["n"] else f"{row['n']:.0f}"
    model, published = _value(row, "model"), _value(row, "published")
    ranges = _range(row, "low", "high"), _range(row, "published_low", "published_high")
    return [
        row["title"],
        unit,
        model,
        ranges[0],
        published,
        ranges[1],
        n,
        "fitted" if row["fitted"] else row["status"],
        row["source"].partition(":")[0],
    ]


def markdown(table: "DataFrame") -> str:
    """The table of all types as Markdown: model / published, with the 10 to 90 % of patients; * what a fit has seen."""
    tissue = ("cd8_core", "cd8_margin", "treg", "m1_to_m2", "oxygen", "hypoxic", "collagen", "hyaluronan", "perfused")
    cells = ("leukocytes", "cd8", "cd4", "treg", "nk", "dc", "m1", "m2", "mdsc")
    parts = [
        _markdown(table, ("inflamed", "excluded", "desert"), spread=False),
        _markdown(table, (*tissue, "doubling_time"), spread=True),
        _markdown(table, (*(f"share_{name}" for name in cells), "mutations"), spread=False),
    ]
    return "\n\n".join(parts) + "\n"


def _markdown(table: "DataFrame", quantities: tuple[str, ...], spread: bool) -> str:
    every = {str(tumor): rows.to_dict("records") for tumor, rows in table.groupby("tumor", sort=False)}
    known = {tumor: {row["quantity"]: row for row in rows} for tumor, rows in every.items()}
    heads = []
    for name in quantities:
        title, unit, *_ = _cells(next(iter(known.values()))[name])
        heads.append(f"{title} [{unit}]" if unit else title)
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for tumor, rows in known.items():
        cells = []
        for row in (rows[name] for name in quantities):
            shown = _value(row, "model") + (f" [{_range(row, 'low', 'high')}]" if spread else "")
            known = f" / {_value(row, 'published')}" + ("*" if row["fitted"] else "")
            cells.append(shown + (known if row["published"] == row["published"] else ""))
        lines.append(f"| {tumor} | {' | '.join(cells)} |")
    return "\n".join(lines)
