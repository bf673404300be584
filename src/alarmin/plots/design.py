"""What a design does: boundaries with the paths of some trials, how long trials take, and power by size."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from alarmin.plots.style import BLUE, GRAY, GREEN, INK, VERMILLION, styled

if TYPE_CHECKING:
    from alarmin.design import Characteristics

COLORS = {"null": GRAY, "alternative": BLUE}
NAMES = {"null": "no effect", "alternative": "effect of the bank"}
PATHS = 30
WIDTH = 52
"""Most letters in a line of a title."""


@styled
def boundaries(
    information: NDArray[np.float64],
    upper: NDArray[np.float64],
    lower: NDArray[np.float64],
    paths: Mapping[str, tuple[NDArray[np.float64], NDArray[np.int64]]],
    *,
    harm: bool = False,
    title: str = "",
) -> Figure:
    """Boundaries over information, and the statistic of some trials up to the look at which each ended.

    Args:
        information: of each look [-], `[look]`.
        upper: boundary for efficacy, `[look]`.
        lower: boundary for futility, or harm, `[look]`; minus infinite where there is none.
        paths: by scenario ("null", "alternative"), Z `[replicate, look]` and the look of the end `[replicate]`.
        harm: whether `lower` is for harm.
        title: what stands above.
    """
    figure = Figure(figsize=(5.2, 3.9), layout="constrained")
    axes = figure.subplots()
    seen = [0.0]
    for name, (z, stop) in paths.items():
        for path, last in zip(z[:PATHS], stop[:PATHS], strict=True):
            at = np.concatenate([[0.0], information[: last + 1]])
            values = np.concatenate([[0.0], path[: last + 1]])
            seen += values.tolist()
            axes.plot(at, values, color=COLORS[name], lw=0.7, alpha=0.45, zorder=1)
            axes.plot(at[-1], values[-1], "o", color=COLORS[name], ms=3, mew=0, alpha=0.8, zorder=2)
    shown = [(upper, GREEN, "efficacy")]
    if np.isfinite(lower).any():
        shown.append((lower, VERMILLION, "harm" if harm else "futility"))
    for bound, color, _ in shown:
        known = np.isfinite(bound)
        axes.plot(information[known], bound[known], "-D", color=color, ms=5, mfc="white", mew=1.5, zorder=4)
        for t, z in zip(information[known], bound[known], strict=True):
            if bound is not upper and z == upper[-1]:
                continue
            up = 8 if bound is upper else -8
            axes.annotate(
                f"{z:.2f}",
                (t, z),
                xytext=(0, up),
                textcoords="offset points",
                ha="center",
                va="bottom" if up > 0 else "top",
                fontsize=7.5,
                color=color,
                zorder=5,
                # Paths of trials run behind the numbers.
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )
    axes.axhline(0.0, color=INK, lw=0.6, zorder=0)
    finite = [float(bound[np.isfinite(bound)].max()) for bound, *_ in shown]
    top, bottom = max(*finite, *seen), min(*(float(b[np.isfinite(b)].min()) for b, *_ in shown), *seen)
    axes.set(xlim=(0, 1.06), ylim=(bottom - 0.8, top + 0.8), title=fill(title, WIDTH))
    axes.set(xlabel="Information", ylabel="Z (above 0: experimental arm better)")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    handles = [
        Line2D([], [], color=color, marker="D", mfc="white", mew=1.5, ms=5, label=label) for _, color, label in shown
    ]
    handles += [Line2D([], [], color=COLORS[name], lw=1.0, marker="o", ms=3, label=NAMES[name]) for name in paths]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.4)
    return figure


@styled
def durations(months: Mapping[str, NDArray[np.float64]], *, title: str = "") -> Figure:
    """How long trials take, by scenario, with the mean.

    Args:
        months: by scenario ("null", "alternative"), `[replicate]` [month].
        title: what stands above.
    """
    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.subplots()
    everything = np.concatenate(list(months.values()))
    edges = np.linspace(np.floor(everything.min()), np.ceil(everything.max() + 1e-9), 61)
    tallest = 0.0
    for name, values in months.items():
        share = np.histogram(values, edges)[0] / len(values)
        tallest = max(tallest, float(share.max()))
        axes.stairs(share, edges, color=COLORS[name], fill=True, alpha=0.25)
        axes.stairs(share, edges, color=COLORS[name], lw=1.3)
        axes.axvline(values.mean(), color=COLORS[name], lw=1.3, ls=(0, (4, 2)))
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.12 * tallest), title=fill(title, WIDTH))
    axes.set(xlabel="Months from the opening of the trial to its end", ylabel="Trials")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %", decimals=0 if tallest > 0.05 else 1))
    handles = [
        Line2D([], [], color=COLORS[name], lw=5, alpha=0.6, label=f"{NAMES[name]}: mean {values.mean():.1f} months")
        for name, values in months.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


@styled
def power_curve(
    points: Sequence[tuple[int, float, float, float]],
    *,
    goal: float,
    planned: int,
    needed: float | None = None,
    title: str = "",
) -> Figure:
    """Power by the size of the trial, with its 95 % simulation interval.

    Args:
        points: patients, power, and the ends of its interval.
        goal: the power that is wanted.
        planned: patients of the plan.
        needed: patients at which the goal is reached.
        title: what stands above.
    """
    figure = Figure(figsize=(5.2, 3.4), layout="constrained")
    axes = figure.subplots()
    size, power, low, high = (np.array(column, float) for column in zip(*points, strict=True))
    axes.fill_between(size, low, high, color=BLUE, alpha=0.15, lw=0)
    axes.plot(size, power, "-o", color=BLUE, ms=5, mfc="white", mew=1.5)
    axes.axhline(goal, color=GREEN, lw=1.0, ls=(0, (4, 2)), zorder=0)
    axes.annotate(f"goal {100 * goal:.0f} %", (size[0], goal), xytext=(0, 3), textcoords="offset points", color=GREEN)
    axes.axvline(planned, color=GRAY, lw=1.0, ls=(0, (4, 2)), zorder=0)
    below = np.interp(planned, size, power) > 0.5
    axes.annotate(
        f" planned {planned}",
        (planned, 0.0 if below else 1.02),
        xytext=(2, 4 if below else 0),
        textcoords="offset points",
        va="baseline" if below else "top",
        color=GRAY,
    )
    if needed is not None:
        axes.plot(needed, goal, "D", color=GREEN, ms=6, zorder=4)
        axes.annotate(
            f"{needed:.0f}",
            (needed, goal),
            xytext=(0, -9),
            textcoords="offset points",
            ha="center",
            va="top",
            color=GREEN,
        )
    room = 0.04 * (size[-1] - size[0])
    axes.set(
        xlim=(size[0] - room, size[-1] + room),
        ylim=(0, 1.02),
        xlabel="Patients",
        ylabel="Power",
        title=fill(title, WIDTH),
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    return figure


def design_figures(found: "Characteristics") -> dict[str, Figure]:
    """Boundaries with sample paths, distribution of duration, and power curve, by name."""
    design, bounds, title = found.design, found.boundaries, found.design.title or found.design.name
    figures = {
        "boundaries": boundaries(
            bounds.information,
            bounds.upper,
            bounds.lower,
            {name: (run.z, run.stop) for name, run in found.runs.items()},
            harm=design.sides == 2,
            title=title,
        ),
        "duration": durations({name: run.months for name, run in found.runs.items()}, title=title),
    }
    if found.power:
        figures["power"] = power_curve(
            found.power, goal=design.power, planned=design.patients, needed=found.patients_for_goal, title=title
        )
    return figures
