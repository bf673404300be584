"""One patient's disease over time: diameters, and the immune cells within a lesion, under one regimen or several."""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from alarmin.plots.style import CYCLE, styled

WIDTH = 76
"""Most letters in a line of the legend."""


@styled
def diameters(courses: Mapping[str, tuple[ArrayLike, ArrayLike]], *, title: str = "") -> Figure:
    """The sum of diameters as a thick line, each lesion as a thin one.

    Args:
        courses: by regimen, days `[time]` [day] and diameters `[time, lesion]` [mm].
        title: what stands above.
    """
    figure = Figure(figsize=(6.4, 3.6 + 0.2 * len(courses)), layout="constrained")
    axes = figure.subplots()
    for (days, sizes), color in zip(courses.values(), CYCLE, strict=False):
        sizes = np.asarray(sizes, float)
        if sizes.shape[1] > 1:
            axes.plot(days, sizes, color=color, lw=0.9, alpha=0.6)
        axes.plot(days, sizes.sum(axis=1), color=color)
    axes.set(xlabel="Days from the first dose", ylabel="Diameter [mm]", title=title, xlim=(0, None), ylim=(0, None))
    several = any(np.shape(sizes)[1] > 1 for _, sizes in courses.values())
    _legend(figure, list(courses), "thick: sum of all lesions; thin: each" if several else "")
    return figure


@styled
def immune_cells(courses: Mapping[str, tuple[ArrayLike, Mapping[str, ArrayLike]]], *, title: str = "") -> Figure:
    """A panel for each kind of cell, with a line for each regimen.

    Args:
        courses: by regimen, days `[profile]` [day] and densities by the name of the cell, `[profile]` [Mcell/mL].
        title: what stands above.
    """
    kinds = list(dict.fromkeys(kind for _, cells in courses.values() for kind in cells))
    rows = -(-len(kinds) // 4)
    figure = Figure(figsize=(8.2, 0.7 + 1.9 * rows + 0.2 * len(courses)), layout="constrained")
    panels = figure.subplots(rows, 4, squeeze=False, sharex=True)
    for axes in panels.flat[len(kinds) :]:
        axes.set_visible(False)
    for axes, kind in zip(panels.flat, kinds, strict=False):
        for (days, cells), color in zip(courses.values(), CYCLE, strict=False):
            axes.plot(days, cells[kind], color=color, lw=1.5)
        axes.set_title(kind, fontsize=8.5)
        axes.set(xlim=(0, None), ylim=(0, None))
    for axes in panels.flat[max(len(kinds) - 4, 0) : len(kinds)]:
        # A label of the whole figure would lie on the legend.
        axes.set_xlabel("Days from the first dose", fontsize=8)
        axes.tick_params(labelbottom=True)
    figure.supylabel("Mean density [Mcell/mL]", fontsize=9)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    _legend(figure, list(courses), "")
    return figure


def _legend(figure: Figure, names: list[str], note: str) -> None:
    lines = [Line2D([], [], color=color, label=fill(n, WIDTH)) for n, color in zip(names, CYCLE, strict=False)]
    figure.legend(handles=lines, loc="outside lower left", title=note or None, title_fontsize=8, alignment="left")
