"""`alarmin fit`: a patient's own scans, and what comes next."""

import json as text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import AsJson, Seed, as_json, at_least, keep_programs, notice, number, plain, progress, refusals
from alarmin.cli.face import out as console

if TYPE_CHECKING:
    from alarmin.forecast.patient import Forecast

SHOWN = 5
CYCLE = 21


def fit(
    lesions: Annotated[
        Path, typer.Argument(help="CSV with patient, lesion, day, diameter_mm; days count from the first dose.")
    ],
    regimen: Annotated[str, typer.Option(help='What is given, such as "atezolizumab 1200 mg q3w".')],
    tumor: Annotated[str, typer.Option(help="Tumor type.")] = "nsclc",
    what_if: Annotated[
        list[str] | None,
        typer.Option(help='What would be given from the last scan on, such as "none" to stop; may be repeated.'),
    ] = None,
    every: Annotated[int, typer.Option(help="Days between the scans that are foretold.")] = 42,
    scans: Annotated[int, typer.Option(help="How many scans are foretold.")] = 8,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="New folder for tables, JSON and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Fit patients' own scans: forecast each lesion and the sum, with intervals; what the scans speak about.

    Example:  alarmin fit lesions.csv --regimen "atezolizumab 1200 mg q3w" --what-if none
    """
    with refusals():
        from alarmin import records, results
        from alarmin.forecast.lesions import read
        from alarmin.forecast.what_if import grounds, switched
        from alarmin.patients.possible import possible_populations
        from alarmin.therapy.regimen import parse

        given, kind = parse(regimen), records.tumor(tumor)
        at_least(1, every=every, scans=scans)
        at_least(0, seed=seed)
        if out is not None:
            results.ensure_new(out)
        known = read(lesions)
        population, _ = possible_populations(kind.name, 1)
        training = population.training if population else ()
        said = {"continue": grounds(kind.name, given, training)}
        said |= {asked: grounds(kind.name, parse(asked), training) for asked in what_if or ()}
        keep_programs()
        from alarmin.forecast.bank import kept_bank
        from alarmin.forecast.patient import forecast
        from alarmin.scoring.keeping import bank_folder

        cache = bank_folder()
        people = list(known.patients())
        found: list[tuple[str, Forecast]] = []
        with progress(quiet=json) as report:
            bank = kept_bank(kind.name, given, cache, progress=report)
            # Who has no reading that says anything has no last scan from which another treatment could begin.
            followed = []
            for row, (_, rows) in enumerate(people):
                seen = forecast(rows, bank, every=every, scans=scans, seed=seed)
                if seen:
                    found.append(("continue", seen))
                    followed.append(rows)
                report("patients", row + 1, len(people))
            for asked in what_if or ():
                for rows in followed:
                    # To the next cycle, so that patients share banks.
                    last = rows.loc[rows["status"] != "not evaluable", "day"].max()
                    day = max(-(-int(max(last, 0.0)) // CYCLE) * CYCLE, 0)
                    other = kept_bank(kind.name, switched(given, parse(asked), day), cache, progress=report)
                    seen = forecast(rows, other, every=every, scans=scans, seed=seed)
                    found += [(asked, seen)] if seen else []
        content = {
            "tumor": kind.name,
            "regimen": str(given),
            "population": bank.population,
            "notes": list(known.notes),
            "grounds": said,
            "forecasts": [{"if": asked, **_plain(one)} for asked, one in found],
        }
        if out is not None:
            _write(out, content, found, kind.name, seed)
        if json:
            as_json(content)
        else:
            _show(known.notes, said, found, out)


def _plain(one: "Forecast") -> dict[str, Any]:
    middle, low, high = one.progression_day
    return {
        "patient": one.patient,
        "regimen": one.regimen,
        "response": one.response,
        "progression": one.progression,
        "progression_day": {"median": middle, "low": low, "high": high},
        "alike": one.alike,
        "lesions": one.lesions.to_dict("records"),
        "speaks": one.speaks.to_dict("records"),
    }


def _write(target: Path, content: dict[str, Any], found: "list[tuple[str, Forecast]]", tumor: str, seed: int) -> None:
    import pandas as pd

    from alarmin import results
    from alarmin.forecast.bank import MEMBERS, SPARE
    from alarmin.results.banks import bank_provenance

    made = bank_provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"tumor": tumor, "regimen": content["regimen"]},
        seed=seed,
        patients=len(found),
        tumors=[tumor],
        members=MEMBERS,
        among=SPARE * MEMBERS,
    )
    label = lambda table, asked, one: table.assign(patient=one.patient, what_if=asked)
    tables = {
        "lesions": pd.concat([label(one.lesions, asked, one) for asked, one in found]),
        "parameters": pd.concat([label(one.speaks, asked, one) for asked, one in found]),
    } if found else {}  # fmt: skip
    results.write(
        target, made, tables=tables, files={"fit.json": text.dumps(plain(content), indent=1, allow_nan=False)}
    )


def _show(
    notes: tuple[str, ...], said: dict[str, str], found: "list[tuple[str, Forecast]]", written: Path | None
) -> None:
    from rich.markup import escape
    from rich.table import Table

    for note in notes:
        console.print(escape(note), style="dim")
    for asked, sentence in said.items():
        console.print(f"[bold]{escape(asked)}[/bold]  {sentence}")
    for asked, one in found[:SHOWN]:
        title = f"Patient {escape(one.patient)}, {escape(asked)}"
        table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
        for name in ("Lesion", "Day", "Median [mm]", "50 %", "95 %"):
            table.add_column(name, justify="right")
        for row in one.lesions.to_dict("records"):
            middle = f"{number(row['lower'])}–{number(row['upper'])}"
            wide = f"{number(row['low'])}–{number(row['high'])}"
            table.add_row(escape(row["lesion"]), number(row["day"], 0), number(row["median"]), middle, wide)
        console.print()
        console.print(table)
        day = [f"{d:.0f}" if d < float("inf") else "later" for d in one.progression_day]
        console.print(
            f"Response by the sum {one.response:.0%}; progression by the sum {one.progression:.0%}, on day {day[0]} "
            f"({day[1]} to {day[2]})"
        )
        mine = one.speaks
        told = ", ".join(f"{r.title} ({r.moved:+.1f} SD)" for r in mine.loc[mine["speaks"]].head(6).itertuples())
        console.print(f"The scans speak of: {escape(told) or 'nothing in particular'}")
        console.print(f"{int((~mine['speaks']).sum())} of {len(mine)} parameters stay at the prior", style="dim")
    if len(found) > SHOWN:
        console.print(f"\n… and {len(found) - SHOWN} more: all of them with --out or --json")
    if written is not None:
        console.print(f"\nWritten to {written}", markup=False)
    console.print("New lesions, lesions that are not measured, and death are not part of this forecast.", style="dim")
    notice()
