"""`alarmin cohort` and `alarmin resume`: a cohort of any size, on one machine or many, never lost."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import (
    AsJson,
    Seed,
    as_json,
    aside,
    at_least,
    interval,
    keep_programs,
    notice,
    out,
    progress,
    refusals,
)

if TYPE_CHECKING:
    from alarmin.cohorts.workers import Workers

Processes = Annotated[
    int | None, typer.Option(help="Processes of this machine; as many as it has processors without it.")
]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786, whose workers compute.")
]
ROWS = (
    ("Response rate [%]", "orr", 100.0),
    ("Disease control [%]", "dcr", 100.0),
    ("Median progression-free survival [months]", "median_pfs", 1.0),
    ("Median overall survival [months]", "median_os", 1.0),
)


def cohort(
    tumor: Annotated[str, typer.Argument(help="Tumor type, such as nsclc.")],
    regimen: Annotated[str, typer.Argument(help='What is given, such as "atezolizumab 1200 mg q3w", or "none".')],
    folder: Annotated[Path, typer.Option("--out", help="New folder for the run.")],
    patients: Annotated[int, typer.Option(help="Patients.")] = 1000,
    months: Annotated[float, typer.Option(help="Follow-up of each patient.")] = 12.0,
    seed: Seed = 0,
    scan_every: Annotated[int, typer.Option(help="Days between scans.")] = 42,
    line: Annotated[str, typer.Option(help="Line of therapy, for survival: first or second.")] = "first",
    beyond: Annotated[
        bool, typer.Option("--beyond-progression", help="Let treatment go on after progression.")
    ] = False,
    population: Annotated[
        str | None, typer.Option(help='A fitted population, or "prior"; that of the tumor type without it.')
    ] = None,
    shells: Annotated[int | None, typer.Option(help="Shells of a lesion; fewer are faster and coarser.")] = None,
    steps_per_day: Annotated[int | None, typer.Option(help="Time steps in a day.")] = None,
    processes: Processes = None,
    scheduler: Scheduler = None,
    json: AsJson = False,
) -> None:
    """Simulate a cohort of any size under a regimen, chunk by chunk, into a folder that a stopped run can go on with.

    Example:  alarmin cohort nsclc "docetaxel 75 mg/m2 q3w" --patients 10000 --out runs/docetaxel
    """
    with refusals():
        from alarmin import records
        from alarmin.cohorts.plan import LEAST_MONTHS
        from alarmin.errors import AlarminError
        from alarmin.simulation import LONGEST
        from alarmin.therapy.regimen import parse

        kind, plan = records.tumor(tumor), str(parse(regimen))
        at_least(1, patients=patients, scan_every=scan_every, processes=processes)
        at_least(0, seed=seed)
        if not LEAST_MONTHS <= months < LONGEST:
            remedy = f"give a number from {LEAST_MONTHS:g} to below {LONGEST}"
            raise AlarminError(f"--months {months}", remedy=remedy)
        if line not in ("first", "second"):
            raise AlarminError(f"--line {line}", remedy="give first or second")
        if shells is not None or steps_per_day is not None:
            at_least(4, shells=shells)
            at_least(1, steps_per_day=steps_per_day)
        records.population(kind.name, population)
        keep_programs()
        from alarmin import cohorts

        chosen = {"shells": shells, "steps_per_day": steps_per_day}
        asked = cohorts.Plan(
            tumor=kind.name,
            regimen=plan,
            patients=patients,
            seed=seed,
            months=months,
            scan_every=scan_every,
            line=line,  # type: ignore[arg-type]
            until_progression=not beyond,
            population=population,
            candidates=cohorts.candidates_in_chunk(patients),
            **{name: value for name, value in chosen.items() if value is not None},
        )
        workers = _workers(processes, scheduler)
        with _stopped(folder), progress(quiet=json) as report:
            cohorts.start(
                asked,
                folder,
                workers=workers,
                command=" ".join(["alarmin", *sys.argv[1:]]),
                progress=lambda done, total: report("patients", done, total),
            )
        _tell(cohorts.summary(folder), folder, json)


def resume(
    folder: Annotated[Path, typer.Argument(help="Folder of a run of alarmin cohort.")],
    processes: Processes = None,
    scheduler: Scheduler = None,
    json: AsJson = False,
) -> None:
    """Go on with a cohort run that was stopped, or check one that is complete; the results are the same to the bit.

    Example:  alarmin resume runs/docetaxel
    """
    with refusals():
        at_least(1, processes=processes)
        keep_programs()
        from alarmin import cohorts

        workers = _workers(processes, scheduler)
        with _stopped(folder), progress(quiet=json) as report:
            cohorts.resume(
                folder,
                workers=workers,
                tell=lambda what: aside.print(what, markup=False),
                progress=lambda done, total: report("patients", done, total),
            )
        _tell(cohorts.summary(folder), folder, json)


def _workers(processes: int | None, scheduler: str | None) -> "Workers":
    """Who computes, as asked for."""
    from alarmin.cohorts.plan import RunError
    from alarmin.cohorts.workers import distributed, local, processors

    if scheduler is not None and processes is not None:
        raise RunError("--processes and --scheduler are both given", remedy="give one of them")
    if scheduler is None:
        return partial(local, processes or processors())
    with distributed(scheduler):
        pass  # Who does not answer is told of before anything is written.
    return partial(distributed, scheduler)


@contextmanager
def _stopped(folder: Path) -> Iterator[None]:
    """Says how to go on where a person stops a run."""
    from alarmin.cohorts.folder import going_on

    try:
        yield
    except KeyboardInterrupt:
        aside.print(f"Stopped; go on with: {going_on(folder)}", markup=False)
        raise typer.Exit(130) from None


def _tell(found: dict[str, Any], folder: Path, json: bool) -> None:
    if json:
        as_json(found)
        return
    out.print(f"\n[bold]{found['tumor']}[/bold], {found['regimen'] or 'untreated'}", highlight=False)
    out.print(
        f"{found['patients']} virtual patients with {found['lesions']} lesions, {found['months']:g} months, "
        f"seed {found['seed']}\n"
    )
    for title, name, scale in ROWS:
        if name in found:
            ends = {name + end: found[name][key] for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))}
            out.print(f"{title:<44}{interval(ends, name, 1, scale)}", markup=False)
    for why in found["failed"].values():
        out.print(f"Failed and left out: {why}", markup=False)
    out.print(f"\nWritten to {folder}; one dataset, one row a lesion, in {folder / 'lesions'}", markup=False)
    notice()
