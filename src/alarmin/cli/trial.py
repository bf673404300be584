"""`alarmin trial`: a published trial in virtual patients."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

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
    from rich.table import Table

    from alarmin.records import Trial
    from alarmin.scoring import Scored
    from alarmin.trials.analysis import TrialResult

READING_DAYS = 7

ROWS = (
    ("Response rate [%]", "orr", 0, 100.0),
    ("Median progression-free survival [months]", "median_pfs", 1, 1.0),
    ("Median overall survival [months]", "median_os", 1, 1.0),
    ("Alive at 12 months [%]", "os_at_12", 0, 100.0),
    ("Adverse events of grade 3 or more [%]", "grade3", 0, 100.0),
)


def trial(
    name: Annotated[str, typer.Argument(help="Name of a trial, such as impower150, or the path of a trial file.")],
    patients: Annotated[
        int | None, typer.Option(help="Patients in all, of each replicate too; as published without it.")
    ] = None,
    months: Annotated[
        float | None, typer.Option(help="Data cut, in months from the first patient; as published without it.")
    ] = None,
    seed: Seed = 0,
    replicates: Annotated[
        int | None, typer.Option(help="Draw so many replicate trials from a bank of outcomes, instead of running one.")
    ] = None,
    toxicity: Annotated[
        bool, typer.Option("--toxicity", help="Let adverse events happen, and hold, lower or end doses.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--out", help="New folder for tables, courses, figures and provenance.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Run a published trial in virtual patients and set its results beside the published ones.

    Example:  alarmin trial impower150 --patients 200 --out runs/impower150
    """
    with refusals():
        from alarmin import records, results
        from alarmin.trials import TrialError

        design = records.trial(name)
        at_least(len(design.arms), patients=patients)
        at_least(0, seed=seed)
        at_least(1, months=months)
        if folder is not None:
            results.ensure_new(folder)
        keep_programs()
        at_least(2, replicates=replicates)
        if replicates is not None and toxicity:
            raise TrialError("--replicates draws from a bank without adverse events", remedy="drop --toxicity")
        if replicates is not None:
            _replicate(design, replicates, patients, seed, months, folder, json)
            return
        from alarmin import trials
        from alarmin.scoring import score

        with progress(quiet=json) as report:
            run = trials.run(design, patients, seed, months=months, toxicity=toxicity, progress=report)
            scored = score(run)
        if folder is not None:
            _write(folder, scored)
        if json:
            as_json(scored.to_json())
        else:
            _show(scored, folder)


def _replicate(
    design: "Trial",
    count: int,
    patients: int | None,
    seed: int,
    months: float | None,
    folder: Path | None,
    json: bool,
) -> None:
    """Replicate trials with everything that is uncertain: quantiles and chance of success."""
    from alarmin import results
    from alarmin.results.banks import bank_provenance
    from alarmin.scoring.keeping import bank_folder, kept_bank
    from alarmin.scoring.replicates import PATIENTS, POPULATIONS
    from alarmin.trials.bank import quantiles, replicate
    from alarmin.trials.randomization import sizes
    from alarmin.trials.run import by_tumor

    if months is not None:
        design = design.model_copy(update={"months": months, "accrual_months": min(design.accrual_months, months)})
    counts = sizes([arm.patients for arm in design.arms], patients)
    wanted = {arm.name: size for arm, size in zip(design.arms, counts, strict=True)}
    with progress(quiet=json) as report:
        bank = kept_bank(design, bank_folder(), members=POPULATIONS, patients=PATIENTS, seed=seed, progress=report)
    arms, contrasts = replicate(bank, count, sizes=wanted, seed=seed)
    summary = {"trial": design.name, "replicates": count, "seed": seed, "population": bank.population}
    summary |= {"training": list(bank.training), "sizes": wanted, "failed": list(bank.failed)}
    summary["arms"] = {arm.name: quantiles(arms.loc[arms["arm"] == arm.name]) for arm in design.arms}
    if design.null_response is not None:
        first = design.arms[0].name
        summary["success"] = float(arms.loc[arms["arm"] == first, "success"].mean())
    summary["contrasts"] = [
        {"experimental": pair.experimental, "control": pair.control}
        | quantiles(
            mine := contrasts.loc[
                (contrasts["experimental"] == pair.experimental) & (contrasts["control"] == pair.control)
            ]
        )
        | {"success": float(mine["success"].mean())}
        for pair in design.contrasts
    ]
    if folder is not None:
        made = bank_provenance(
            command=" ".join(["alarmin", *sys.argv[1:]]),
            subject={"trial": design.name},
            seed=seed,
            patients=sum(counts),
            tumors=by_tumor(design),
            members=POPULATIONS,
        )
        tables = {"arms": arms, "contrasts": contrasts}
        results.write(folder, made, files={f"{name}.csv": one.to_csv(index=False) for name, one in tables.items()})
    if json:
        as_json(summary)
        return
    out.print(f"\n[bold]{escape(design.title)}[/bold]  {count} replicate trials, seed {seed}\n")
    for found in [*({"of": name, **known} for name, known in summary["arms"].items()), *summary["contrasts"]]:
        of = found.get("of") or f"{found['experimental']} v {found['control']}"
        out.print(f"[bold]{escape(of)}[/bold]")
        for name, known in found.items():
            if isinstance(known, dict):
                middle, low, high = (number(known[q], 2) for q in ("median", "low", "high"))
                out.print(f"  {name:<16}{middle:>8}  ({low} to {high})")
        if "success" in found:
            out.print(f"  {'success':<16}{number(found['success'], 2):>8}")
    for why in bank.failed:
        out.print(f"Failed and left out: {why}", markup=False)
    if "success" in summary:
        out.print(f"Response above {100 * (design.null_response or 0.0):g} % is shown in {summary['success']:.0%}")
    notice()


def _write(folder: Path, scored: "Scored") -> None:
    import json

    from alarmin import plots, results, trials

    result = scored.result
    cohorts = [course.cohort for course in result.courses.values()]
    made = results.provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"trial": result.trial.name},
        seed=result.seed,
        patients=result.patients,
        records=results.records_by_tumor({cohort.tumor: cohort.records for cohort in cohorts}),
        population=", ".join(dict.fromkeys(cohort.population for cohort in cohorts)),
    )
    files: dict[str, str | bytes] = {"result.json": json.dumps(scored.to_json(), indent=1)}
    figures = plots.trial_figures(result, scored.frame(), scored.comparison())
    if cohorts[0].untreated is not None:
        figures["lesion"] = plots.course_section(trials.example(result))
    for name, figure in figures.items():
        for kind in ("svg", "png"):
            files[f"figures/{name}.{kind}"] = plots.render(figure, kind)
    tables = {**result.tables, "score": scored.frame()}
    results.write(folder, made, tables=tables, courses=result.courses, files=files, every=READING_DAYS)


def _show(scored: "Scored", folder: Path | None) -> None:
    result, design = scored.result, scored.result.trial
    out.print(f"\n[bold]{escape(design.title)}[/bold]  {escape(design.nct or '')}")
    arms = escape(", ".join(f"{arm} {number(found['n'], 0)}" for arm, found in result.arms.items()))
    out.print(f"{result.patients} virtual patients ({arms}), {design.months:g} months, seed {result.seed}\n")
    out.print(scored.table() if scored.compared else _predicted(result))
    if design.primary:
        met = "met" if result.success else "not met"
        joined = (" or " if design.success == "any" else " and ").join(name.upper() for name in design.primary)
        out.print(f"\nPrimary endpoint ({joined}): [bold]{met}[/bold] in this virtual trial")
    if design.null_response is not None:
        met = "shown" if result.success else "not shown"
        out.print(f"\nResponse above {100 * design.null_response:g} %: [bold]{met}[/bold] in this virtual trial")
    if seen := result.safety_seen:
        out.print(
            f"Adverse events and doses are no prediction: {len(seen)} of their records were read in this trial's own "
            f"publication ({', '.join(seen)})"
        )
    for why in result.failed:
        out.print(f"Failed and left out: {why}", markup=False)
    spent = result.timing
    out.print(
        f"Simulated in {spent['simulate_s']:.0f} s, compiled in {spent['compile_s']:.0f} s, "
        f"{spent['lane_steps_per_s'] / 1e3:.0f} thousand lesion-steps a second"
    )
    if folder is not None:
        out.print(f"Written to {folder}", markup=False)
    notice()


def _predicted(result: "TrialResult") -> "Table":
    """Endpoints of a trial that nobody has published."""
    from rich.table import Table

    table = Table("", *map(escape, result.arms), box=None, header_style="bold", pad_edge=False)
    for title, key, digits, scale in ROWS:
        if any(found.get(key) is not None for found in result.arms.values()):
            table.add_row(escape(title), *(interval(found, key, digits, scale) for found in result.arms.values()))
    for contrast in result.contrasts:
        if "hr" in contrast:
            ends = {"hr": contrast["hr"], "hr_low": contrast["low"], "hr_high": contrast["high"]}
            table.add_row(f"Hazard ratio, {contrast['endpoint'].upper()}", interval(ends, "hr", 2))
    return table
