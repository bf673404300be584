"""`alarmin contest`: real lesions forecast by Alarmin, growth laws, and the last reading."""

import json as text
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import AsJson, as_json, keep_programs, notice, number, plain, progress, refusals
from alarmin.cli.face import out as console
from alarmin.errors import AlarminError

if TYPE_CHECKING:
    import pandas as pd

    from alarmin.forecast.bank import Bank
    from alarmin.forecast.contest import Group
    from alarmin.forecast.outcome import Outcome


def contest(
    lesions: Annotated[Path, typer.Argument(help="CSV of the published series: arm, patient, day, diameter_mm.")],
    laws: Annotated[bool, typer.Option(help="Fit the growth laws too, which takes minutes.")] = True,
    out: Annotated[Path | None, typer.Option(help="New folder for tables and picture.")] = None,
    learn: Annotated[
        Path | None, typer.Option(help="Learn the belief files anew into this new folder, and hold no contest.")
    ] = None,
    rehearse: Annotated[
        bool, typer.Option(help="Score a fifth of the fitting half at a time, and leave the scoring half alone.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Forecast the later scans of real lesions, beside six growth laws, two with a population, and the last reading.

    Example:  alarmin contest lesions_laleh2022.csv --out runs/contest
    """
    with refusals():
        if learn is not None and out is not None:
            raise AlarminError("--learn and --out are both given", remedy="learn first, then hold the contest")
        if learn is not None and not laws:
            raise AlarminError("--learn and --no-laws are both given", remedy="learn without it: it fits no laws")
        if learn is not None and rehearse:
            raise AlarminError("--learn and --rehearse are both given", remedy="learn first, then rehearse")
        from alarmin import results
        from alarmin.forecast import contest as rivalry
        from alarmin.forecast.bank import kept_bank
        from alarmin.forecast.lesions import read
        from alarmin.scoring.keeping import bank_folder
        from alarmin.therapy.regimen import parse

        for folder in (out, learn):
            if folder is not None:
                results.ensure_new(folder)
        known = read(lesions, as_published=True)
        people = rivalry.groups(known)
        keep_programs()
        with progress(quiet=json) as report:
            bank = lambda tumor, regimen: kept_bank(tumor, parse(regimen), bank_folder(), progress=report)
            if learn is not None:
                _learn(people, bank, report, learn, lesions.name, json)
                return
            found = rivalry.run(known, bank, progress=report, rivals=laws, rehearse=rehearse)
        tables = {"all": found.table()} | {by: found.table(by) for by in ("study", "arm", "pattern", "kind")}
        content = {
            "fitting": found.fitting,
            "scoring": found.scoring,
            "notes": list(known.notes),
            **{name: table.to_dict("records") for name, table in tables.items()},
        }
        if out is not None:
            flags = "".join([" --no-laws" if not laws else "", " --rehearse" if rehearse else ""])
            _write(out, found, tables, content, f"alarmin contest {lesions.name}{flags}", people)
        if json:
            as_json(content)
            return
        from rich.table import Table

        taught = "four fifths of them at a time" if rehearse else "who are not scored"
        console.print(f"{found.fitting} patients taught, {taught}; {found.scoring} are scored; mean errors in mm\n")
        table = Table(box=None, header_style="bold", pad_edge=False)
        names = ("Protocol", "Rival", "n", "MAE next", "MAE all", "CRPS", "In 95 %", "v LOCF (SE)", "Reweighted")
        for name in names:
            table.add_column(name, justify="left" if name in ("Protocol", "Rival") else "right")
        for row in tables["all"].sort_values(["protocol", "mae"], kind="stable").to_dict("records"):
            table.add_row(
                row["protocol"],
                row["rival"],
                str(row["patients"]),
                *(number(row[name], 2) for name in ("next_mae", "mae", "crps")),
                f"{number(row['coverage'], 1, 100.0)} %",
                f"{row['difference']:+.2f} ({row['error']:.2f})",
                number(row["reweighted"], 2),
            )
        console.print(table)
        if out is not None:
            console.print(f"\nWritten to {out}", markup=False)
        notice()


def _write(
    target: Path,
    found: "Outcome",
    tables: "Mapping[str, pd.DataFrame]",
    content: Mapping[str, Any],
    command: str,
    people: "Sequence[Group]",
) -> None:
    """Writes tables, picture and provenance into a new folder."""
    from alarmin import plots, results
    from alarmin.forecast.bank import MEMBERS, SPARE
    from alarmin.forecast.tables import page
    from alarmin.results.banks import bank_provenance

    made = bank_provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"regimens": ", ".join(sorted({group.regimen for group in people}))},
        seed=0,
        patients=found.scoring,
        tumors=sorted({group.tumor for group in people}),
        members=MEMBERS,
        among=SPARE * MEMBERS,
    )
    figure = plots.scan_panels(found.picture)
    files: dict[str, str | bytes] = {f"{name}.csv": table.to_csv(index=False) for name, table in tables.items()}
    files["contest.json"] = text.dumps(plain(content), indent=1, allow_nan=False)
    files["contest.md"] = page(found, command)
    files |= {f"nine.{kind}": plots.render(figure, kind) for kind in ("svg", "png")}
    results.write(target, made, files=files)


def _learn(
    people: "Sequence[Group]",
    bank: "Callable[[str, str], Bank]",
    report: Callable[[str, int, int], None],
    target: Path,
    lesions: str,
    json: bool,
) -> None:
    """Writes belief files that the fitting half teaches into a new folder; those of the package stay as they are."""
    from alarmin import results
    from alarmin.forecast import learning

    beliefs = learning.learn([group.half("fitting") for group in people], bank, report)
    results.write_files(target, {f"{name}.toml": learning.written(made, lesions) for name, made in beliefs.items()})
    if json:
        as_json({name: made.model_dump() for name, made in beliefs.items()})
    else:
        console.print(f"{len(beliefs)} beliefs are written to {target}; forecasts go on with those of the package")
