"""Hazard ratios with their intervals, row under row."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from alarmin.plots.style import BLUE, GRAY, INK, VERMILLION, styled


@styled
def forest(table: pd.DataFrame, *, title: str = "", favors: tuple[str, str] = ("experimental", "control")) -> Figure:
    """Squares sized by information on a logarithmic axis, with the numbers in columns beside them.

    Args:
        table: a row for each hazard ratio, with the columns `label`, `estimate`, `low`, `high`, and possibly
            `events` (sizes the square), `published` (drawn as an open diamond) and `group` (a heading whenever it
            changes).
        title: what stands above.
        favors: what lies left and right of 1.
    """
    columns = ["group", "label", "estimate", "low", "high", "events", "published"]
    rows = table.reindex(columns=columns).to_dict("records")
    lines: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        if pd.notna(row["group"]) and (number == 0 or row["group"] != rows[number - 1]["group"]):
            lines.append({"heading": row["group"]})
        lines.append(row)
    published = bool(table["published"].notna().any()) if "published" in table else False

    figure = Figure(figsize=(6.6, 1.25 + 0.27 * len(lines)), layout="constrained")
    axes = figure.subplots()
    low, high = min(table["low"].min(), 0.8) / 1.1, max(table["high"].max(), 1.25) * 1.1
    most = max((row["events"] for row in rows if pd.notna(row["events"])), default=1.0)
    for y, row in enumerate(lines):
        if "heading" in row:
            _aside(axes, low, y, -8, row["heading"], weight="bold")
            continue
        _aside(axes, low, y, -8, row["label"])
        _row(axes, row, y, 4.0 + 4.5 * float(np.sqrt(row["events"] / most)) if pd.notna(row["events"]) else 6.0)
        _aside(axes, high, y, 10, f"{row['estimate']:.2f} ({row['low']:.2f}–{row['high']:.2f})")
        if published:
            _aside(axes, high, y, 110, f"{row['published']:.2f}" if pd.notna(row["published"]) else "–")
    _aside(axes, high, -1, 10, "HR (95 % CI)", color=GRAY)
    if published:
        _aside(axes, high, -1, 110, "published", color=GRAY)
    _frame(axes, low, high, len(lines), favors)
    if published:
        marks = [
            Line2D([], [], ls="", marker="s", ms=6, color=BLUE, label="predicted"),
            Line2D([], [], ls="", marker="D", ms=5.2, mfc="white", mec=VERMILLION, mew=1.4, label="published"),
        ]
        figure.legend(handles=marks, loc="outside lower center", ncols=2, handletextpad=0.3)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


def _row(axes: Axes, row: dict[str, Any], y: int, size: float) -> None:
    axes.plot([row["low"], row["high"]], [y, y], color=BLUE, lw=1.3, solid_capstyle="butt")
    axes.plot(row["estimate"], y, "s", ms=size, color=BLUE, mew=0)
    axes.plot(row["published"], y + 0.26, "D", ms=5.2, mfc="white", mec=VERMILLION, mew=1.4, zorder=5)


def _aside(axes: Axes, x: float, y: int, points: float, text: str, **look: Any) -> None:
    side = {"ha": "right" if points < 0 else "left", "va": "center", "fontsize": 8, "annotation_clip": False}
    axes.annotate(text, (x, y), xytext=(points, 0), textcoords="offset points", **side, **look)


def _frame(axes: Axes, low: float, high: float, lines: int, favors: tuple[str, str]) -> None:
    axes.axvline(1.0, color=INK, lw=0.8, zorder=0)
    axes.set_xscale("log")
    ticks = [tick for tick in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0) if low < tick < high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set(xlim=(low, high), ylim=(lines - 0.4, -1.6), yticks=[])
    axes.spines["left"].set_visible(False)
    below = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "top", "fontsize": 8.5}
    axes.annotate(f"← favors {favors[0]}", (1.0, 0.0), xytext=(-6, -20), ha="right", **below)  # type: ignore[arg-type]
    axes.annotate(f"favors {favors[1]} →", (1.0, 0.0), xytext=(6, -20), ha="left", **below)  # type: ignore[arg-type]
