"""`alarmin review`: the statements of a review of immunogenic cell death, each run as an experiment."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alarmin.cli.face import AsJson, as_json, at_least, keep_programs, notice, number, out, progress, refusals

if TYPE_CHECKING:
    from alarmin.review import Entry


def review(
    section: Annotated[str | None, typer.Option(help="One section, such as 2 or 3.2; all without it.")] = None,
    patients: Annotated[int | None, typer.Option(help="Patients in each cohort.")] = None,
    target: Annotated[
        Path | None, typer.Option("--out", help="Write a row for each statement into this new CSV file.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the verdicts into this new file (SVG and PNG).")] = None,
    json: AsJson = False,
) -> None:
    """Run the causal statements of the review as experiments, and say which are reproduced.

    Example:  alarmin review --section 3.1
    """
    with refusals():
        at_least(1, patients=patients)
        from alarmin.errors import AlarminError
        from alarmin.review.ledger import in_section, ledger
        from alarmin.review.statements import statements

        in_section(statements(), section)
        if target is not None:
            from alarmin import results

            if target.suffix != ".csv":
                raise AlarminError(f"verdicts as {target.suffix!r}", remedy="end the name of the file in .csv")
            results.ensure_new(target)
        if plot is not None:
            from alarmin.plots.style import new_pair

            new_pair(plot)
        keep_programs()
        with progress(quiet=json) as report:
            found = ledger(section, patients=patients, progress=report)
        if target is not None:
            from alarmin import results
            from alarmin.review.verdicts import written

            results.write_file(target, written(found, patients=patients))
        if plot is not None:
            from alarmin.plots.ledger import verdicts
            from alarmin.plots.style import save

            save(verdicts(counts(found)), plot)
        if json:
            as_json([entry.row() for entry in found])
            return
        show(found)
        notice()


def counts(found: "Sequence[Entry]") -> dict[str, Counter[str]]:
    """How many statements of each section have which verdict."""
    table: dict[str, Counter[str]] = {}
    for entry in found:
        table.setdefault(entry.statement.section, Counter())[entry.verdict] += 1
    return table


def show(found: "Sequence[Entry]") -> None:
    """The verdicts by section, then what is not reproduced and why."""
    from rich.table import Table

    from alarmin.review.ledger import VERDICTS

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Section")
    for verdict in VERDICTS:
        table.add_column(verdict, justify="right")
    by_section = counts(found)
    for section, count in by_section.items():
        table.add_row(section, *(str(count[verdict]) for verdict in VERDICTS))
    table.add_section()
    total = sum(by_section.values(), Counter())
    table.add_row("all", *(str(total[verdict]) for verdict in VERDICTS), style="bold")
    out.print()
    out.print(table)
    for verdict in ("opposite", "no effect", "not modelled"):
        chosen = [entry for entry in found if entry.verdict == verdict]
        if chosen:
            out.print(f"\n[bold]{verdict.capitalize()}[/bold]")
        for entry in chosen:
            said = entry.statement
            size = "" if entry.effect is None else f"  × {number(math.exp(entry.effect), 2)}"
            out.print(f"  {said.id}  {said.subject} {said.predicate} {said.object}{size}", markup=False)
            if entry.reason:
                out.print(f"        {entry.reason}", style="dim", markup=False)
    out.print()
