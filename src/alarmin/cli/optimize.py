"""`alarmin optimize`: combinations, doses, starts and intervals that trade effect against toxicity best."""

import json as text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alarmin.cli.face import AsJson, Seed, as_json, at_least, interval, keep_programs, notice, plain, progress, refusals
from alarmin.cli.face import out as console

if TYPE_CHECKING:
    from alarmin.decide.optimize import Optimized


def optimize(
    tumor: Annotated[str, typer.Argument(help="Tumor type, such as nsclc.")],
    agents: Annotated[str, typer.Option(help="Agents to choose from, such as docetaxel,nivolumab.")],
    objective: Annotated[str, typer.Option(help="tumor: log reduction of tumor cells; response: share.")] = "tumor",
    most: Annotated[int, typer.Option(help="Agents in a regimen at most.")] = 2,
    trials: Annotated[int, typer.Option(help="Regimens that are tried, those of the study so far included.")] = 60,
    days: Annotated[int, typer.Option(help="Day of the outcome.")] = 84,
    patients: Annotated[int, typer.Option(help="Virtual patients; half of them choose, half report.")] = 32,
    method: Annotated[str, typer.Option(help="tpe or nsga2.")] = "tpe",
    study: Annotated[Path | None, typer.Option(help="Database that keeps the study; run again to go on.")] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="New folder for tables, JSON, picture and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Find regimens with the most effect for each toxicity, and report them in patients who did not choose them.

    Example:  alarmin optimize nsclc --agents docetaxel,atezolizumab,bevacizumab --study study.db --out runs/front
    """
    with refusals():
        from alarmin import records, results
        from alarmin.decide.optimize import check
        from alarmin.decide.optimize import optimize as search

        kind = records.tumor(tumor)
        names = check(agents.split(","), objective, most, method, days)
        at_least(1, trials=trials)
        at_least(8, patients=patients)
        at_least(0, seed=seed)
        if out is not None:
            results.ensure_new(out)
        keep_programs()
        with progress(quiet=json) as report:
            found = search(
                kind.name,
                names,
                objective=objective,  # type: ignore[arg-type]
                most=most,
                trials=trials,
                days=days,
                patients=patients,
                method=method,
                study=study,
                seed=seed,
                progress=report,
            )
        if out is not None:
            _write(out, found)
        if json:
            as_json(content(found))
        else:
            show(found, out)


def content(found: "Optimized") -> dict[str, Any]:
    """Plain data: what was asked, and a row for each regimen."""
    asked = ("agents", "objective", "most", "days", "trials", "method", "seed", "found_in", "reported_in")
    return {
        "tumor": found.cohort.tumor,
        "population": found.cohort.population,
        **{name: getattr(found, name) for name in asked},
        "rows": found.table.to_dict("records"),
    }


def _write(target: Path, found: "Optimized") -> None:
    from alarmin import plots, results
    from alarmin.decide.optimize import OBJECTIVES

    made = results.provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"tumor": found.cohort.tumor, "agents": ", ".join(found.agents)},
        seed=found.seed,
        patients=len(found.cohort),
        records=found.cohort.records,
        population=found.cohort.population,
    )
    title = f"{found.cohort.tumor}, day {found.days}, {found.reported_in} patients"
    figure = plots.front(found.table, tried=found.tried, effect=OBJECTIVES[found.objective], title=title)
    files: dict[str, str | bytes] = {f"front.{kind}": plots.render(figure, kind) for kind in ("svg", "png")}
    files["optimize.json"] = text.dumps(plain(content(found)), indent=1, allow_nan=False)
    results.write(target, made, tables={"regimens": found.table, "tried": found.tried}, files=files)


def show(found: "Optimized", written: Path | None) -> None:
    """The front, then each agent alone."""
    from rich.table import Table

    from alarmin.decide.optimize import OBJECTIVES

    console.print(f"\n[bold]{found.cohort.tumor}[/bold], day {found.days}: {OBJECTIVES[found.objective].lower()}")
    console.print(
        f"{found.trials} regimens tried in {found.found_in} patients, reported in {found.reported_in} others",
        style="dim",
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Regimen", overflow="fold")
    for name in ("Effect", "Beyond best alone", "Grade 3 or more %", "On front %"):
        table.add_column(name, justify="right")
    for kind, heading in (("front", "Front"), ("alone", "One agent, standard dose")):
        table.add_row(f"[bold]{heading}[/bold]")
        for row in found.table.loc[found.table["kind"] == kind].to_dict("records"):
            cells = (interval(row, "effect", 2), interval(row, "gain", 2), interval(row, "toxicity", 0, 100.0))
            table.add_row(str(row["regimen"]), *cells, f"{100 * row['on_front']:.0f}")
    console.print()
    console.print(table)
    if written is not None:
        console.print(f"\nWritten to {written}")
    console.print()
    notice()
