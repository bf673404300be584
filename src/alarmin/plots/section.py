"""Cuts through one lesion at chosen days, in the manner of immunofluorescence: a color for each field, and a merge."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.typing import ArrayLike, NDArray

from alarmin.plots.style import styled

NIGHT, STARLIGHT, DUSK = "#0B0E14", "#E8ECF1", "#9AA4B2"
PIXELS = 320


class Channel(NamedTuple):
    """How a field is shown: name, color, unit, weight in the merged picture (0: not in it), and its scale.

    The scale goes from 0 to `top` in every picture; without a `top`, to the largest value of this one. `root` has
    brightness follow the square root of the value, so that fields that differ manyfold can be read on one scale.
    """

    title: str
    color: str
    unit: str = ""
    merged: float = 0.0
    top: float = 0.0
    root: bool = False


CHANNELS = {
    "tumor": Channel("Tumor cells", "#E8388F", "Mcell/mL", merged=0.75, top=200.0),
    "oxygen": Channel("Oxygen", "#4CB9F5", "mmHg", top=60.0),
    "collagen": Channel("Collagen", "#F28C28", "mg/mL", top=40.0, root=True),
    "hyaluronan": Channel("Hyaluronan", "#B79CFF", "mg/mL", top=4.0, root=True),
    "alarm": Channel("Alarm", "#FFDD33", "", merged=0.8, top=0.4, root=True),
    "cd8": Channel("CD8 effectors", "#2FE08B", "Mcell/mL", merged=1.0, top=20.0, root=True),
}
"""The fields in their order, each in a color of its own whose lightness alone carries the value, on one scale in all
pictures."""


@styled
def section(
    days: ArrayLike,
    radius: ArrayLike,
    shells: ArrayLike,
    fields: Mapping[str, ArrayLike],
    *,
    at: Sequence[float],
    title: str = "",
    diameter: tuple[ArrayLike, ArrayLike] | None = None,
    doses: Mapping[str, Sequence[float]] | None = None,
    channels: Mapping[str, Channel] = CHANNELS,
) -> Figure:
    """Disks in true size: a column for each day; rows of the merged picture and of two fields in half a disk each.

    Each field has the color scale of its channel, which is printed beside it, on all days and in all pictures. A dotted
    circle is the margin on the first day shown. Below stands the diameter over time.

    Args:
        days: times of the profiles, `[profile]` [day].
        radius: of the lesion, `[profile]` [mm].
        shells: centers of the shells as a share of the radius, `[shell]`.
        fields: by name, `[profile, shell]`; those in `channels` are shown, in the order of `channels`.
        at: days to show; the nearest profile is taken for each.
        title: what stands above.
        diameter: days and diameters [mm] of a finer curve for the lower panel; the profiles without it.
        doses: by agent, the days on which it was given, as ticks in the lower panel.
        channels: names, colors, units and scales of the fields.
    """
    days, radius, shells = np.asarray(days, float), np.asarray(radius, float), np.asarray(shells, float)
    columns = [int(np.abs(days - day).argmin()) for day in at]
    layers = {
        name: Layer(channel, np.asarray(fields[name], float)) for name, channel in channels.items() if name in fields
    }
    merged = [layer for layer in layers.values() if layer.channel.merged]
    names = list(layers)
    pairs = [[layers[name] for name in names[i : i + 2]] for i in range(0, len(names), 2)]
    rows = ([merged] if len(merged) > 1 else []) + pairs

    tall, wide = 1.5 * len(rows) + 0.35, 1.5 * len(columns) + 1.5
    figure = Figure(figsize=(wide, tall + 1.95), facecolor=NIGHT, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.04, wspace=0.0, hspace=0.0)  # type: ignore[union-attr]
    parts: Any = figure.subfigures(2, 1, height_ratios=[tall, 1.7])
    upper, lower = parts
    for part in parts:
        part.set_facecolor(NIGHT)
    grid = upper.subplots(len(rows), len(columns) + 1, squeeze=False, width_ratios=[*[1.0] * len(columns), 0.8])

    extent = 1.1 * float(radius[columns].max())
    first = float(radius[columns[0]])
    for row, content in enumerate(rows):
        halves = [content] if content is merged else [[layer] for layer in content]
        for axes, index in zip(grid[row], columns, strict=False):
            _disk(axes, float(radius[index]), shells, [[layer.at(index) for layer in half] for half in halves], extent)
            if abs(first / radius[index] - 1.0) > 0.02:
                axes.add_patch(Circle((0, 0), first, fill=False, ec=DUSK, lw=0.7, ls=(0, (1.5, 2.5)), alpha=0.8))
        _key(grid[row, -1], content, content is merged)
    for axes, index in zip(grid[0], columns, strict=False):
        change = f"   {radius[index] / first - 1.0:+.0%}".replace("-", "−") if index != columns[0] else ""
        axes.set_title(f"Day {days[index]:.0f}", color=STARLIGHT, fontsize=9, loc="center", pad=16)
        axes.text(0.5, 1.03, f"{2 * radius[index]:.0f} mm{change}", transform=axes.transAxes, ha="center", color=DUSK)
    _scale_bar(grid[-1, 0], extent)
    when, size = diameter if diameter is not None else (days, 2.0 * radius)
    _course(lower.subplots(), np.asarray(when, float), np.asarray(size, float), days[columns], doses or {})
    if title:
        figure.suptitle(title, color=STARLIGHT, x=0.015, ha="left", fontsize=11, weight="bold")
    return figure


class Layer:
    """A field in its color; levels from 0 to 1 on the scale of its channel, which all days share."""

    def __init__(self, channel: Channel, values: NDArray[np.float64]) -> None:
        self.channel, self.values = channel, values
        self.top = channel.top or float(max(np.nanpercentile(values, 99.5), 1e-12))
        self.power = 0.5 if channel.root else 1.0
        self.beyond = bool(np.nanmax(values) > 1.005 * self.top)
        bright = np.asarray(to_rgb(channel.color))
        stops = [to_rgb(NIGHT), tuple(0.55 * bright), tuple(bright), tuple(0.55 * bright + 0.45)]
        self.colors = LinearSegmentedColormap.from_list("channel", list(zip((0.0, 0.4, 0.85, 1.0), stops, strict=True)))

    def at(self, index: int) -> "tuple[Layer, NDArray[np.float64]]":
        return self, np.clip(self.values[index] / self.top, 0.0, 1.0) ** self.power

    def key(self, axes: Axes, left: float, low: float, wide: float, tall: float, gap: float) -> None:
        """The scale as a bar in `axes`, with the values of no, half and full brightness written `gap` below it."""
        bar = axes.inset_axes((left, low, wide, tall))
        bar.imshow(np.linspace(0, 1, 256)[None, :], cmap=self.colors, aspect="auto")
        bar.set(xticks=[], yticks=[])
        bar.spines[:].set(visible=True, color=DUSK, linewidth=0.4)
        look: Any = {"color": DUSK, "fontsize": 6.5, "va": "center", "transform": axes.transAxes}
        half = 0.5 ** (1.0 / self.power) * self.top
        axes.text(left, low - gap, "0", **look)
        axes.text(left + 0.5 * wide, low - gap, f"{half:.3g}", ha="center", **look)
        most = f"{'≥ ' if self.beyond else ''}{self.top:.3g}"
        axes.text(left + wide, low - gap, most, ha="right", **look)


def _disk(
    axes: Axes,
    radius: float,
    shells: NDArray[np.float64],
    halves: Sequence[Sequence[tuple[Layer, NDArray[np.float64]]]],
    extent: float,
) -> None:
    line = np.linspace(-extent, extent, PIXELS)
    across, distance = line[None, :], np.hypot(line[:, None], line[None, :])
    pixel = 2.0 * extent / PIXELS
    inside = np.clip((radius - distance) / pixel + 0.5, 0.0, 1.0)
    night = np.asarray(to_rgb(NIGHT))
    picture = np.broadcast_to(night, (PIXELS, PIXELS, 3)).copy()
    for side, half in enumerate(halves):
        colors = _light(half, distance / radius, shells, night)
        shown = inside
        if len(halves) == 2:
            sign = 1.0 if side else -1.0
            shown = inside * np.clip(sign * across / pixel - 1.0, 0.0, 1.0)
        picture += shown[..., None] * (colors - night)
    axes.imshow(picture.clip(0.0, 1.0), extent=(-extent, extent, -extent, extent), interpolation="bilinear")
    axes.add_patch(Circle((0, 0), radius, fill=False, ec=STARLIGHT, lw=0.6, alpha=0.5))
    axes.set(xlim=(-extent, extent), ylim=(-extent, extent), xticks=[], yticks=[], facecolor=NIGHT)
    axes.spines[:].set_visible(False)


def _light(
    half: Sequence[tuple[Layer, NDArray[np.float64]]],
    place: NDArray[np.float64],
    shells: NDArray[np.float64],
    night: NDArray[np.float64],
) -> NDArray[np.float64]:
    if len(half) == 1:
        layer, values = half[0]
        return layer.colors(np.interp(place, shells, values))[..., :3]
    # Channels add up as light does, so that none hides another.
    dark = 1.0 - night
    for layer, values in half:
        level = layer.channel.merged * np.interp(place, shells, values)[..., None]
        dark = dark * (1.0 - level * np.asarray(to_rgb(layer.channel.color)))
    return 1.0 - dark


def _key(axes: Axes, content: Sequence[Layer], merged: bool) -> None:
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    if merged:
        axes.text(0.0, 0.78, "Merged", color=STARLIGHT, fontsize=8, weight="bold", va="center")
        for row, layer in enumerate(content):
            axes.text(0.0, 0.62 - 0.14 * row, layer.channel.title, color=layer.channel.color, va="center")
        return
    for row, layer in enumerate(content):
        head = 0.93 - 0.52 * row
        side = "" if len(content) == 1 else ("◖ ", "◗ ")[row]
        axes.text(0.0, head, side + layer.channel.title, color=STARLIGHT, fontsize=8, weight="bold", va="center")
        if layer.channel.unit:
            axes.text(0.0, head - 0.11, f"[{layer.channel.unit}]", color=DUSK, fontsize=6.5, va="center")
        layer.key(axes, 0.0, head - 0.25, 0.9, 0.07, 0.07)


def _scale_bar(axes: Axes, extent: float) -> None:
    length = next(step for step in (50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.0) if step <= 0.7 * extent)
    left, low = -0.98 * extent, -0.98 * extent
    axes.plot([left, left + length], [low, low], color=STARLIGHT, lw=2.0, solid_capstyle="butt", clip_on=False)
    axes.text(left, low + 0.06 * extent, f"{length:g} mm", color=STARLIGHT, fontsize=7, va="bottom")


def _course(
    axes: Axes,
    days: NDArray[np.float64],
    diameter: NDArray[np.float64],
    chosen: NDArray[np.float64],
    doses: Mapping[str, Sequence[float]],
) -> None:
    color = CHANNELS["tumor"].color
    axes.set_facecolor(NIGHT)
    axes.fill_between(days, 0, diameter, color=color, alpha=0.18, lw=0)
    axes.plot(days, diameter, color=color)
    axes.plot(
        chosen,
        np.interp(chosen, days, diameter),
        "o",
        ms=4.5,
        mfc=NIGHT,
        mec=STARLIGHT,
        mew=1.1,
        zorder=5,
        clip_on=False,
    )
    axes.axhline(0.7 * diameter[0], color=DUSK, lw=0.7, ls=(0, (3, 3)))
    aside = {"color": DUSK, "fontsize": 7, "va": "center", "textcoords": "offset points", "annotation_clip": False}
    axes.annotate("−30 %", (days[-1], 0.7 * diameter[0]), xytext=(7, 0), **aside)
    top = 1.15 * float(diameter.max())
    step = 0.13 * top
    for row, (agent, when) in enumerate(doses.items()):
        axes.plot(when, np.full(len(when), top + row * step), "v", ms=4, color=STARLIGHT, mew=0, clip_on=False)
        axes.annotate(agent, (days[-1], top + row * step), xytext=(7, 0), **aside)
    axes.set(xlim=(days[0], days[-1]), ylim=(0, top + step * max(len(doses) - 0.5, 0)))
    # The rows of doses are no part of the scale.
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= 1.05 * diameter.max()])
    axes.spines["left"].set_bounds(0, 1.05 * float(diameter.max()))
    axes.set_xlabel("Days of treatment", color=DUSK)
    axes.set_ylabel("Diameter [mm]", color=DUSK)
    axes.tick_params(colors=DUSK)
    axes.spines[:].set_color(DUSK)
