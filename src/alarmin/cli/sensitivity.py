"""`alarmin sensitivity`: which numbers the outcomes hang on."""

import json as text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alarmin.cli.face import AsJson, Seed, as_json, at_least, interval, keep_programs, notice, progress, refusals
from alarmin.cli.face import out as console

if TYPE_CHECKING:
    from pandas import DataFrame

    from alarmin.sensitivity import Sensitivity

NAMES = {
    "prcc": "partial rank correlation",
    "morris": "mean elementary effect, in the unit of the outcome",
    "sobol": "total Sobol index",
}


def sensitivity(
    tumor: Annotated[str, typer.Argument(help="Tumor type, such as nsclc.")],
    regimen: Annotated[str, typer.Argument(help='What is given, such as "atezolizumab 1200 mg q3w".')],
    samples: Annotated[int, typer.Option(help="Sets of values that are tried.")] = 4096,
    method: Annotated[str, typer.Option(help="prcc, morris or sobol.")] = "prcc",
    days: Annotated[int, typer.Option(help="Day of the outcomes of treatment.")] = 84,
    top: Annotated[int, typer.Option(help="Parameters that are shown of each outcome, and that sobol takes on.")] = 15,
    only: Annotated[list[str] | None, typer.Option(help="Vary only what this matches, such as oxygen_*.")] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="New folder for table, JSON, picture and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Find the numbers that decide the outcomes of a regimen, within what is believed of each.

    Example:  alarmin sensitivity nsclc "docetaxel 75 mg/m2 q3w" --samples 4096 --out runs/sensitivity
    """
    with refusals():
        from alarmin import records, results
        from alarmin.therapy.regimen import parse

        kind, plan = records.tumor(tumor), parse(regimen)
        at_least(1, samples=samples, days=days, top=top)
        at_least(0, seed=seed)
        if out is not None:
            results.ensure_new(out)
        keep_programs()
        from alarmin.sensitivity import sensitivity as analyze

        with progress(quiet=json) as report:
            found = analyze(
                kind.name,
                plan,
                samples=samples,
                method=method,
                days=days,
                top=top,
                only=tuple(only or ()),
                seed=seed,
                progress=report,
            )
        if out is not None:
            _write(out, found, top, seed)
        if json:
            as_json(content(found, top))
        else:
            show(found, top, out)


def content(found: "Sensitivity", top: int) -> dict[str, object]:
    """Plain data: what was asked, the first rows over all outcomes, and those of each outcome."""
    from alarmin.sensitivity import overall

    asked = {
        name: getattr(found, name)
        for name in ("tumor", "regimen", "days", "method", "samples", "plausible", "population")
    }
    return {
        **asked,
        "overall": overall(found.table).head(top).to_dict("records"),
        "rows": found.top(top).to_dict("records"),
    }


def _write(target: Path, found: "Sensitivity", top: int, seed: int) -> None:
    from alarmin import plots, results
    from alarmin.cli.face import plain
    from alarmin.sensitivity import OUTCOMES

    made = results.provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"tumor": found.tumor, "regimen": found.regimen},
        seed=seed,
        patients=found.plausible,
        records=found.records,
        population=found.population,
    )
    title = f"{found.tumor}, {found.regimen or 'untreated'}, day {found.days}"
    figure = plots.tornado(found.table, OUTCOMES, top=top, index=NAMES[found.method], title=title)
    pictures = {f"tornado.{kind}": plots.render(figure, kind) for kind in ("svg", "png")}
    whole = text.dumps(plain(content(found, len(found.table))), indent=1, allow_nan=False)
    results.write(target, made, tables={"sensitivity": found.table}, files={"sensitivity.json": whole, **pictures})


def show(found: "Sensitivity", top: int, written: Path | None) -> None:
    """The strongest over all outcomes, then those of each outcome."""
    from alarmin.sensitivity import OUTCOMES, overall

    console.print(
        f"\n[bold]{found.tumor}[/bold], {found.regimen or 'untreated'}, day {found.days}: {NAMES[found.method]}"
    )
    console.print(f"{found.samples} samples, {found.plausible} of them plausible patients", style="dim")
    _print("Over all outcomes, each relative to its largest", overall(found.table).head(top), "outcome")
    for outcome, rows in found.top(top).groupby("outcome", sort=False):
        _print(OUTCOMES[str(outcome)], rows)
    if written is not None:
        console.print(f"\nWritten to {written}", markup=False)
    console.print()
    notice()


def _print(title: str, rows: "DataFrame", *more: str) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
    for name in ("", "Record", "What", "Grade", "Status", *(column.capitalize() for column in more)):
        table.add_column(name, justify="left" if name else "right", overflow="fold")
    table.add_column("Index (95 %)", justify="right", no_wrap=True)
    table.add_column("")
    for row in rows.to_dict("records"):
        of = {"index": row["index"], "index_low": row["low"], "index_high": row["high"]}
        cells = [row[name] for name in ("record", "title", "grade", "status", *more)]
        arrow = {1.0: "↑", -1.0: "↓"}.get(row["direction"], "")
        table.add_row(str(row["rank"]), *cells, interval(of, "index", 2), arrow)
    console.print()
    console.print(table)
