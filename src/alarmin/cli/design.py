"""`alarmin design`: what a trial design would do, with virtual patients."""

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
    keep_programs,
    notice,
    number,
    out,
    plain,
    progress,
    refusals,
)

if TYPE_CHECKING:
    from rich.table import Table

    from alarmin.design import Characteristics, Design
    from alarmin.records import Trial

MEANS = (("Patients", "patients", 0), ("Events", "events", 0), ("Months", "months", 1))
EXTRA = {
    "cut_by_time": "Ended by time, with less information than planned [%]",
    "success_without_futility": "Success if futility is overruled [%]",
    "grew": "Made larger [%]",
    "size": "Size relative to the plan",
    "shown_in_everyone": "Shown in everyone [%]",
    "shown_in_subgroup": "Shown in the subgroup [%]",
    "chose_nobody": "Stopped with nobody [%]",
    "chose_subgroup": "Went on with the subgroup [%]",
    "chose_everyone": "Went on with everyone [%]",
    "picked_right": "Picked the right group [%]",
    "on_experimental": "Share on the experimental arm",
    "responders": "Responders in the trial",
}


def design(
    file: Annotated[Path, typer.Argument(help="A design file, such as examples/designs/sequential.toml.")],
    replicates: Annotated[int, typer.Option(help="Simulated trials, with the effect and without it.")] = 10_000,
    seed: Seed = 0,
    folder: Annotated[Path | None, typer.Option("--out", help="New folder for tables, figures and provenance.")] = None,
    json: AsJson = False,
) -> None:
    """Find type I error, power, size and duration of a trial design, with virtual patients.

    Example:  alarmin design examples/designs/sequential.toml --out runs/sequential
    """
    with refusals(goes_on=True):
        from alarmin import results
        from alarmin.design import load

        planned, trial = load(file)
        at_least(100, replicates=replicates)
        at_least(0, seed=seed)
        if folder is not None:
            results.ensure_new(folder)
        keep_programs()
        found = _simulate(planned, trial, replicates, seed, json)
        if folder is not None:
            _write(folder, found, trial)
        if json:
            as_json(found.to_json())
        else:
            _show(found, folder)


def _simulate(planned: "Design", trial: "Trial", replicates: int, seed: int, quiet: bool) -> "Characteristics":
    from alarmin.design import bank_trial, operating_characteristics
    from alarmin.scoring.keeping import bank_folder, kept_bank

    size = planned.bank
    with progress(quiet=quiet) as report:
        # Designs of one trial share its bank, whatever their seed.
        bank = kept_bank(
            bank_trial(planned, trial),
            bank_folder(),
            members=size.populations,
            patients=size.patients,
            progress=report,
        )
        return operating_characteristics(planned, bank, replicates, seed, progress=report)


def _write(folder: Path, found: "Characteristics", trial: "Trial") -> None:
    import json

    import pandas as pd

    from alarmin import plots, results
    from alarmin.design import bank_trial
    from alarmin.results.banks import bank_provenance
    from alarmin.trials.run import by_tumor

    made = bank_provenance(
        command=" ".join(["alarmin", *sys.argv[1:]]),
        subject={"design": found.design.name, "trial": trial.name},
        seed=found.seed,
        patients=found.design.patients,
        tumors=by_tumor(bank_trial(found.design, trial)),
        members=found.design.bank.populations,
    )
    files: dict[str, str | bytes] = {"result.json": json.dumps(plain(found.to_json()), indent=1, allow_nan=False)}
    for name, figure in plots.design_figures(found).items():
        for kind in ("svg", "png"):
            files[f"figures/{name}.{kind}"] = plots.render(figure, kind)
    runs = [
        pd.DataFrame(
            {"scenario": name, "replicate": range(len(run.success)), "population": run.population}
            | {"success": run.success, "look": run.stop + 1, "futility": run.futile, "patients": run.patients}
            | {"events": run.events, "months": run.months}
            | {f"z_{look + 1}": run.z[:, look] for look in range(run.z.shape[1])}
            | run.extra
        )
        for name, run in found.runs.items()
    ]
    results.write(folder, made, tables={"runs": pd.concat(runs, ignore_index=True)}, files=files)


def _show(found: "Characteristics", folder: Path | None) -> None:
    planned = found.design
    out.print(f"\n[bold]{escape(planned.title or planned.name)}[/bold]")
    out.print(
        f"{planned.endpoint.name.upper()} of {planned.patients} patients of {planned.trial}, "
        f"{' and '.join(planned.experimental)} v {planned.control}\n"
        f"{found.replicates} trials without an effect, and with that of the bank; seed {found.seed}\n"
    )
    out.print(_looks(found))
    out.print()
    out.print(_table(found))
    null, effect = found.scenarios["null"]["rejected"], found.scenarios["alternative"]["success"]
    met = "within" if null["low"] <= planned.alpha else "above"
    out.print(
        f"\nType I error [bold]{number(null['value'], 2, 100)} %[/bold], {met} the {100 * planned.alpha:g} % "
        f"({'one' if planned.sides == 1 else 'two'}-sided) that are allowed; "
        f"power [bold]{number(effect['value'], 1, 100)} %[/bold], the goal is {100 * planned.power:g} %"
    )
    if found.patients_for_goal is not None:
        out.print(f"The goal would be reached with about {found.patients_for_goal:.0f} patients")
    if folder is not None:
        out.print(f"Written to {folder}", markup=False)
    notice()


def _looks(found: "Characteristics") -> "Table":
    """One row a look: boundaries, and how many trials end there."""
    from rich.markup import escape
    from rich.table import Table
    from scipy.special import ndtr

    below = "Z for harm" if found.design.sides == 2 else "Z for futility"
    heads = ("Look", "Information", "Z for success", "one-sided p", below, "Alpha spent")
    ends = ("No effect: success, futility [%]", "Effect: success, futility [%]")
    table = Table(*heads, *(escape(end) for end in ends), box=None, header_style="bold", pad_edge=False)
    bounds = found.boundaries
    for look, upper in enumerate(bounds.upper):
        stops = [found.scenarios[name]["stops"][look] for name in ("null", "alternative")]
        table.add_row(
            str(look + 1),
            f"{100 * bounds.information[look]:.0f} %",
            number(upper, 4),
            number(float(ndtr(-upper)), 5),
            number(bounds.lower[look], 4),
            number(bounds.spent[look], 5),
            *(f"{number(s['efficacy'], 1, 100)}, {number(s['futility'], 1, 100)}" for s in stops),
        )
    return table


def _table(found: "Characteristics") -> "Table":
    """Numbers of the trial without and with an effect."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "No effect", "Effect of the bank", box=None, header_style="bold", pad_edge=False)
    both = [found.scenarios[name] for name in ("null", "alternative")]

    def row(title: str, name: str, digits: int, scale: float, span: bool = True) -> None:
        cells = []
        for numbers in both:
            one = numbers.get(name)
            ends = "" if one is None or not span else f" ({_ends(one, digits, scale)})"
            cells.append("–" if one is None else number(one["value"], digits, scale) + ends)
        table.add_row(escape(title), *cells)

    row("Null hypothesis rejected [%], 95 % simulation interval", "rejected", 2, 100.0)
    table.add_row(
        escape("Success in the populations of the bank [%]"),
        *("{:.1f} to {:.1f}".format(*(100 * end for end in numbers["success_by_population"])) for numbers in both),
    )
    for title, name, digits in MEANS:
        if name in both[0]:
            row(f"{title}, mean (90 % of trials)", name, digits, 1.0)
    for name in dict.fromkeys(key for numbers in both for key in numbers):
        if name == "right_group":
            shares = ", ".join(f"{group} {100 * part:.0f}" for group, part in both[1][name].items())
            table.add_row(escape("The right group is [% of trials]"), "–", shares)
        elif name in EXTRA:
            title = EXTRA[name]
            row(title, name, 1 if title.endswith("[%]") else 2, 100.0 if title.endswith("[%]") else 1.0)
        elif name.startswith(("kept_", "shown_")):
            row(f"{name.replace('_', ' ', 1).capitalize()} [%]", name, 1, 100.0)
    return table


def _ends(one: dict[str, float], digits: int, scale: float) -> str:
    return f"{number(one['low'], digits, scale)}–{number(one['high'], digits, scale)}"
