"""The command `alarmin`."""

import gc
from typing import Annotated

import typer

from alarmin.cli import (
    bench,
    biomarkers,
    calibrate,
    cite,
    cohort,
    contest,
    design,
    evidence,
    explain,
    export,
    fit,
    listing,
    model,
    optimize,
    pages,
    review,
    schema,
    score,
    sensitivity,
    serve,
    simulate,
    trial,
    tumors,
)
from alarmin.version import NOTICE, VERSION

HELP = f"""
Simulates immunogenic cell death in tumors, virtual patients and virtual trials.

A first picture, one patient in section:

    [bold]alarmin simulate nsclc "docetaxel 75 mg/m2 q3w" --picture lesion.png[/bold]

A published trial in virtual patients, beside what was published:

    [bold]alarmin trial impower150 --patients 200 --out runs/impower150[/bold]

What a number rests on, and how a mechanism works:

    [bold]alarmin evidence oxygen_diffusivity[/bold]    [bold]alarmin model oxygen[/bold]

The names that commands take:

    [bold]alarmin list trials[/bold]

Each command explains itself with --help. {NOTICE}
"""

# Loading packages and tracing programs makes many objects that stay; looking for garbage less often saves a tenth of
# the time of a short command.
gc.set_threshold(50_000, 20, 20)

GROUPS = {
    "Patients and trials": (simulate.simulate, trial.trial, cohort.cohort, cohort.resume, serve.serve),
    "Why it comes out so": (explain.explain, sensitivity.sensitivity, biomarkers.biomarkers),
    "A patient's own scans": (fit.fit, contest.contest),
    "Trials to come": (design.design, optimize.optimize),
    "How far to trust it": (score.score, review.review, tumors.tumors, evidence.evidence, cite.cite),
    "The model and its files": (
        listing.list,
        model.model,
        schema.schema,
        pages.pages,
        calibrate.calibrate,
        bench.bench,
    ),
}
"""All commands, in the groups that `alarmin --help` shows."""

app = typer.Typer(
    name="alarmin",
    help=HELP,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for title, commands in GROUPS.items():
    for command in commands:
        app.command(rich_help_panel=title)(command)
app.add_typer(export.export, rich_help_panel="The model and its files")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"alarmin {VERSION}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    del version
