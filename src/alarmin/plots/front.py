"""Effect against toxicity of regimens."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from alarmin.plots.style import BLUE, GRAY, GREEN, INK, VERMILLION, styled

LOOKS = {
    "best": (GREEN, "D", "the best no more toxic than usual care, or else the least toxic"),
    "front": (BLUE, "o", "others that nothing beat"),
    "standard": (VERMILLION, "s", "usual care"),
    "alone": (INK, "^", "one agent, as usual"),
}
"""Color, marker and label of each kind of regimen."""

REACH = (9.0, 14.0, 20.0, 27.0)
"""How far a number may stand from its mark, nearest first [point]."""


@styled
def front(table: pd.DataFrame, *, tried: pd.DataFrame | None = None, effect: str = "", title: str = "") -> Figure:
    """Regimens that none beat, beside usual care and agents alone, with intervals both ways; numbers are those below.

    Args:
        table: a row for each regimen, with `kind` (a name in `LOOKS`), `regimen`, and `effect` and `toxicity` with
            their `_low` and `_high`.
        tried: `effect` and `toxicity` of all that was tried, in the patients who chose; drawn faintly.
        effect: what the vertical axis shows.
        title: what stands above.
    """
    figure = Figure(figsize=(7.2, 4.6 + 0.17 * len(table)), layout="constrained")
    axes = figure.subplots()
    if tried is not None:
        axes.plot(
            100.0 * tried["toxicity"], tried["effect"], "o", ms=3.5, color=GRAY, alpha=0.5, mew=0,
            label="tried, in those who chose",
        )  # fmt: skip
    listed, marks, lines = [], [], []
    for kind, (color, marker, label) in LOOKS.items():
        rows = table.loc[table["kind"] == kind].sort_values("toxicity")
        for row in rows.to_dict("records"):
            x, y = 100.0 * row["toxicity"], row["effect"]
            thin = {"color": color, "lw": 1.0, "alpha": 0.55}
            axes.plot([100.0 * row["toxicity_low"], 100.0 * row["toxicity_high"]], [y, y], **thin)
            axes.plot([x, x], [row["effect_low"], row["effect_high"]], **thin)
            listed.append(f"{len(listed) + 1}  {row['regimen']}")
            marks.append((x, y, color))
            lines.append([(100.0 * row["toxicity_low"], y), (100.0 * row["toxicity_high"], y)])
            lines.append([(x, row["effect_low"]), (x, row["effect_high"])])
        if len(rows):
            axes.plot(100.0 * rows["toxicity"], rows["effect"], marker, ms=6.5, color=color, mew=0, label=label)
    axes.axhline(0.0, color=INK, lw=0.6, zorder=0)
    axes.set(xlabel="patients with an event of grade 3 or more [%]", ylabel=effect)
    axes.margins(x=0.06)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    figure.supxlabel("\n".join(listed), x=0.02, ha="left", fontsize=7.5)
    axes.set_title(title)
    _number(axes, marks, lines)
    return figure


def _number(
    axes: Axes, marks: list[tuple[float, float, str]], lines: list[list[tuple[float, float]]], size: float = 8.5
) -> None:
    """Numbers the marks in their order, each beside its own where it hides no mark, no number and few lines."""
    if not marks:
        return
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    point = axes.figure.dpi / 72.0
    place = lambda xy: axes.transData.transform(np.asarray(xy, float)) / point
    at = place([mark[:2] for mark in marks])
    on_lines = np.concatenate([np.linspace(ends[0], ends[1], 60) for ends in map(place, lines)])
    taken = []
    for number, ((x, y, color), own) in enumerate(zip(marks, at, strict=True), start=1):
        half = np.array([0.36 * size * len(str(number)), 0.42 * size])
        best, least = np.zeros(2), np.inf
        for reach in REACH:
            for angle in np.deg2rad((45, 0, 90, 135, 180, 315, 225, 270)):
                aside = np.array([np.cos(angle), np.sin(angle)]) * (reach + np.array([half[0] - half[1], 0.0]))
                nearer = np.linalg.norm(at - own - aside, axis=1) < 1.15 * np.linalg.norm(aside)
                nearer &= np.linalg.norm(at - own, axis=1) > 1.0
                hides = lambda xy, room, where=own + aside, half=half: (
                    (np.abs(xy - where) < half + room).all(axis=1).sum()
                )
                cost = reach + 300.0 * hides(at, 4.5) + 2.5 * hides(on_lines, 0.5) + 40.0 * nearer.sum()
                cost += 300.0 * sum((np.abs(other - own - aside) < half + wide + 1.0).all() for other, wide in taken)
                if cost < least:
                    best, least = aside, cost
        taken.append((own + best, half))
        note = axes.annotate(
            str(number), (x, y), xytext=(float(best[0]), float(best[1])), textcoords="offset points",
            ha="center", va="center", fontsize=size, weight="bold", color=color, zorder=6,
            path_effects=[withStroke(linewidth=2.0, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.7, "shrinkA": 3, "shrinkB": 3}
            if np.linalg.norm(best) > 1.4 * REACH[1] else None,
        )  # fmt: skip
        note.set_in_layout(False)
