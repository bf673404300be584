"""Verdicts on statements, section under section."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from alarmin.plots.style import BLUE, GRAY, ORANGE, SKY, VERMILLION, styled

COLORS = {
    "reproduced": BLUE,
    "opposite": VERMILLION,
    "no effect": ORANGE,
    "not modelled": GRAY,
    "concept": SKY,
    "empirical": "#D5DADF",
}


@styled
def verdicts(counts: Mapping[str, Mapping[str, int]], *, title: str = "") -> Figure:
    """A bar for each section, as long as it has statements, in the colors of their verdicts.

    Args:
        counts: by section, how many statements have which verdict.
        title: what stands above.
    """
    figure = Figure(figsize=(6.6, 1.1 + 0.24 * len(counts)), layout="constrained")
    axes = figure.subplots()
    left = dict.fromkeys(counts, 0)
    for verdict, color in COLORS.items():
        widths = {section: count.get(verdict, 0) for section, count in counts.items()}
        if not any(widths.values()):
            continue
        bars = axes.barh(list(counts), list(widths.values()), left=list(left.values()), color=color, height=0.72)
        axes.bar_label(bars, [str(n) if n > 2 else "" for n in widths.values()], label_type="center", fontsize=7)
        bars.set_label(verdict)
        left = {section: left[section] + widths[section] for section in counts}
    axes.invert_yaxis()
    axes.set_xlabel("statements")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=6, handlelength=1.0)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure
