"""Effect against toxicity of regimens."""

import pandas as pd
from matplotlib.figure import Figure

from alarmin.plots.style import BLUE, GRAY, INK, VERMILLION, styled


@styled
def front(table: pd.DataFrame, *, tried: pd.DataFrame | None = None, effect: str = "", title: str = "") -> Figure:
    """Regimens that none beats, beside each agent alone, with intervals both ways; numbers are those of a list below.

    Args:
        table: a row for each regimen, with `kind` ("front" or "alone"), `regimen`, and `effect` and `toxicity` with
            their `_low` and `_high`.
        tried: `effect` and `toxicity` of all that was tried, in the patients who chose; drawn faintly.
        effect: what the vertical axis shows.
        title: what stands above.
    """
    figure = Figure(figsize=(7.2, 4.3 + 0.17 * len(table)), layout="constrained")
    axes = figure.subplots()
    if tried is not None:
        axes.plot(100.0 * tried["toxicity"], tried["effect"], "o", ms=3, color=GRAY, alpha=0.35, mew=0, label="tried")
    looks = (("front", BLUE, "o", "front, in other patients"), ("alone", VERMILLION, "s", "one agent, standard dose"))
    listed = []
    for kind, color, marker, label in looks:
        rows = table.loc[table["kind"] == kind].sort_values("toxicity")
        for row in rows.to_dict("records"):
            x, y = 100.0 * row["toxicity"], row["effect"]
            axes.plot([100.0 * row["toxicity_low"], 100.0 * row["toxicity_high"]], [y, y], color=color, lw=0.9)
            axes.plot([x, x], [row["effect_low"], row["effect_high"]], color=color, lw=0.9)
            name = str(len(listed) + 1)
            listed.append(f"{name}  {row['regimen']}")
            axes.annotate(name, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7.5, color=INK)
        axes.plot(100.0 * rows["toxicity"], rows["effect"], marker, ms=5.5, color=color, mew=0, label=label)
    axes.axhline(0.0, color=INK, lw=0.6, zorder=0)
    axes.set(xlabel="patients with an event of grade 3 or more [%]", ylabel=effect)
    axes.legend(loc="best")
    figure.supxlabel("\n".join(listed), x=0.02, ha="left", fontsize=7)
    if title:
        axes.set_title(title)
    return figure
