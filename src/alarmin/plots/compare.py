"""Predicted against published: does the published value lie where the prediction said it would?"""

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from alarmin.plots.style import BLUE, GRAY, INK, ORANGE, VERMILLION, styled

MOST_PANELS, MOST_ROWS = 5, 32
"""What one column holds: panels, and rows with two more for each panel."""

SHAPES = ((6.4, 0.34, 0.72, 8.0), (10.5, 0.34, 0.72, 8.0), (13.33, 0.187, 0.45, 7.0))
"""Of one, two and three columns: width, height of a row and of what is around a panel [inch], size of labels [point].

Three are as wide as a slide, and about as high.
"""

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)


@styled
def compare(table: pd.DataFrame, *, title: str = "", rival: str = "independent drug action") -> Figure:
    """One row for each quantity: the predicted interval as a bar, the published value as a point with its interval.

    Args:
        table: a row for each number, with the columns `quantity` (rows of the same quantity share an axis, such as
            "Median overall survival [months]"), `label`, `predicted`, `predicted_low`, `predicted_high`,
            `published`, `published_low`, `published_high`, and possibly `rival`, the prediction of the cheapest
            rival. A quantity that begins with "Hazard ratio" has a logarithmic axis. Numbers may be missing; what is
            infinite was not reached, and has an arrow at the end of the axis.
        title: what stands above.
        rival: what the rival is called.
    """
    panels = list(dict.fromkeys(table["quantity"]))
    counts = {panel: int((table["quantity"] == panel).sum()) for panel in panels}
    columns = _columns(panels, counts)
    width, pitch, around, font = SHAPES[len(columns) - 1]
    tall = [sum(pitch * counts[panel] + around for panel in column) for column in columns]
    figure = Figure(figsize=(width, 0.7 + max(tall)), layout="constrained")
    parts: Any = figure.subfigures(1, len(columns), squeeze=False)
    for part, column, used in zip(parts[0], columns, tall, strict=True):
        # Rows are as high in all columns: what a column leaves stays free below it.
        free = (max(tall) - used) / pitch
        heights = [counts[panel] + 0.1 for panel in column] + [free] * (free > 0)
        grid = part.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(grid, column, strict=False):
            _panel(axes, table.loc[table["quantity"] == panel], panel, font)
        for axes in grid[len(column) :]:
            axes.set_axis_off()
    given = lambda name: name in table and bool(table[name].notna().any())
    named = rival if given("rival") else ""
    unreached = bool(np.isinf(table["predicted_high"].to_numpy(float)).any())
    handles = _handles(named, unreached, given("published_low"))
    across = len(handles) if len(columns) > 1 or len(handles) == 3 else 2
    figure.legend(handles=handles, loc="outside lower center", ncols=across, handletextpad=0.5)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10 if len(columns) < 3 else 13, weight="bold")
    return figure


def _columns(panels: list[str], counts: dict[str, int]) -> list[list[str]]:
    """One, two or three columns, by how much there is, so that the longest is as short as it can be."""
    size = lambda part: sum(counts[panel] + 2 for panel in part)
    wanted = max(-(-size(panels) // MOST_ROWS), 2 if len(panels) > MOST_PANELS else 1)
    number = min(wanted, len(SHAPES), len(panels))
    ways = (
        [panels[begin:end] for begin, end in pairwise((0, *cuts, len(panels)))]
        for cuts in combinations(range(1, len(panels)), number - 1)
    )
    return min(ways, key=lambda way: max(map(size, way)))


def _panel(axes: Axes, table: pd.DataFrame, name: str, font: float) -> None:
    columns = ["predicted", "predicted_low", "predicted_high", "published", "published_low", "published_high"]
    numbers = table.reindex(columns=[*columns, "rival"]).to_numpy(float)
    end = _axis(axes, name, numbers[np.isfinite(numbers)])
    for y, (middle, low, high, value, least, most, rival) in enumerate(numbers):
        axes.barh(y, min(high, end) - min(low, end), left=min(low, end), height=0.52, color=BLUE, alpha=0.22, lw=0)
        if np.isinf(high):
            axes.plot(end, y, ">", ms=5.0, color=BLUE, mew=0, clip_on=False, zorder=5)
        if np.isfinite(middle):
            axes.plot([middle, middle], [y - 0.26, y + 0.26], color=BLUE, lw=2.2, solid_capstyle="butt")
        axes.plot([least, most], [y, y], color=INK, lw=1.2)
        outside = value < low or value > high
        size = 6.5 if font >= 8.0 else 5.2
        axes.plot(value, y, "o", ms=size, mfc=VERMILLION if outside else "white", mec=INK, mew=1.1, zorder=5)
        axes.plot(rival, y, "x", ms=size - 1.0, color=ORANGE, mew=1.8, zorder=4)
    axes.set(yticks=range(len(table)), yticklabels=table["label"], ylim=(len(table) - 0.45, -0.55))
    axes.set_title(name, fontsize=8.5, pad=4 if font >= 8.0 else 2)
    axes.tick_params(axis="y", length=0, labelsize=font)
    axes.tick_params(axis="x", labelsize=font, pad=3.5 if font >= 8.0 else 1.5)
    axes.spines["left"].set_visible(False)


def _axis(axes: Axes, name: str, numbers: NDArray[np.float64]) -> float:
    """Sets the horizontal axis so that these numbers lie on it, and gives its end."""
    low, high = float(numbers.min()), float(numbers.max())
    if name.startswith("Hazard ratio"):
        low, high = min(low, 0.9) / 1.08, max(high, 1.1) * 1.08
        axes.axvline(1.0, color=GRAY, lw=0.8, ls=(0, (3, 3)), zorder=0)
        axes.set_xscale("log")
        ticks = [tick for tick in RATIOS if low <= tick <= high]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
    else:
        room = 0.06 * (high - low) or 1.0
        low, high = 0.0 if 0 <= low < 0.4 * high else low - room, high + room
    axes.set_xlim(low, high)
    return high


def _handles(rival: str, unreached: bool, interval: bool) -> list[Line2D | Patch]:
    def mark(fill: str, label: str) -> Line2D:
        return Line2D([], [], ls="", marker="o", ms=6.5, mfc=fill, mec=INK, label=label)

    found: list[Line2D | Patch] = [
        Patch(color=BLUE, alpha=0.3, lw=0, label="predicted, 95 % interval"),
        mark("white", "published, 95 % CI" if interval else "published"),
        mark(VERMILLION, "outside the prediction"),
    ]
    if unreached:
        found.append(Line2D([], [], ls="", marker=">", ms=5.0, color=BLUE, mew=0, label="not reached"))
    if rival:
        found.append(Line2D([], [], ls="", marker="x", color=ORANGE, mew=1.8, label=rival))
    return found
