"""Survival curves by arm with the numbers at risk, and what was published on top."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from lifelines import KaplanMeierFitter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator, PercentFormatter
from numpy.typing import ArrayLike

from alarmin.plots.style import CYCLE, GRAY, INK, month_step, styled

RIGHT, LEFT = "upper right", "lower left"
LEGEND_LINE, NOTE_LINE = 0.063, 0.045
"""Height of a line of the legend and of the note, as a share of the axes."""


class Landmark(NamedTuple):
    """A published share without event at a month, with its 95 % confidence interval where one was given."""

    month: float
    share: float
    low: float | None = None
    high: float | None = None


class Median(NamedTuple):
    """A published median [months], with its 95 % confidence interval where one was given."""

    month: float
    low: float | None = None
    high: float | None = None


@styled
def survival(
    arms: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    title: str = "",
    event: str = "without event",
    months: float | None = None,
    published: Mapping[str, Sequence[Landmark | Median]] | None = None,
    note: str = "",
) -> Figure:
    """Kaplan-Meier curves with 95 % bands, censoring ticks, and a table of patients at risk.

    Args:
        arms: by arm, times [months] and whether the event was seen, `[patient]` each.
        title: what stands above.
        event: what the share on the vertical axis is of, such as "alive" or "alive without progression".
        months: end of the horizontal axis; the longest time without it.
        published: by arm, published points; an arm without a curve is refused.
        note: a line in the corner, such as the hazard ratio.
    """
    data = {name: (np.asarray(times, float), np.asarray(seen, bool)) for name, (times, seen) in arms.items()}
    end = months or float(max(times.max() for times, _ in data.values()))
    colors = dict(zip(data, CYCLE, strict=False))

    figure = Figure(figsize=(5.6, 3.9 + 0.17 * len(data)), layout="constrained")
    heights = [1.0, 0.055 * (len(data) + 1)]
    curves, risk = figure.subplots(2, 1, sharex=True, height_ratios=heights, gridspec_kw={"hspace": 0.02})
    for name, (times, seen) in data.items():
        _curve(curves, name, times, seen, end, colors[name])
    for place, (name, points) in enumerate((published or {}).items()):
        # Arms stand a little apart, so that equal months do not hide one another.
        aside = 0.006 * end * (place - 0.5 * (len(published or {}) - 1))
        for point in points:
            _point(curves, point, colors[name], aside)

    curves.set(xlim=(0, end), ylim=(0, 1.02), ylabel=f"Patients {event}", xlabel="Months", title=title)
    curves.xaxis.set_major_locator(MultipleLocator(month_step(end)))
    curves.yaxis.set_major_locator(MultipleLocator(0.2))
    curves.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    curves.tick_params(labelbottom=True)
    curves.axhline(0.5, color=GRAY, lw=0.6, ls=(0, (2, 3)), zorder=0)
    handles = [Line2D([], [], color=color, label=name) for name, color in colors.items()]
    if published:
        handles += _published_handles([point for points in published.values() for point in points])
    legend, lines = LEGEND_LINE * len(handles), NOTE_LINE * (note.count("\n") + 1) if note else 0.0
    place, aside = _corners(data, end, legend, lines)
    curves.legend(handles=handles, loc=place, handlelength=1.6, borderaxespad=0.2)
    if note:
        before = legend + 0.02 if place == aside else 0.02
        at, sides = (
            ((0.995, 1.0 - before), ("right", "top")) if aside == RIGHT else ((0.02, before), ("left", "bottom"))
        )
        look: Any = {"transform": curves.transAxes, "fontsize": 7, "linespacing": 1.4}
        curves.text(*at, note, ha=sides[0], va=sides[1], **look)
    _at_risk(risk, data, colors, end)
    return figure


def _corners(
    data: Mapping[str, tuple[np.ndarray, np.ndarray]], end: float, legend: float, note: float
) -> tuple[str, str]:
    """Where legend and note stand: curves that fall leave the upper right, curves that stay up the lower left."""
    halfway = [
        KaplanMeierFitter().fit(times, seen).survival_function_at_times([0.45 * end]).iloc[0]
        for times, seen in data.values()
    ]
    right, left = 0.95 - max(halfway), min(halfway) - 0.05
    if legend + note <= right:
        return RIGHT, RIGHT
    if legend <= right:
        return RIGHT, LEFT
    return (LEFT, LEFT) if left > right else (RIGHT, RIGHT)


def _curve(axes: Axes, name: str, times: np.ndarray, seen: np.ndarray, end: float, color: str) -> None:
    fit = KaplanMeierFitter().fit(times, seen, label=name)
    at, share = fit.survival_function_.index.to_numpy(), fit.survival_function_[name].to_numpy()
    band = fit.confidence_interval_.to_numpy()
    shown = at <= end
    axes.fill_between(at[shown], band[shown, 0], band[shown, 1], step="post", color=color, alpha=0.13, lw=0)
    axes.step(at[shown], share[shown], where="post", color=color)
    censored = np.unique(times[~seen & (times <= end)])
    axes.plot(censored, fit.survival_function_at_times(censored), "|", color=color, ms=4.5, mew=0.7, alpha=0.8)


def _point(axes: Axes, point: Landmark | Median, color: str, aside: float) -> None:
    landmark = isinstance(point, Landmark)
    at = (point.month + aside, point.share) if landmark else (point.month, 0.5 + 0.01 * np.sign(aside))
    if point.low is not None and point.high is not None:
        span = ([at[0]] * 2, [point.low, point.high]) if landmark else ([point.low, point.high], [at[1]] * 2)
        axes.plot(*span, color=INK, lw=2.6, zorder=4, solid_capstyle="butt")
        axes.plot(*span, color=color, lw=1.4, zorder=4, solid_capstyle="butt")
    axes.plot(*at, "o" if landmark else "D", ms=6 if landmark else 5.2, mfc="white", mec=INK, mew=2.4, zorder=5)
    axes.plot(*at, "o" if landmark else "D", ms=6 if landmark else 5.2, mfc="white", mec=color, mew=1.4, zorder=5)


def _published_handles(points: Sequence[Landmark | Median]) -> list[Line2D]:
    """A mark for each kind of published point that is drawn; intervals are named where there are some."""
    found = []
    for kind, marker, name in ((Landmark, "o", "published share"), (Median, "D", "published median")):
        drawn = [point for point in points if isinstance(point, kind)]
        if drawn:
            label = name + (", 95 % CI" if any(point.low is not None for point in drawn) else "")
            found.append(Line2D([], [], ls="", marker=marker, mfc="white", mec=INK, ms=6, label=label))
    return found


def _at_risk(axes: Axes, data: Mapping[str, tuple[np.ndarray, np.ndarray]], colors: Mapping[str, str], end: float):
    ticks = np.arange(0, end + 1e-9, month_step(end))
    axes.set(ylim=(len(data) - 0.4, -1.1), xlim=(0, end))
    axes.axis("off")
    axes.text(0, -0.75, "At risk", va="center", ha="left", fontsize=7.5, color=GRAY, weight="bold")
    for row, (name, (times, _)) in enumerate(data.items()):
        for tick in ticks:
            count = int((times >= tick).sum())
            axes.text(tick, row, f"{count}", va="center", ha="center", fontsize=7.5, color=colors[name])
