"""Effect against toxicity of regimens."""

import pandas as pd
from matplotlib.figure import Figure

from alarmin.plots.style import BLUE, GRAY, GREEN, INK, VERMILLION, styled

LOOKS = {
    "best": (GREEN, "D", "best of those no more toxic than usual care"),
    "front": (BLUE, "o", "others that nothing beat"),
    "standard": (VERMILLION, "s", "usual care"),
    "alone": (INK, "^", "one agent, as usual"),
}
"""Color, marker and label of each kind of regimen."""


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
    listed = []
    for kind, (color, marker, label) in LOOKS.items():
        rows = table.loc[table["kind"] == kind].sort_values("toxicity")
        for row in rows.to_dict("records"):
            x, y = 100.0 * row["toxicity"], row["effect"]
            thin = {"color": color, "lw": 1.0, "alpha": 0.55}
            axes.plot([100.0 * row["toxicity_low"], 100.0 * row["toxicity_high"]], [y, y], **thin)
            axes.plot([x, x], [row["effect_low"], row["effect_high"]], **thin)
            name = str(len(listed) + 1)
            listed.append(f"{name}  {row['regimen']}")
            axes.annotate(
                name, (x, y), xytext=(5, 4), textcoords="offset points", fontsize=8.5, weight="bold", color=color
            )
        if len(rows):
            axes.plot(100.0 * rows["toxicity"], rows["effect"], marker, ms=6.5, color=color, mew=0, label=label)
    axes.axhline(0.0, color=INK, lw=0.6, zorder=0)
    axes.set(xlabel="patients with an event of grade 3 or more [%]", ylabel=effect)
    axes.margins(x=0.06)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    figure.supxlabel("\n".join(listed), x=0.02, ha="left", fontsize=7.5)
    axes.set_title(title)
    return figure
