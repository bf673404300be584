"""Shares of inflamed, excluded and desert tumors, by type, beside what was published."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from alarmin.plots.style import GRAY, GREEN, INK, ORANGE, styled

COLORS = {"inflamed": GREEN, "excluded": ORANGE, "desert": "#C9CED6"}
HEIGHT, APART, NEXT = 0.34, 0.38, 0.56


@styled
def phenotypes(table: pd.DataFrame, names: Mapping[str, str] | None = None, *, title: str = "") -> Figure:
    """A stacked bar for each tumor type in the model, and under it a hatched one for what was published.

    Where published shares do not add up to one, the rest was given another name and is left open.

    Args:
        table: a row for each tumor type and phenotype, with the columns `tumor`, `quantity` (the phenotype), `model`,
            `published` and `status`; published shares may be missing.
        names: what tumor types are called.
        title: what stands above.
    """
    types = [str(tumor) for tumor in dict.fromkeys(table["tumor"])]
    shares = {tumor: table[table["tumor"] == tumor].set_index("quantity").reindex(list(COLORS)) for tumor in types}
    measured = [bool(shares[tumor]["published"].notna().all()) for tumor in types]
    at = np.cumsum([0.0, *(NEXT + APART * both for both in measured)])
    figure = Figure(figsize=(7.2, 1.1 + 0.46 * at[-1]), layout="constrained")
    axes = figure.subplots()
    for y, tumor, both in zip(at, types, measured, strict=False):
        _bar(axes, y, shares[tumor]["model"].to_numpy(float), hatched=False)
        if both:
            _bar(axes, y + APART, shares[tumor]["published"].to_numpy(float), hatched=True)
            if (shares[tumor]["status"] != "read").any():
                axes.text(1.01, y + APART, "published, unverified", va="center", fontsize=7, color=GRAY, clip_on=False)
    axes.set_yticks(at[:-1], [(names or {}).get(tumor, tumor) for tumor in types])
    axes.set(xlim=(0, 1), ylim=(at[-1] - 0.2, -0.35), xlabel="Share of tumors [%]")
    axes.set_xticks(np.linspace(0, 1, 6), [f"{tick:.0f}" for tick in np.linspace(0, 100, 6)])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(handles=_marks(), loc="outside lower center", ncols=5, handlelength=1.3, columnspacing=1.4)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


def _bar(axes: Axes, y: float, shares: NDArray[np.float64], hatched: bool) -> None:
    left = 0.0
    for share, color in zip(shares, COLORS.values(), strict=True):
        style: dict[str, Any] = (
            {"facecolor": "white", "edgecolor": color, "hatch": "//////"} if hatched else {"facecolor": color}
        )
        axes.barh(y, share, left=left, height=HEIGHT, linewidth=0.8 if hatched else 0.0, **style)
        if share >= 0.07:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if hatched else None
            axes.text(
                left + share / 2, y, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=INK, bbox=box
            )
        left += share
    if left < 0.93:
        axes.text(0.5 + left / 2, y, f"{100 * (1 - left):.0f} other", ha="center", va="center", fontsize=7, color=GRAY)


def _marks() -> list[Patch]:
    marks = [Patch(facecolor=color, label=name) for name, color in COLORS.items()]
    marks.append(Patch(visible=False, label="filled: model"))
    marks.append(Patch(visible=False, label="hatched: published"))
    return marks
