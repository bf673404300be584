"""Who was followed for how long, and what happened when: one bar a patient."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from alarmin.plots.style import GRAY, INK, RESPONSES, month_step, styled

MOST = 40
"""Patients that can be told apart on a page."""

MARKS = {
    "response": ("^", "white", "first response"),
    "progression": ("D", INK, "progression"),
    "death": ("X", INK, "death"),
}
"""Marker, fill and name of what can happen."""


@styled
def swimmer(table: pd.DataFrame, *, title: str = "", months: float | None = None, most: int = MOST) -> Figure:
    """Bars from the first day to the end of follow-up, the longest on top, in the color of the best response.

    An arrow says that the patient is alive at the end of follow-up.

    Args:
        table: a row for each patient, with the columns `patient`, `follow_up` [month], `best` ("CR", "PR", "SD",
            "PD", "NE"), `death` (whether follow-up ended in it), and `response` and `progression` [month], missing
            where they did not happen.
        title: what stands above.
        months: end of the horizontal axis; the longest follow-up without it.
        most: how many patients are drawn; of more, every so-manieth by follow-up, and the picture says so.
    """
    ordered = table.sort_values("follow_up", ascending=False, kind="stable")
    chosen = np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(int))
    shown = ordered.iloc[chosen].reset_index(drop=True)
    end = months or float(shown["follow_up"].max())
    figure = Figure(figsize=(6.4, 1.2 + 0.115 * max(len(shown), 12)), layout="constrained")
    axes = figure.subplots()
    colors = [RESPONSES[str(best)] for best in shown["best"]]
    axes.barh(np.arange(len(shown)), shown["follow_up"], height=0.72, color=colors, lw=0)
    alive = ~shown["death"].to_numpy(bool)
    axes.plot(shown["follow_up"][alive] + 0.012 * end, np.flatnonzero(alive), ">", ms=3.2, color=GRAY, mew=0)
    when = {"response": shown["response"], "progression": shown["progression"]}
    when["death"] = shown["follow_up"].where(~alive)
    for name, (marker, fill, _) in MARKS.items():
        axes.plot(when[name], np.arange(len(shown)), marker, ms=4.0, mfc=fill, mec=INK, mew=0.7, ls="", zorder=3)
    axes.set(xlim=(0, 1.03 * end), ylim=(len(shown) - 0.3, -0.7), yticks=[], xlabel="Months")
    axes.xaxis.set_major_locator(MultipleLocator(month_step(end)))
    axes.spines["left"].set_visible(False)
    every = (
        "Patients" if len(shown) == len(ordered) else f"{len(shown)} of {len(ordered)} patients, evenly by follow-up"
    )
    axes.set_ylabel(every)
    bars = [Patch(color=color, lw=0, label=name) for name, color in RESPONSES.items() if (shown["best"] == name).any()]
    signs = [
        Line2D([], [], ls="", marker=m, ms=4.5, mfc=fill, mec=INK, mew=0.7, label=name)
        for m, fill, name in MARKS.values()
    ]
    signs.append(Line2D([], [], ls="", marker=">", ms=4.0, color=GRAY, mew=0, label="alive"))
    figure.legend(handles=[*bars, *signs], loc="outside lower center", ncols=5, handletextpad=0.4, columnspacing=1.4)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure
