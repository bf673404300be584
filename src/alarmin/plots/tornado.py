"""What outcomes hang on, strongest first."""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from alarmin.plots.style import BLUE, INK, VERMILLION, styled


@styled
def tornado(
    table: pd.DataFrame, outcomes: Mapping[str, str], *, top: int = 15, index: str = "", title: str = ""
) -> Figure:
    """A panel for each outcome, with a bar for each of its strongest parameters and a whisker for the interval.

    Args:
        table: a row for each outcome and parameter, with the columns `outcome`, `rank`, `record`, `index`, `low`,
            `high`, `direction` and `grade`.
        outcomes: the panels, by the name in the table, with what stands above each.
        top: how many bars in a panel.
        index: what the axis shows.
        title: what stands above.
    """
    rows = min(top, int(table["rank"].max()))
    figure = Figure(figsize=(10.5, (len(outcomes) + 1) // 2 * (0.75 + 0.2 * rows) + 0.6), layout="constrained")
    panels = figure.subplots((len(outcomes) + 1) // 2, 2, squeeze=False).ravel()
    for axes, (outcome, name) in zip(panels, outcomes.items(), strict=False):
        _panel(axes, table.loc[(table["outcome"] == outcome) & (table["rank"] <= top)], name)
        axes.set_xlabel(index)
    for axes in panels[len(outcomes) :]:
        axes.set_visible(False)
    marks: list[Artist] = [
        Patch(color=BLUE, label="rises with the parameter"),
        Patch(color=VERMILLION, label="falls"),
        Line2D([], [], ls="", label="*  assumed or fitted"),
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, handlelength=1.0)
    if title:
        figure.suptitle(fill(title, 110), x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    y = np.arange(len(rows))
    colors = [VERMILLION if direction < 0 else BLUE for direction in rows["direction"]]
    axes.barh(y, rows["index"], color=colors, height=0.72)
    axes.hlines(y, rows["low"], rows["high"], color=INK, lw=0.9)
    axes.axvline(0.0, color=INK, lw=0.8)
    guessed = rows["grade"].isin(["assumed", "fitted"])
    labels = [f"{record}{' *' if star else ''}" for record, star in zip(rows["record"], guessed, strict=True)]
    axes.set_yticks(y, labels, fontsize=7)
    axes.set_title(name)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
