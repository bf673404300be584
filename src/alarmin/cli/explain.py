"""`alarmin explain`: what held each patient back."""

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
    out,
    progress,
    refusals,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from alarmin.explain import Explanation, Played
    from alarmin.records import Trial

SHOWN = 12
"""Parameters, and pairs in words, that are shown."""
WORTH = "gain in log reduction of tumor cells"


def explain(
    name: Annotated[str, typer.Argument(help="Tumor type, such as nsclc, or trial, such as impower150.")],
    regimen: Annotated[
        str,
        typer.Argument(help='What is given, such as "atezolizumab 1200 mg q3w"; of a trial, also the name of an arm.'),
    ],
    patients: Annotated[int, typer.Option(help="Patients in the cohort.")] = 24,
    days: Annotated[int, typer.Option(help="Day on which burdens are compared.")] = 84,
    seed: Seed = 0,
    gradients: Annotated[
        bool, typer.Option("--gradients", help="Also how the burden of the first patient answers to each parameter.")
    ] = False,
    folder: Annotated[Path | None, typer.Option("--out", help="New folder for tables, figures and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Say what held each patient back: Shapley values of the barriers of the tumor, and of the steps of the alarm.

    Example:  alarmin explain nsclc "atezolizumab 1200 mg q3w" --patients 24
    """
    with refusals():
        from alarmin import records, results
        from alarmin.explain.games import treated
        from alarmin.therapy.regimen import parse

        design = records.trial(name) if _is_trial(name) else None
        arm = next((arm for arm in design.arms if arm.name == regimen), None) if design else None
        plan = parse(arm.regimen if arm else regimen)
        tumor = (arm and arm.tumor) or (design.tumor if design else records.tumor(name).name)
        treated(plan)
        at_least(1, patients=patients, days=days)
        at_least(0, seed=seed)
        if folder is not None:
            results.ensure_new(folder)
        keep_programs()
        import platformdirs

        from alarmin.explain import explain as run
        from alarmin.explain.summary import content
        from alarmin.results import cohorts
        from alarmin.simulation import Settings

        settings = Settings(lanes=64) if patients < 16 else Settings()
        with progress(quiet=json) as report:
            tell = lambda done, total: report("enroll", done, total)
            if design is not None:
                from alarmin.trials.run import enroll_for

                cohort = enroll_for(design, patients, seed, tumor=tumor, settings=settings, progress=tell)
            else:
                kept = Path(platformdirs.user_cache_dir("alarmin", "alarmin")) / "cohorts"
                cohort = cohorts.kept_cohort(tumor, patients, seed, kept, settings=settings, progress=tell)
            found = run(cohort, plan, days=days, progress=lambda done, total: report("explain", done, total))
            pulls = None
            if gradients:
                from alarmin.explain.gradients import elasticities

                report("differentiate", 0, 1)
                pulls = elasticities(cohort[[0]], plan, days=days)
        whole = {**content(found), **({} if pulls is None else {"elasticities": pulls})}
        if folder is not None:
            _write(folder, found, whole, design)
        if json:
            as_json(whole)
            return
        _show(found, pulls, folder)


def _is_trial(name: str) -> bool:
    """Whether the name is that of a trial; a name that is nothing is taken for a tumor, and refused as such."""
    from alarmin import records

    return Path(name).suffix == ".toml" or name.strip().lower() in records.trial_names()


def _write(folder: Path, found: "Explanation", whole: dict[str, Any], design: "Trial | None") -> None:
    import json

    from alarmin import plots, results
    from alarmin.explain.summary import tables

    subject = {"tumor": found.cohort.tumor, "regimen": found.regimen}
    made = results.provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject=subject | ({"trial": design.name} if design else {}),
        seed=found.cohort.seed,
        patients=len(found.cohort),
        records=found.cohort.records,
        population=found.cohort.population,
    )
    files: dict[str, str | bytes] = {"explanation.json": json.dumps(whole, indent=1)}
    for name, figure in _figures(found).items():
        for kind in ("svg", "png"):
            files[f"figures/{name}.{kind}"] = plots.render(figure, kind)
    results.write(folder, made, tables=tables(found), files=files)


def _figures(found: "Explanation") -> "dict[str, Figure]":
    """Profiles of patients from the best outcome to the worst, and the cohort by what was dominant."""
    import numpy as np

    from alarmin import plots
    from alarmin.plots.barriers import MOST_PROFILES

    ranked = np.argsort(found.change, kind="stable")
    chosen = ranked[np.unique(np.linspace(0, len(ranked) - 1, min(len(ranked), MOST_PROFILES)).round().astype(int))]
    # As in --patients, from 1.
    above = [f"patient {row + 1},  × {1.0 + found.change[row]:.2g}" for row in chosen]
    under = f"{found.cohort.tumor}, {found.regimen}"
    gain, key = f"{WORTH} by day {found.days}, if it is lifted", f"×: tumor cells on day {found.days} over day 0"
    figures = {}
    for name, played in (("barriers", found.barriers), ("steps", found.steps)):
        titles = [switch.title for switch in played.game.switch]
        figures[f"{name}-profiles"] = plots.barrier_profiles(
            played.shapley[:, chosen], titles, above, unit=f"{gain}\n{key}", title=under
        )
        figures[f"{name}-map"] = plots.barrier_map(
            played.dominant,
            found.change,
            titles,
            outcome=f"tumor cells under treatment, day {found.days} relative to day 0",
            title=under,
        )
    return figures


def _show(found: "Explanation", pulls: dict[str, float] | None, folder: Path | None) -> None:
    out.print(f"\n[bold]{found.cohort.tumor}[/bold], {found.regimen}", highlight=False)
    gain = float(found.barriers.values[0].mean())
    count = f"{len(found.cohort)} virtual patient" + ("s" if len(found.cohort) > 1 else "")
    out.print(
        f"{count}, seed {found.cohort.seed}; by day {found.days} treatment is worth {number(gain, 2)} "
        "in log reduction of tumor cells"
    )
    _game(found.barriers)
    _game(found.steps)
    if pulls is not None:
        out.print("\n[bold]Parameters that move the burden of the first patient most[/bold]")
        out.print("percent change of tumor cells on the last day per percent change of the parameter", style="dim")
        for record, value in list(pulls.items())[:SHOWN]:
            out.print(f"  {record:<40}{value:+8.3f}", markup=False)
    out.print(f"\nSimulated {found.lane_steps / 1e6:.2f} million lesion-steps in {found.seconds:.0f} s")
    if folder is not None:
        out.print(f"Written to {folder}", markup=False)
    notice()


def _game(played: "Played") -> None:
    from rich.table import Table

    from alarmin.explain.summary import pairs, summary

    total = float((played.values[-1] - played.values[0]).mean())
    out.print(f"\n[bold]{played.game.title}[/bold]; all at once add {number(total, 2)}\n")
    alone = played.values.shape[1] == 1
    spread = lambda row, name, *how: number(row[name], *how) if alone else interval(row, name, *how)
    columns = ("share [%]",) if alone else ("share (95 % of patients) [%]", "dominant in [%]")
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for name in ("Shapley value", *columns):
        table.add_column(name, justify="right")
    for row in summary(played):
        cells = (number(row["value"], 2), spread(row, "share", 0, 100.0), number(row["dominant"], 0, 100.0))
        table.add_row(row["title"], *cells[: len(columns) + 1])
    out.print(table)
    strongest = pairs(played)[0]
    how = "stand in for one another" if strongest["interaction"] < 0 else "strengthen one another"
    titles = {switch.name: switch.title for switch in played.game.switch}
    out.print(
        f"\nStrongest interaction: {titles[strongest['first']]} and {titles[strongest['second']]} {how}, "
        f"{spread(strongest, 'interaction', 2)}"
    )
