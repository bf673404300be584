"""What held patients back: a profile for each patient, and the cohort by its dominant barrier."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from alarmin.plots.style import BLUE, CYCLE, GRAY, INK, ORANGE, styled

MOST_PROFILES = 12
COLUMNS = 4
NOBODY = "none"


@styled
def barrier_profiles(
    values: ArrayLike, titles: Sequence[str], patients: Sequence[str], *, unit: str = "", title: str = ""
) -> Figure:
    """A bar for each barrier in each patient, on one axis for all; below zero it helped.

    Args:
        values: what lifting each barrier is worth, `[barrier, patient]`, at most `MOST_PROFILES` patients.
        titles: of the barriers.
        patients: what stands above each.
        unit: what the values are.
        title: what stands above all.

    Raises `ValueError` for more patients than can be read.
    """
    worth = np.asarray(values, float)
    count = worth.shape[1]
    if count > MOST_PROFILES:
        raise ValueError(f"profiles of {count} patients; choose at most {MOST_PROFILES}")
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    size = (1.6 + 1.75 * columns + (1.2 if columns == 1 else 0.0), 0.9 + rows * (0.5 + 0.19 * len(titles)))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    places = np.arange(len(titles))
    for index, axes in enumerate(grid.flat):
        if index >= count:
            axes.set_visible(False)
            continue
        mine = worth[:, index]
        axes.barh(places, mine, height=0.7, color=np.where(mine >= 0, BLUE, ORANGE), lw=0)
        axes.axvline(0.0, color=INK, lw=0.8)
        axes.set_title(patients[index], fontsize=8, pad=4)
        axes.set_yticks(places, titles)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        if index + columns >= count:
            axes.tick_params(axis="x", labelbottom=True)
    grid[0, 0].invert_yaxis()
    figure.supxlabel(unit, fontsize=8.5)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


@styled
def barrier_map(
    dominant: ArrayLike, change: ArrayLike, titles: Sequence[str], *, outcome: str, title: str = ""
) -> Figure:
    """Patients by their dominant barrier, each a point at the outcome; medians of several as a line.

    Args:
        dominant: index of the barrier that is worth most to each patient, -1 for none, `[patient]`.
        change: tumor cells at the end relative to the start, less one, `[patient]`.
        titles: of the barriers.
        outcome: what the change is called.
        title: what stands above.
    """
    chosen, ratio = np.asarray(dominant, int), 1.0 + np.asarray(change, float)
    names = [*titles, *([NOBODY] if (chosen < 0).any() else [])]
    figure = Figure(figsize=(6.4, 1.35 + 0.42 * len(names)), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(names):
        mine = ratio[chosen == (place if name != NOBODY else -1)]
        if not len(mine):
            continue
        color = GRAY if name == NOBODY else CYCLE[place % len(CYCLE)]
        axes.plot(mine, place + _beside(len(mine)), "o", ms=4.5, color=color, alpha=0.65, mew=0, zorder=3)
        if len(mine) > 1:
            middle = float(np.median(mine))
            axes.plot([middle, middle], [place - 0.38, place + 0.38], color=INK, lw=1.6)
    counts = [int((chosen == (place if name != NOBODY else -1)).sum()) for place, name in enumerate(names)]
    axes.set_yticks(range(len(names)), [f"{name}  ({n})" for name, n in zip(names, counts, strict=True)])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.axvline(1.0, color=GRAY, lw=0.8, ls=(0, (3, 3)), zorder=0)
    marks = [
        Line2D([], [], ls="", marker="o", ms=4.5, color=GRAY, mew=0, label="a patient"),
        Line2D([], [], ls="", marker="|", ms=11, mew=1.6, color=INK, label="median of several"),
        Line2D([], [], color=GRAY, lw=0.8, ls=(0, (3, 3)), label="as many cells as before"),
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=3)
    _times(axes, ratio)
    axes.set_xlabel(outcome)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


def _beside(count: int) -> np.ndarray:
    """Offsets that keep points of equal outcome apart, the same for the same number."""
    golden = 0.5 * (np.sqrt(5.0) - 1.0)
    return 0.62 * ((np.arange(count) * golden) % 1.0 - 0.5) if count > 1 else np.zeros(count)


def _times(axes: Axes, ratio: np.ndarray) -> None:
    """A logarithmic axis of ratios with plain numbers."""
    low, high = min(float(ratio.min()), 0.7) / 1.15, max(float(ratio.max()), 1.4) * 1.15
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    few = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    fine = (0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0)
    ticks = [tick for tick in (fine if high / low < 20 else few) if low <= tick <= high]
    axes.set_xticks(ticks, [f"× {tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
