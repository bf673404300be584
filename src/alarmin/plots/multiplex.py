"""A section through a lesion in a box as a multiplex immunofluorescence picture: cells drawn by their densities."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates


class Stain(NamedTuple):
    """A marker: the fields whose cells carry it, its color, the radius of these cells [mm], where it stains."""

    fields: tuple[str, ...]
    color: str
    radius: float
    surface: bool


STAINS = {
    "PanCK": Stain(("tumor_sensitive", "tumor_escaped", "tumor_resistant"), "#E8388F", 0.0085, False),
    "CD8": Stain(("cd8", "cd8_exhausted", "cd8_bystander"), "#2FE08B", 0.0045, True),
    "CD4": Stain(("cd4",), "#F2E14C", 0.0045, True),
    "FoxP3": Stain(("treg",), "#FF7A33", 0.0045, True),
    "CD68": Stain(("m1", "m2"), "#29C7E8", 0.0095, False),
    "Calreticulin": Stain(("dying_immunogenic",), "#FFFFFF", 0.0075, True),
}
"""Markers of a usual panel, and calreticulin on dying cells."""

NUCLEI = "#3350D8"
THICKNESS = 0.004
"""Thickness of a section [mm]."""


def multiplex(
    fields: Mapping[str, NDArray],
    spacing: float,
    *,
    width: float = 1.0,
    center: tuple[float, float] = (0.5, 0.5),
    pixels: int = 900,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """A picture of a field of view, `[pixel, pixel, 3]`.

    Cells are drawn at random in numbers that the densities give for a section 4 µm thick; each has a nucleus in
    blue and its marker on its surface or in its body. Blur and shot noise are those of a microscope. Only the numbers
    and kinds of cells come from the run; their shapes, and where in a voxel they lie, do not.

    Args:
        fields: densities by name [Mcell/mL] and the share of tissue `tissue`, in the plane of the section, `[y, x]`.
        spacing: width of a voxel [mm].
        width: of the field of view [mm].
        center: of the field of view, as shares of the section.
        pixels: along a side.
        seed: of everything random.
    """
    draw, scale = np.random.default_rng(seed), pixels / width
    shape = np.asarray(fields["tissue"]).shape
    corner = [share * n * spacing - 0.5 * width for share, n in zip(center, shape, strict=True)]
    light = {name: np.zeros((pixels, pixels)) for name in ("nuclei", *STAINS)}
    taken = np.zeros((pixels, pixels), bool)
    # Small cells lie between large ones, so the large come first.
    for name, stain in sorted(STAINS.items(), key=lambda item: -item[1].radius):
        density = sum((np.asarray(fields[field], float) for field in stain.fields), np.zeros(shape))
        density = np.where(np.asarray(fields["tissue"]) > 0.5, density, 0.0)
        most = float(density.max())
        # 1 Mcell/mL are 1000 cells/mm³; a section shows cells that reach into it.
        expected = most * 1e3 * width * width * (THICKNESS + 2.0 * stain.radius)
        places = draw.uniform(0.0, width, (int(draw.poisson(min(expected, 60_000.0))), 2))
        at = [(places[:, axis] + corner[axis]) / spacing - 0.5 for axis in range(2)]
        kept = draw.uniform(0.0, max(most, 1e-12), len(places)) < map_coordinates(density, at, order=1)
        for y, x in places[kept] * scale:
            _cell(light, taken, name, stain, y, x, stain.radius * scale * draw.uniform(0.8, 1.2), draw)
    return _exposed(light, scale, draw)


def _cell(
    light: dict[str, NDArray], taken: NDArray, name: str, stain: Stain, y: float, x: float, size: float,
    draw: np.random.Generator,
) -> None:  # fmt: skip
    """Adds one cell where there is room: an ellipse with a nucleus of half its width."""
    reach, pixels = int(1.4 * size) + 2, taken.shape[0]
    top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
    window = (slice(top, min(int(y) + reach, pixels)), slice(left, min(int(x) + reach, pixels)))
    down, across = np.ogrid[window]
    turn, squeeze = draw.uniform(0.0, np.pi), draw.uniform(0.75, 1.0)
    a = (down - y) * np.cos(turn) + (across - x) * np.sin(turn)
    b = ((across - x) * np.cos(turn) - (down - y) * np.sin(turn)) / squeeze
    far = np.hypot(a, b) / size
    wave = 1.0 + 0.07 * np.sin(3.0 * np.arctan2(b, a) + turn)
    far = far / wave
    inside = far < 1.0
    if not inside.any() or taken[window][inside].mean() > 0.35:
        return
    free = inside & ~taken[window]
    taken[window] |= inside
    bright = draw.lognormal(0.0, 0.35)
    light["nuclei"][window] += np.where(free, np.clip((0.68 - far) * 6.0, 0.0, 1.0), 0.0) * draw.uniform(0.5, 1.0)
    body = np.exp(-(((far - 0.88) / 0.14) ** 2)) if stain.surface else np.clip((1.0 - far) * 4.0, 0.0, 1.0)
    if not stain.surface:
        body = body * (0.45 + 0.55 * np.clip((far - 0.4) * 4.0, 0.0, 1.0))
    light[name][window] += np.where(free, body * bright, 0.0)


def _exposed(light: dict[str, NDArray], scale: float, draw: np.random.Generator) -> NDArray[np.uint8]:
    """What a camera sees: blur, haze from out of focus, shot noise; channels add up as light does."""
    dark = np.ones((*light["nuclei"].shape, 3))
    for name, layer in light.items():
        color = np.asarray(to_rgb(NUCLEI if name == "nuclei" else STAINS[name].color))
        sharp = gaussian_filter(layer, 0.0007 * scale) + 0.10 * gaussian_filter(layer, 0.008 * scale)
        seen = draw.poisson(np.maximum(sharp, 0.0) * 90.0 + 0.6) / 90.0
        dark *= 1.0 - np.clip(0.85 * seen, 0.0, 1.0)[..., None] * color
    return (255.0 * (1.0 - dark) + 0.5).astype(np.uint8)
