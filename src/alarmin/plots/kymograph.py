"""One lesion over time: each moment a column from the center to the margin, a panel for each field."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from alarmin.plots.section import CHANNELS, DUSK, NIGHT, STARLIGHT, Channel, Layer
from alarmin.plots.style import styled

PANELS = 3
"""Panels side by side."""


@styled
def kymograph(
    days: ArrayLike,
    radius: ArrayLike,
    shells: ArrayLike,
    fields: Mapping[str, ArrayLike],
    *,
    title: str = "",
    doses: Mapping[str, Sequence[float]] | None = None,
    channels: Mapping[str, Channel] = CHANNELS,
) -> Figure:
    """Fields in color over time and distance from the center, in true size, with the margin as a line.

    Args:
        days: times of the profiles, `[profile]` [day].
        radius: of the lesion, `[profile]` [mm].
        shells: centers of the shells as a share of the radius, `[shell]`.
        fields: by name, `[profile, shell]`; those in `channels` are shown, in the order of `channels`.
        title: what stands above.
        doses: by agent, the days on which it was given, as ticks above each column of panels.
        channels: names, colors, units and scales of the fields.
    """
    days, radius, shells = np.asarray(days, float), np.asarray(radius, float), np.asarray(shells, float)
    layers = [Layer(channel, np.asarray(fields[name], float)) for name, channel in channels.items() if name in fields]
    columns = min(PANELS, len(layers))
    rows = -(-len(layers) // columns)
    figure = Figure(figsize=(0.5 + 2.9 * columns, 0.9 + 2.0 * rows), facecolor=NIGHT, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    edges = _between(days)
    for number, axes in enumerate(grid.flat):
        if number >= len(layers):
            axes.set_visible(False)
            continue
        _panel(axes, layers[number], edges, radius, shells)
        axes.plot(days, radius, color=STARLIGHT, lw=1.0)
        axes.set(xlim=(days[0], days[-1]), ylim=(0, 1.04 * float(radius.max())))
        if number + columns >= len(layers):
            axes.tick_params(labelbottom=True)
        if number < columns:
            _ticks(axes, doses or {})
    figure.supxlabel("Days of treatment", fontsize=9, color=DUSK)
    figure.supylabel("Distance from the center [mm]", fontsize=9, color=DUSK)
    if title:
        figure.suptitle(title, color=STARLIGHT, x=0.015, ha="left", fontsize=11, weight="bold")
    return figure


def _panel(
    axes: Axes, layer: Layer, edges: NDArray[np.float64], radius: NDArray[np.float64], shells: NDArray[np.float64]
) -> None:
    walls = np.r_[0.0, 0.5 * (shells[1:] + shells[:-1]), 1.0]
    # Each profile holds from halfway to its neighbors, at the size that the lesion has then.
    for index, size in enumerate(radius):
        column = layer.at(index)[1][:, None]
        axes.pcolormesh(
            edges[index : index + 2], walls * size, column, cmap=layer.colors, vmin=0.0, vmax=1.0, rasterized=True
        )
    axes.set_facecolor(NIGHT)
    axes.set_title(layer.channel.title, color=layer.channel.color, fontsize=9, pad=14, y=1.0)
    unit = f"[{layer.channel.unit}]" if layer.channel.unit else ""
    axes.set_title(unit, loc="right", fontsize=6.5, pad=14, y=1.0, color=DUSK, weight="normal")
    layer.key(axes, 0.40, 1.16, 0.36, 0.03, 0.045)
    axes.tick_params(colors=DUSK)
    axes.spines[:].set_color(DUSK)


def _ticks(axes: Axes, doses: Mapping[str, Sequence[float]]) -> None:
    """A tick above the panel on each day of a dose, whatever is given."""
    given = sorted({float(day) for when in doses.values() for day in when})
    where = axes.get_xaxis_transform()
    axes.plot(given, np.full(len(given), 1.03), "v", ms=3, color=STARLIGHT, mew=0, clip_on=False, transform=where)


def _between(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """The edges of columns around the days: halfway to the neighbors, and the first and last day themselves."""
    return np.r_[days[0], 0.5 * (days[1:] + days[:-1]), days[-1]]
