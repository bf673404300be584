"""`alarmin calibrate`: populations fitted to their training set."""

from pathlib import Path
from typing import Annotated

import typer

from alarmin.cli.face import AsJson, Seed, as_json, at_least, keep_programs, out, progress, refusals


def calibrate(
    name: Annotated[str, typer.Argument(help="Name of a planned fit, such as nsclc.")] = "nsclc",
    runs: Annotated[int, typer.Option(help="Populations that are simulated.")] = 280,
    members: Annotated[int, typer.Option(help="Populations that agree with the data, to be kept.")] = 48,
    patients: Annotated[int, typer.Option(help="Patients in each population.")] = 54,
    seed: Seed = 0,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Folder that keeps runs as they come; a stopped fit goes on from it.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="New file for the fitted population, as TOML; printed without it.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Fit a population of virtual patients to its training set; trials that are scored are never in it.

    Example:  alarmin calibrate nsclc --keep runs/nsclc --out nsclc.toml
    """
    with refusals(goes_on=keep is not None):
        import tomli_w

        from alarmin import results
        from alarmin.calibrate.fit import fit as run
        from alarmin.calibrate.plan import plan

        planned = plan(name)
        at_least(40, runs=runs)
        at_least(2, members=members)
        at_least(1, patients=patients)
        at_least(0, seed=seed)
        if file is not None:
            results.ensure_new(file)
        keep_programs()
        with progress(quiet=json) as report:
            fitted = run(
                planned,
                runs=runs,
                members=members,
                patients=patients,
                seed=seed,
                folder=keep,
                progress=lambda done, total: report("calibrate", done, total),
            )
        population = fitted.population.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        text = tomli_w.dumps(population)
        if file is not None:
            results.write_file(file, text)
        if json:
            as_json(population)
        else:
            out.print(f"Written to {file}" if file is not None else text, markup=False)
