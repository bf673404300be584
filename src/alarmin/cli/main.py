"""The command `alarmin`."""

from typing import Annotated

import typer

from alarmin.cli import (
    bench,
    biomarkers,
    calibrate,
    contest,
    design,
    evidence,
    explain,
    fit,
    model,
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

Start with  [bold]alarmin trial impower150[/bold]  to run a published trial in virtual patients, or with
[bold]alarmin simulate nsclc "atezolizumab 1200 mg q3w"[/bold]  to watch one of them.

{NOTICE}
"""

app = typer.Typer(
    name="alarmin",
    help=HELP,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    trial.trial,
    design.design,
    simulate.simulate,
    model.model,
    evidence.evidence,
    bench.bench,
    fit.fit,
    contest.contest,
    calibrate.calibrate,
    review.review,
    explain.explain,
    score.score,
    sensitivity.sensitivity,
    schema.schema,
    tumors.tumors,
    biomarkers.biomarkers,
    serve.serve,
):
    app.command()(command)


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
