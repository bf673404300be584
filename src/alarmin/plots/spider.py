"""How the disease of each patient went, scan by scan."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import ArrayLike

from alarmin.plots.style import INK, RESPONSES, month_step, percent, styled

TOP = 100.0
"""Growth [%] above which a line leaves the picture; in untreated disease it has no end."""


@styled
def spider(
    arms: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]],
    *,
    title: str = "",
    months: float | None = None,
) -> Figure:
    """A line for each patient, from baseline to the last scan, in the color of the best overall response.

    Args:
        arms: by arm, of every scan the patient `[scan]`, the time [month] and the change of the sum of diameters from
            baseline [%], `[scan]` each; and the best overall response by patient, a mapping or a series.
        title: what stands above.
        months: end of the horizontal axis; the last scan without it.
    """
    end = months or max((float(np.max(np.asarray(when), initial=1.0)) for _, when, _, _ in arms.values()), default=1.0)
    figure = Figure(figsize=(1.2 + 3.1 * len(arms), 3.5), layout="constrained")
    row = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    seen: set[str] = set()
    for axes, (name, (patient, when, change, best)) in zip(row, arms.items(), strict=True):
        patient, when, change = np.asarray(patient), np.asarray(when, float), np.asarray(change, float)
        for one in np.unique(patient):
            mine = np.flatnonzero(patient == one)
            mine = mine[np.argsort(when[mine], kind="stable")]
            response = str(best[one])  # type: ignore[index,call-overload]
            seen.add(response)
            line = np.r_[0.0, when[mine]], np.r_[0.0, change[mine]]
            axes.plot(*line, color=RESPONSES[response], lw=0.9, alpha=0.8, zorder=2)
            axes.plot(line[0][-1], min(line[1][-1], TOP), "o", ms=2.0, mew=0, color=RESPONSES[response], zorder=3)
        for level in (-30.0, 20.0):
            axes.axhline(level, color=INK, lw=0.7, ls=(0, (4, 3)), zorder=1)
        axes.axhline(0.0, color=INK, lw=0.8, zorder=1)
        axes.set_title(f"{name}, {len(np.unique(patient))} patients", fontsize=9)
        axes.set(xlim=(0, end), ylim=(-105, TOP + 8), xlabel="Months")
        axes.xaxis.set_major_locator(MultipleLocator(month_step(end)))
    row[0].set_ylabel("Change of diameters")
    row[0].yaxis.set_major_locator(MultipleLocator(50))
    row[0].yaxis.set_major_formatter(FuncFormatter(percent))
    handles = [Line2D([], [], color=color, label=name) for name, color in RESPONSES.items() if name in seen]
    figure.legend(handles=handles, loc="outside lower center", ncols=max(len(handles), 1), handlelength=1.4)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure
