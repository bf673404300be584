"""How benefit changes with what is read before treatment."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from alarmin.plots.style import BLUE, GRAY, INK, VERMILLION, styled

RATIOS = (0.05, 0.1, 0.2, 0.33, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0, 20.0)


@styled
def biomarker_forest(table: pd.DataFrame, endpoints: Mapping[str, str], *, title: str = "") -> Figure:
    """Each reading under each endpoint: prediction by own gains, prediction as a trial sees it, and prognosis.

    Args:
        table: a row for each reading and endpoint, with `title`, `endpoint`, and `standardized`, `seen` and
            `prognosis` with their `_low` and `_high`.
        endpoints: the blocks, by the name in the table, with the heading of each.
        title: what stands above.
    """
    shown = {code: name for code, name in endpoints.items() if (table["endpoint"] == code).any()}
    lines = len(table) + len(shown)
    figure = Figure(figsize=(10.5, 1.7 + 0.235 * lines), layout="constrained")
    own, seen, prognosis = figure.subplots(1, 3, sharey=True)
    labels, y = [], 0
    for code, heading in shown.items():
        labels.append((y, heading, "bold"))
        for row in table.loc[table["endpoint"] == code].to_dict("records"):
            y += 1
            labels.append((y, row["title"], "normal"))
            _mark(own, row, "standardized", y, 0.0)
            _mark(seen, row, "seen", y, 1.0)
            _mark(prognosis, row, "prognosis", y, 1.0)
        y += 1
    own.set_yticks([at for at, _, _ in labels], [text for _, text, _ in labels])
    for tick, (_, _, weight) in zip(own.get_yticklabels(), labels, strict=True):
        tick.set_fontweight(weight)
    _frame(own, "Prediction: patients' own gains", "gain per SD [SD of gains]\nmore gain with more →", 0.0)
    _frame(seen, "Prediction: one randomized trial", "ratio of hazard (odds) ratios per SD\n← more gain with more", 1.0)
    _frame(prognosis, "Prognosis: control arm", "hazard (odds) ratio per SD\n← better with more", 1.0)
    _ratios(seen, table, "seen")
    _ratios(prognosis, table, "prognosis")
    reach = 1.08 * np.nanmax(np.abs(table[["standardized_low", "standardized_high"]].to_numpy(float)), initial=0.1)
    own.set(xlim=(-reach, reach), ylim=(y - 0.4, -0.6))
    marks = [
        Line2D([], [], ls="", marker="s", ms=6, color=BLUE, label="better with more of the reading"),
        Line2D([], [], ls="", marker="s", ms=6, color=VERMILLION, label="worse"),
        Line2D([], [], ls="", marker="s", ms=6, color=GRAY, label="95 % interval holds no effect"),
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, handletextpad=0.3)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


def _mark(axes: Axes, row: dict, name: str, y: int, null: float) -> None:
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if not np.isfinite([value, low, high]).all():
        axes.annotate("–", (null, y), ha="center", va="center", color=GRAY, annotation_clip=False)
        return
    better = value > null if null == 0.0 else value < null
    color = GRAY if low <= null <= high else BLUE if better else VERMILLION
    axes.plot([low, high], [y, y], color=color, lw=1.3, solid_capstyle="butt")
    axes.plot(value, y, "s", ms=5.5, color=color, mew=0)


def _frame(axes: Axes, title: str, label: str, null: float) -> None:
    axes.set_title(title)
    axes.set_xlabel(label)
    axes.axvline(null, color=INK, lw=0.8, zorder=0)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _ratios(axes: Axes, table: pd.DataFrame, name: str) -> None:
    """A logarithmic axis, symmetric about 1, as wide as the intervals but not without end."""
    ends = np.abs(np.log(table[[f"{name}_low", f"{name}_high"]].to_numpy(float)))
    reach = float(np.clip(1.08 * np.nanmax(ends, initial=0.3), 0.4, np.log(20.0)))
    axes.set_xscale("log")
    axes.set_xlim(np.exp(-reach), np.exp(reach))
    ticks = [tick for tick in RATIOS if abs(np.log(tick)) < reach]
    ticks = ticks if len(ticks) < 8 else [tick for tick in (0.1, 0.33, 1.0, 3.0, 10.0) if abs(np.log(tick)) < reach]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
