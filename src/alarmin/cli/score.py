"""`alarmin score`: every trial that no fit has seen, beside what was published and beside the cheapest rivals."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alarmin.cli.face import (
    AsJson,
    Seed,
    as_json,
    aside,
    at_least,
    keep_programs,
    notice,
    number,
    out,
    progress,
    refusals,
)

if TYPE_CHECKING:
    from rich.table import Table

    from alarmin.scoring import Scoreboard

REPLICATES = 1000
"""Drawn from each bank, where nothing else is said."""


def score(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of trials; all that are scored and have a design without it.")
    ] = None,
    members: Annotated[int, typer.Option(help="Possible populations in each bank.")] = 8,
    patients: Annotated[int, typer.Option(help="Patients of each population.")] = 54,
    replicates: Annotated[int, typer.Option(help="Replicate trials drawn from each bank.")] = REPLICATES,
    seed: Seed = 0,
    folder: Annotated[Path | None, typer.Option("--out", help="New folder for tables and figures.")] = None,
    json: AsJson = False,
) -> None:
    """Predict trials that no fit has seen, and score the predictions.

    Banks of outcomes are kept, so that a second run takes seconds.

    Example:  alarmin score impower150 --members 4
    """
    with refusals(goes_on=True):
        from alarmin import records, results
        from alarmin.errors import AlarminError
        from alarmin.published import studies
        from alarmin.scoring import board
        from alarmin.scoring.forecast import fitted_to
        from alarmin.scoring.keeping import bank_folder, kept_bank

        at_least(1, members=members, patients=patients, replicates=replicates)
        at_least(0, seed=seed)
        scored = [name for name, known in studies().items() if known.role == "scoring" and name in records.trials()]
        for name in names or []:
            if name not in studies() or name not in records.trials():
                raise AlarminError(
                    f"{name!r} cannot be scored: it needs a trial file and a published study of that name",
                    remedy=f"choose among {', '.join(scored)}",
                )
            if fits := fitted_to(records.trial(name)):
                raise AlarminError(
                    f"{name!r} cannot be scored: the fit of {' and '.join(fits)} has seen it",
                    remedy=f"choose among {', '.join(scored)}",
                )
        if folder is not None:
            results.ensure_new(folder)
        keep_programs()
        cache = bank_folder()
        banks = []
        with progress(quiet=json) as report:
            for done, name in enumerate(chosen := names or scored):
                report("trials", done, len(chosen))
                tell = lambda _, part, total, name=name: report(name, part, total)
                design = records.trial(name)
                banks.append(kept_bank(design, cache, members=members, patients=patients, seed=seed, progress=tell))
            report("trials", len(chosen), len(chosen))
        found = board(banks, replicates)
        if folder is not None:
            shown = " ".join(["alarmin score", *(names or []), f"--members {members} --patients {patients}"])
            shown += f" --replicates {replicates}" if replicates != REPLICATES else ""
            shown += f" --seed {seed}" if seed else ""
            _write(folder, found, shown, list(chosen), seed, members, patients)
        if json:
            as_json(found.to_json())
        else:
            _show(found)
            if folder is not None:
                aside.print(f"Written to {folder}", markup=False)


def _write(
    folder: Path, found: "Scoreboard", command: str, trials: list[str], seed: int, members: int, patients: int
) -> None:
    from alarmin import records, results
    from alarmin.results.banks import bank_provenance
    from alarmin.trials.run import by_tumor

    made = bank_provenance(
        command=command,
        subject={"trials": ", ".join(trials)},
        seed=seed,
        patients=members * patients,
        tumors=dict.fromkeys(tumor for name in trials for tumor in by_tumor(records.trial(name))),
        members=members,
    )
    results.write(folder, made, files=_files(found, command))


def _files(found: "Scoreboard", command: str) -> dict[str, str | bytes]:
    """What is written, by name; without a picture where nothing can be compared."""
    import json

    from alarmin import plots
    from alarmin.scoring.page import page

    files: dict[str, str | bytes] = {
        "score.json": json.dumps(found.to_json(), indent=1, allow_nan=False),
        "scores.md": page(found, command),
        "score.csv": found.frame().drop(columns=["rivals", "rival_scores"]).to_csv(index=False),
    }
    if found.rows:
        figure = plots.compare(found.comparison(), title="Predicted without being fitted, and published")
        files |= {f"score.{kind}": plots.render(figure, kind) for kind in ("svg", "png")}
    return files


def _show(found: "Scoreboard") -> None:
    from alarmin.scoring.forecast import NOT_REACHED
    from alarmin.scoring.page import NOTHING

    sums = found.sums()
    out.print(_rows(found) if found.rows else NOTHING)
    if any(row.high == float("inf") for row in found.rows):
        out.print(f"[dim]A median that is not reached is scored as {NOT_REACHED:g} months.[/dim]")
    out.print()
    for label, key, digits in (
        ("Published values within the 95 % interval [%]", "coverage_95", 0),
        ("Published values within the 50 % interval [%]", "coverage_50", 0),
    ):
        out.print(f"{label:<58}{number(sums[key], digits, 100.0):>8}")
    out.print(f"{'Mean interval score':<58}{number(sums['interval_score'], 2):>8}")
    out.print(f"{'Brier score of success':<58}{number(sums['brier'], 2):>8}")
    out.print(f"{'Verdicts right, of those known':<58}{sums['verdicts_right']:>4} of {sums['verdicts_known']}")
    out.print(f"{'Mean absolute error of log hazard ratios':<58}{number(sums['log_hr_error'], 2):>8}")
    for name, error in sums["rivals"].items():
        out.print(f"{'  of the rival: ' + name:<58}{number(error, 2):>8}")
    ours, *others = sums["interval_scores_of_ratios"].items()
    out.print(f"{'Mean interval score of log hazard ratios':<58}{number(ours[1], 2):>8}")
    for name, value in others:
        out.print(f"{'  of the rival: ' + name:<58}{number(value, 2):>8}")
    notice()


def _rows(found: "Scoreboard") -> "Table":
    from rich.table import Table

    from alarmin.scoring.score import spelled, title

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("Study", "Arm or contrast", "Endpoint", "Predicted (95 % interval)", "Published", ""):
        table.add_column(heading, justify="right" if heading.startswith("P") else "left")
    last = ""
    for row in found.rows:
        values = (row.predicted, row.low, row.high, row.published)
        middle, low, high, published = (spelled(row.endpoint, value) for value in values)
        inside = "within" if row.inside_95 else "[red]outside[/red]"
        name = row.study if row.study != last else ""
        table.add_row(name, row.of, title(row.endpoint), f"{middle} ({low}–{high})", published, inside)
        last = row.study
    return table
