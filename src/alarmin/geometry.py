"""Lesions on other grids than the ball: patients are enrolled on the ball and laid out on a point or in a box.

A lesion in a box is a ball, or what a picture or map says. It starts with the fields that the ball of its patient has
at the same depth, and with vessels that vary from place to place where a `VesselMap` is given.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.numerics.box import Box, Extent
from alarmin.numerics.random import normal
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort

ROOM = 0.85
"""Most of the shortest side of a box that a ball in it may take, so that it can change its shape [-]."""

FINE = 5
"""Points along each side of a voxel at which the share of a ball in it is counted."""


class GeometryError(AlarminError):
    """A box, a map or a lesion that do not go together."""


class VesselMap(NamedTuple):
    """How vessels vary from place to place: a log-normal field of mean 1.

        m(x) = exp(s g(x) - s²/2),   g standard normal, correlated over the length l: exp(-|x - y|²/(4 l²))

    Attributes:
        spread: s [-].
        length: l [mm].
    """

    spread: float
    length: float

    def sample(self, cohort: Cohort, lane: int, shape: tuple[int, ...], spacing: float) -> NDArray[np.float64]:
        """The map of one lesion, `[*axes]`; it depends on the seed, the patient, and the lesion alone."""
        row, lesion = int(cohort.patient[lane]), int(cohort.lesion[lane])
        who = np.asarray([cohort.ids[row]])
        rough = normal(cohort.seed, f"vessel map {lesion}", who, shape)[0]
        width = self.length / spacing
        waves = np.meshgrid(*(2.0 * np.pi * np.fft.fftfreq(n) for n in shape), indexing="ij")
        filtered = np.exp(-0.5 * width**2 * sum(wave * wave for wave in waves))
        smooth = np.fft.ifftn(np.fft.fftn(rough) * filtered).real
        smooth = smooth / np.sqrt(np.mean(filtered**2))
        return np.exp(self.spread * smooth - 0.5 * self.spread**2)


def well_mixed(cohort: Cohort, ball: Sphere = Sphere()) -> Cohort:
    """The patients with each field of a lesion at its volume mean, for `alarmin.numerics.well_mixed`."""
    untreated = _untreated(cohort)
    found = {}
    for name, values in untreated.items():
        whole = values.shape[0] == ball.shells
        mean = ball.shares.astype(values.dtype)[None] @ values if whole else values
        found[name] = mean
    return replace(cohort, untreated=found)


def boxed(
    cohort: Cohort,
    box: Box,
    tissue: NDArray[np.floating],
    *,
    radius: float | None = None,
    vessels: VesselMap | None = None,
    ball: Sphere = Sphere(),
) -> Cohort:
    """The patients with each lesion laid out in a box.

    Args:
        cohort: patients in their untreated state on `ball`.
        box: the grid.
        tissue: share of tissue in each voxel, `[*axes]`, for all lesions.
        radius: of a ball of the volume of each lesion [mm]; without it, the patient's own.
        vessels: how vessels vary from place to place; everywhere alike without it.
        ball: on which the patients were enrolled.

    Raises `GeometryError` where map and box differ in shape, or hold no tissue.
    """
    if tissue.shape != box.shape:
        raise GeometryError(f"a map of {tissue.shape} voxels for a box of {box.shape}", remedy="give them one shape")
    if not np.isfinite(tissue).all() or tissue.min() < 0.0 or tissue.max() > 1.0 or tissue.sum() < 1.0:
        raise GeometryError(
            f"shares of tissue between {tissue.min():g} and {tissue.max():g}, {tissue.sum():g} voxels together",
            remedy="give shares from 0 to 1 that fill a voxel at least",
        )
    untreated, kind = _untreated(cohort), np.asarray(_untreated(cohort)["oxygen"]).dtype
    radii = untreated["radius"] if radius is None else np.full_like(untreated["radius"], radius)
    share = np.repeat(tissue.reshape(-1, 1).astype(kind), cohort.lanes, axis=1)
    extent = Extent(jnp.asarray(radii), jnp.asarray(share))
    place = np.clip(1.0 - np.asarray(box.depth(extent)) / radii, 0.0, 1.0)
    found: dict[str, Any] = {"radius": radii, "tissue": share, "velocity": np.zeros((box.paths, cohort.lanes), kind)}
    for name, values in untreated.items():
        if name in found:
            continue
        if values.shape[0] != ball.shells:
            found[name] = values
            continue
        lanes = [np.interp(place[:, lane], ball.centers, values[:, lane]) for lane in range(cohort.lanes)]
        found[name] = np.stack(lanes, axis=-1).astype(kind)
    if vessels is not None:
        width = np.asarray(box.width(extent))[0]
        for lane in range(cohort.lanes):
            map_of = vessels.sample(cohort, lane, box.shape, float(width[lane])).reshape(-1)
            for name in ("vessel_mature", "vessel_immature"):
                found[name][:, lane] *= map_of.astype(kind)
    return replace(cohort, untreated=found)


def one_lesion(cohort: Cohort, lane: int = 0) -> Cohort:
    """The patient of a lane as if this lesion were his only one."""
    row = int(cohort.patient[lane])
    only = np.asarray([lane])
    return replace(
        cohort,
        ids=cohort.ids[[row]],
        patient=np.zeros(1, np.int64),
        lesion=np.zeros(1, np.int64),
        values={record: value[only] for record, value in cohort.values.items()},
        untreated={name: values[..., only] for name, values in _untreated(cohort).items()},
    )


def ball_in(shape: tuple[int, ...], spacing: float, diameter: float) -> NDArray[np.float64]:
    """Shares of tissue of a ball (in a section, a disk) in the middle of a box, `[*axes]`.

    Raises `GeometryError` where the ball leaves no room to the walls.
    """
    short = min(shape) * spacing
    if diameter > ROOM * short:
        raise GeometryError(
            f"a lesion of {diameter:.3g} mm in a box of {short:.3g} mm",
            remedy=f"leave room: --diameter of at most {ROOM * short:.3g}, or a larger --spacing or --shape",
        )
    if diameter < 4.0 * spacing:
        raise GeometryError(
            f"a lesion of {diameter:.3g} mm in voxels of {spacing:.3g} mm",
            remedy="make it at least four voxels wide",
        )
    parts = (np.arange(FINE) + 0.5) / FINE
    total = np.zeros(shape)
    for offsets in np.stack(np.meshgrid(*[parts] * len(shape), indexing="ij"), axis=-1).reshape(-1, len(shape)):
        squares: Any = 0.0
        for axis, (n, offset) in enumerate(zip(shape, offsets, strict=True)):
            line = (np.arange(n) + offset - 0.5 * n) ** 2
            squares = squares + line.reshape([-1 if other == axis else 1 for other in range(len(shape))])
        total += squares <= (0.5 * diameter / spacing) ** 2
    return total / FINE ** len(shape)


def lesion_radius(tissue: NDArray[np.floating], spacing: float) -> float:
    """Radius of a ball (of a section, a disk) that holds as much tissue [mm]."""
    voxels = float(tissue.sum())
    if tissue.ndim == 2:
        return spacing * np.sqrt(voxels / np.pi)
    return spacing * np.cbrt(voxels / (4.0 / 3.0 * np.pi))


def read_map(path: str | Path) -> tuple[NDArray[np.float64], float | None]:
    """A map of two or three axes and, where it says so, its spacing [mm].

    A NumPy file (.npy), a Zarr array, or an OME-Zarr image, of which the finest level is taken, at its first time and
    channel; its scale is the spacing. Values are scaled so that the largest is 1.

    Raises `GeometryError` where nothing of the kind is there, or its voxels are no cubes.
    """
    place = Path(path)
    remedy = "give a .npy file, a Zarr array, or an OME-Zarr image"
    if not place.exists():
        raise GeometryError(f"no map {str(path)!r}", remedy=remedy)
    widths: tuple[float, ...] = ()
    try:
        if place.suffix == ".npy":
            values = np.load(place, allow_pickle=False)
        else:
            values, widths = _zarr_map(place)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise GeometryError(f"{str(path)!r} cannot be read as a map: {error}", remedy=remedy) from None
    if values.dtype.kind not in "biuf" or values.size == 0:
        raise GeometryError(
            f"{str(path)!r} holds {values.size} values of the kind {values.dtype}",
            remedy="give real numbers, at least one",
        )
    for width in widths:
        if not 0.0 < width < np.inf:
            raise GeometryError(f"{str(path)!r} says a spacing of {width:g} mm", remedy="give a positive length there")
    if widths and not np.allclose(widths, widths[0], rtol=1e-3, atol=0.0):
        raise GeometryError(
            f"{str(path)!r} holds voxels of {' by '.join(f'{width:g}' for width in widths)} mm",
            remedy="resample it to voxels that are as wide along all axes",
        )
    values = values.astype(np.float64)
    while values.ndim > 3:
        values = values[0]
    if values.ndim not in (2, 3) or not np.isfinite(values).all() or values.min() < 0.0 or values.max() <= 0.0:
        raise GeometryError(
            f"{str(path)!r} holds {values.ndim} axes, with values from {values.min():g} to {values.max():g}",
            remedy="give two or three axes of finite numbers that are not negative",
        )
    return values / values.max(), widths[0] if widths else None


MILLIMETERS = {"angstrom": 1e-7, "nanometer": 1e-6, "micrometer": 1e-3, "millimeter": 1.0, "centimeter": 10.0}
"""Units of length that an OME-Zarr image may be in [mm]."""


def _zarr_map(place: Path) -> tuple[NDArray[Any], tuple[float, ...]]:
    """The values, and how wide a voxel is along each axis in space [mm]; empty where nothing is said."""
    import zarr

    found: Any = zarr.open(str(place), mode="r")
    if isinstance(found, zarr.Array):
        spacing: Any = found.attrs.get("spacing")
        return np.asarray(found[:]), () if spacing is None else tuple(map(float, np.atleast_1d(spacing)))
    attributes: Mapping[str, Any] = found.attrs.asdict()
    image = attributes.get("ome", attributes)["multiscales"][0]
    level, axes = image["datasets"][0], image["axes"]
    steps = [*level["coordinateTransformations"], *image.get("coordinateTransformations", ())]
    scale = np.prod([step["scale"] for step in steps if step["type"] == "scale"], axis=0)
    space = [axis.get("type", "space") == "space" for axis in axes]
    if scale.shape != (len(axes),):
        raise ValueError("its scale does not name each axis")
    units = [axis.get("unit", "micrometer") for axis, spatial in zip(axes, space, strict=True) if spatial]
    if unknown := set(units) - set(MILLIMETERS):
        raise ValueError(f"a unit {min(unknown)!r}; known: {', '.join(MILLIMETERS)}")
    values = np.asarray(found[level["path"]][tuple(slice(None) if spatial else 0 for spatial in space)])
    return values, tuple(float(s) * MILLIMETERS[unit] for s, unit in zip(scale[space], units, strict=True))


def _untreated(cohort: Cohort) -> Mapping[str, NDArray]:
    if cohort.untreated is None:
        raise GeometryError("these patients have no untreated state", remedy="enroll them first")
    return cohort.untreated
