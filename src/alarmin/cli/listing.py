"""`alarmin list`: the names that other commands take."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from alarmin.cli.face import AsJson, as_json, out, refusals

Row = Mapping[str, Any]


def list(
    what: Annotated[str, typer.Argument(metavar="agents|trials|tumors", help="Which names.")],
    json: AsJson = False,
) -> None:
    """List the agents, the trials or the tumor types that other commands take, by name.

    Example:  alarmin list trials
    """
    with refusals():
        from alarmin.errors import AlarminError

        kinds: dict[str, Callable[[], tuple[Row, ...]]] = {"agents": agents, "trials": trials, "tumors": tumors}
        if what not in kinds:
            raise AlarminError(f"there is no list of {what!r}", remedy=f"choose one of {', '.join(kinds)}")
        rows = kinds[what]()
        if json:
            as_json(rows)
        else:
            _show(rows)


def agents() -> tuple[Row, ...]:
    """Of each agent: its name, its title and its class."""
    from alarmin import records

    return tuple({"name": one.name, "title": one.title, "class": one.kind} for one in records.agents().values())


def tumors() -> tuple[Row, ...]:
    """Of each tumor type: its name, its title, and the fit that its patients are drawn from."""
    from alarmin import records

    fits = {name: records.population(name) for name in records.tumors()}
    return tuple(
        {"name": one.name, "title": one.title, "population": fit.name if (fit := fits[one.name]) else "prior"}
        for one in records.tumors().values()
    )


def trials() -> tuple[Row, ...]:
    """Of each trial: its name, title, tumor type and arms, and whether a fit has seen it or it is scored."""
    from alarmin import records
    from alarmin.published import studies
    from alarmin.scoring.forecast import fitted_to

    def use(name: str) -> str:
        if fitted_to(records.trial(name)):
            return "in a fit"
        return "scored" if name in studies() and studies()[name].role == "scoring" else ""

    return tuple(
        {
            "name": one.name,
            "title": one.title,
            "tumor": ", ".join(dict.fromkeys(arm.tumor or one.tumor for arm in one.arms)),
            "arms": ", ".join(arm.name for arm in one.arms),
            "use": use(one.name),
        }
        for one in records.trials().values()
    )


def _show(rows: tuple[Row, ...]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in rows[0]:
        table.add_column(heading.capitalize(), no_wrap=heading == "name")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row.values()))
    out.print(table)
