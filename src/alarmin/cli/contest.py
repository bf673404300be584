"""`alarmin contest`: real lesions forecast by Alarmin, growth laws, and the last reading."""

import json as text
from pathlib import Path
from typing import Annotated

import typer

from alarmin.cli.face import AsJson, as_json, keep_programs, notice, number, plain, progress, refusals
from alarmin.cli.face import out as console


def contest(
    lesions: Annotated[Path, typer.Argument(help="CSV of the published series: arm, patient, day, diameter_mm.")],
    laws: Annotated[bool, typer.Option(help="Fit the growth laws too, which takes minutes.")] = True,
    out: Annotated[Path | None, typer.Option(help="New folder for tables and picture.")] = None,
    json: AsJson = False,
) -> None:
    """Forecast the later scans of real lesions, beside six growth laws, two with a population, and the last reading.

    Example:  alarmin contest lesions_laleh2022.csv --out runs/contest
    """
    with refusals():
        import platformdirs

        from alarmin import results
        from alarmin.forecast import contest as rivalry
        from alarmin.forecast.bank import kept_bank
        from alarmin.forecast.lesions import read
        from alarmin.therapy.regimen import parse

        if out is not None:
            results.ensure_new(out)
        known = read(lesions, as_published=True)
        rivalry.groups(known)
        keep_programs()
        cache = Path(platformdirs.user_cache_dir("alarmin", "alarmin")) / "banks"
        with progress(quiet=json) as report:
            bank = lambda tumor, regimen: kept_bank(tumor, parse(regimen), cache, progress=report)
            found = rivalry.run(known, bank, progress=report, rivals=laws)
        tables = {"all": found.table()} | {by: found.table(by) for by in ("study", "arm", "pattern", "kind")}
        content = {
            "fitting": found.fitting,
            "scoring": found.scoring,
            "notes": list(known.notes),
            **{name: table.to_dict("records") for name, table in tables.items()},
        }
        if out is not None:
            from alarmin import plots

            figure = plots.scan_panels(found.picture)
            out.mkdir(parents=True)
            for name, table in tables.items():
                results.write_file(out / f"{name}.csv", table.to_csv(index=False))
            results.write_file(out / "contest.json", text.dumps(plain(content), indent=1, allow_nan=False))
            for kind in ("svg", "png"):
                results.write_file(out / f"nine.{kind}", plots.render(figure, kind))
        if json:
            as_json(content)
            return
        from rich.table import Table

        console.print(f"{found.fitting} patients taught, {found.scoring} are scored; mean errors in mm\n")
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
            console.print(f"\nWritten to {out}")
        notice()
