"""Predicted against published: does the published value lie where the prediction said it would?"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from alarmin.plots.style import BLUE, GRAY, INK, ORANGE, VERMILLION, styled

MOST_PANELS = 5
RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)


@styled
def compare(table: pd.DataFrame, *, title: str = "", rival: str = "independent drug action") -> Figure:
    """One row for each quantity: the predicted interval as a bar, the published value as a point with its interval.

    Args:
        table: a row for each number, with the columns `quantity` (rows of the same quantity share an axis, such as
            "Median overall survival [months]"), `label`, `predicted`, `predicted_low`, `predicted_high`,
            `published`, `published_low`, `published_high`, and possibly `rival`, the prediction of the cheapest
            rival. A quantity that begins with "Hazard ratio" has a logarithmic axis. Numbers may be missing.
        title: what stands above.
        rival: what the rival is called.
    """
    panels = list(dict.fromkeys(table["quantity"]))
    counts = {panel: int((table["quantity"] == panel).sum()) for panel in panels}
    columns = _columns(panels, counts)
    tall = max(sum(0.34 * counts[panel] + 0.72 for panel in column) for column in columns)
    figure = Figure(figsize=(6.4 if len(columns) == 1 else 10.5, 0.9 + tall), layout="constrained")
    parts: Any = figure.subfigures(1, len(columns), squeeze=False)
    for part, column in zip(parts[0], columns, strict=True):
        heights = [counts[panel] + 0.9 for panel in column]
        grid = part.subplots(len(column), 1, squeeze=False, height_ratios=heights)
        for axes, panel in zip(grid[:, 0], column, strict=True):
            _panel(axes, table.loc[table["quantity"] == panel], panel)
    named = rival if "rival" in table and bool(table["rival"].notna().any()) else ""
    figure.legend(handles=_handles(named), loc="outside lower center", ncols=2 if named else 3, handletextpad=0.5)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


def _columns(panels: list[str], counts: dict[str, int]) -> list[list[str]]:
    """One column, or two of nearly equal height where there are many panels."""
    if len(panels) <= MOST_PANELS:
        return [panels]
    heights = np.cumsum([counts[panel] + 2 for panel in panels])
    half = int(np.argmin(np.abs(heights - heights[-1] / 2.0))) + 1
    return [panels[:half], panels[half:]]


def _panel(axes: Axes, table: pd.DataFrame, name: str) -> None:
    columns = ["predicted", "predicted_low", "predicted_high", "published", "published_low", "published_high"]
    numbers = table.reindex(columns=[*columns, "rival"]).to_numpy(float)
    for y, (middle, low, high, value, least, most, rival) in enumerate(numbers):
        axes.barh(y, high - low, left=low, height=0.52, color=BLUE, alpha=0.22, lw=0)
        axes.plot([middle, middle], [y - 0.26, y + 0.26], color=BLUE, lw=2.2, solid_capstyle="butt")
        axes.plot([least, most], [y, y], color=INK, lw=1.2)
        outside = value < low or value > high
        axes.plot(value, y, "o", ms=6.5, mfc=VERMILLION if outside else "white", mec=INK, mew=1.1, zorder=5)
        axes.plot(rival, y, "x", ms=5.5, color=ORANGE, mew=1.8, zorder=4)
    axes.set(yticks=range(len(table)), yticklabels=table["label"], ylim=(len(table) - 0.45, -0.55))
    axes.set_title(name, fontsize=8.5, pad=4)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    if name.startswith("Hazard ratio"):
        low, high = min(low, 0.9) / 1.08, max(high, 1.1) * 1.08
        axes.axvline(1.0, color=GRAY, lw=0.8, ls=(0, (3, 3)), zorder=0)
        axes.set_xscale("log")
        ticks = [tick for tick in RATIOS if low <= tick <= high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlim(low, high)
    else:
        room = 0.06 * (high - low) or 1.0
        axes.set_xlim(0.0 if 0 <= low < 0.4 * high else low - room, high + room)


def _handles(rival: str) -> list[Line2D | Patch]:
    def mark(fill: str, label: str) -> Line2D:
        return Line2D([], [], ls="", marker="o", ms=6.5, mfc=fill, mec=INK, label=label)

    found: list[Line2D | Patch] = [
        Patch(color=BLUE, alpha=0.3, lw=0, label="predicted, 95 % interval"),
        mark("white", "published, 95 % CI"),
        mark(VERMILLION, "outside the prediction"),
    ]
    return [*found, Line2D([], [], ls="", marker="x", color=ORANGE, mew=1.8, label=rival)] if rival else found
