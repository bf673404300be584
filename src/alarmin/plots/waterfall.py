"""Best change of the sum of lesion diameters, one bar a patient."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import ArrayLike

from alarmin.plots.style import INK, RESPONSES, percent, styled

TOP = 100.0


@styled
def waterfall(
    arms: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    title: str = "",
    published: Mapping[str, float] | None = None,
) -> Figure:
    """Bars from the largest growth to the deepest response, by arm.

    Args:
        arms: by arm, best change from baseline [%] and best overall response ("CR", "PR", "SD", "PD", "NE"),
            `[patient]` each.
        title: what stands above.
        published: by arm, the published share of responders [0 to 1].
    """
    width = 1.2 + 3.1 * len(arms)
    figure = Figure(figsize=(width, 3.4), layout="constrained")
    row = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
    for axes, (name, (change, response)) in zip(row, arms.items(), strict=True):
        change, response = np.asarray(change, float), np.asarray(response, str)
        order = np.argsort(-change, kind="stable")
        change, response = change[order], response[order]
        rows = np.arange(len(change))
        axes.bar(rows, np.minimum(change, TOP), width=1.0, color=[RESPONSES[r] for r in response], lw=0)
        above = change > TOP
        axes.plot(rows[above], np.full(above.sum(), TOP + 4), "^", ms=2.2, color=INK, mew=0)
        for level in (-30.0, 20.0):
            axes.axhline(level, color=INK, lw=0.7, ls=(0, (4, 3)))
        axes.axhline(0.0, color=INK, lw=0.8)
        share = float(np.isin(response, ("CR", "PR")).mean())
        text = f"responders {100 * share:.0f} % of {len(change)}"
        if published and name in published:
            text += f"\npublished {100 * published[name]:.0f} %"
        axes.text(0.97, 0.97, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)
        axes.set_title(name, fontsize=9)
        axes.set(xlim=(-1, len(change)), ylim=(-105, TOP + 12), xticks=[], xlabel="Patients")
        axes.spines["bottom"].set_visible(False)
    row[0].set_ylabel("Best change of diameters")
    row[0].yaxis.set_major_locator(MultipleLocator(50))
    row[0].yaxis.set_major_formatter(FuncFormatter(percent))
    seen = {str(r) for _, response in arms.values() for r in np.asarray(response, str)}
    handles = [Line2D([], [], marker="s", ls="", ms=7, color=c, label=r) for r, c in RESPONSES.items() if r in seen]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.2)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure
