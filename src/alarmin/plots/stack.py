"""Cross-sections through a lesion in a box over time, as a moving picture."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from alarmin.plots.section import CHANNELS, DUSK, NIGHT, STARLIGHT


def stack_figure(
    day: float,
    fields: Mapping[str, NDArray],
    spacing: float,
    tops: Mapping[str, float],
    extent: float,
    title: str = "",
) -> Figure:
    """Sections `[y, x]` of several fields on one day, each in a color of its own, in true size.

    Args:
        day: shown above.
        fields: those in `alarmin.plots.section.CHANNELS` are shown, where `tissue` is at least one half.
        spacing: width of a voxel [mm].
        tops: by field, the value at the bright end of its color.
        extent: half the width of what is shown [mm].
        title: what stands above.
    """
    names = [name for name in CHANNELS if name in fields]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.1 * columns, 2.35 * rows + 0.45), facecolor=NIGHT, layout="constrained", dpi=110)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    tissue = np.asarray(fields["tissue"])
    half = [0.5 * n * spacing for n in tissue.shape]
    for ax, name in zip(axes, names, strict=False):
        bright = np.asarray(to_rgb(CHANNELS[name].color))
        stops = [to_rgb(NIGHT), tuple(0.55 * bright), tuple(bright), tuple(0.55 * bright + 0.45)]
        colors = LinearSegmentedColormap.from_list(name, list(zip((0.0, 0.4, 0.85, 1.0), stops, strict=True)))
        values = np.where(tissue >= 0.5, fields[name], 0.0)
        ax.imshow(
            values,
            cmap=colors,
            vmin=0.0,
            vmax=tops[name],
            extent=(-half[1], half[1], -half[0], half[0]),
            interpolation="bilinear",
        )
        ax.set(xlim=(-extent, extent), ylim=(-extent, extent), xticks=[], yticks=[], facecolor=NIGHT)
        ax.spines[:].set_visible(False)
        text = f"{CHANNELS[name].title}  ≤ {tops[name]:.3g} {CHANNELS[name].unit}"
        ax.set_title(text, color=STARLIGHT, fontsize=7)
    for ax in axes[len(names) :]:
        ax.axis("off")
    bar = 10.0 ** np.floor(np.log10(extent))
    axes[0].plot([-0.95 * extent, -0.95 * extent + bar], [-0.93 * extent] * 2, color=STARLIGHT, lw=2)
    axes[0].text(-0.95 * extent, -0.9 * extent, f"{bar:g} mm", color=STARLIGHT, fontsize=6, va="bottom")
    figure.suptitle(f"{title}   day {day:.0f}", color=DUSK, fontsize=8)
    return figure


def movie(
    days: Sequence[float], frames: Sequence[Mapping[str, NDArray]], spacing: Sequence[float], title: str = ""
) -> bytes:
    """A GIF of sections, a frame for each profile; one color scale for all."""
    from PIL import Image

    names = [name for name in CHANNELS if name in frames[0]]
    tops = {n: float(max(max(np.percentile(f[n][f["tissue"] >= 0.5], 99.5) for f in frames), 1e-12)) for n in names}
    extent = max(0.5 * max(f["tissue"].shape) * h for f, h in zip(frames, spacing, strict=True))
    pictures = []
    for day, frame, width in zip(days, frames, spacing, strict=True):
        canvas = FigureCanvasAgg(stack_figure(day, frame, width, tops, extent, title))
        canvas.draw()
        pictures.append(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    # One palette for all frames, refined: six hues have to share it, and a rare bright end would else take another's.
    palette = Image.fromarray(np.concatenate(pictures)).quantize(256, kmeans=3)
    pictures = [Image.fromarray(picture).quantize(palette=palette) for picture in pictures]
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=500, loop=0)
    return out.getvalue()
