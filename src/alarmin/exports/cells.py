"""Cells sampled from a lesion, as AnnData that scanpy and squidpy read: where each sits, what it is, what it feels.

A cell is drawn for each place with the chance that the densities there give: of all cells of the lesion, so many are
drawn in proportion to density times volume. The draw is the same for the same seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.exports.network import ExportError
from alarmin.results import read_course, write_file
from alarmin.state import FIELDS

if TYPE_CHECKING:
    import anndata as ad
    import xarray as xr

TYPES = tuple(name for name, entry in FIELDS.items() if entry.kind == "cell")
"""Kinds of cells that are drawn."""

FELT = ("oxygen", "adenosine", "collagen", "alarm", "tgf_beta", "lactate", "cxcl10", "hypoxia", "solid_stress")
"""Local fields and signals that each cell is given where the course has them."""


@dataclass(frozen=True)
class Places:
    """Pieces of a lesion: shells of a ball, voxels of a volume, or others.

    Attributes:
        densities: of each kind of cell, `[place]` [Mcell/mL].
        volumes: of the places, `[place]` [mL].
        felt: local fields and signals, `[place]`.
        inside: gives a point in each of the places asked for, `[cell]` to `[cell, 3]` [mm].
        about: what the cells come from.
    """

    densities: Mapping[str, NDArray[np.float64]]
    volumes: NDArray[np.float64]
    felt: Mapping[str, NDArray[np.float64]]
    inside: Any
    about: Mapping[str, Any] = field(default_factory=dict)


def sample(places: Places, count: int, seed: int = 0) -> "ad.AnnData":
    """`count` cells of a lesion.

    Returns AnnData without genes: `obs` holds `cell_type` and the local fields, `obsm["spatial"]` the position [mm].

    Raises `ExportError` without anndata, where `count` is not positive, or where there are no cells.
    """
    try:
        import anndata as ad
    except ImportError:
        raise ExportError(
            "anndata is not installed", remedy="pip install '.[cells]' in a copy of the repository"
        ) from None
    import pandas as pd

    if count <= 0:
        raise ExportError(f"{count} cells", remedy="ask for at least one")
    types = list(places.densities)
    amounts = np.stack([np.maximum(places.densities[name], 0.0) * places.volumes for name in types])
    if not amounts.sum() > 0.0:
        raise ExportError("the lesion has no cells", remedy="choose another day")
    rng = np.random.default_rng(seed)
    chosen = rng.choice(amounts.size, count, p=amounts.ravel() / amounts.sum())
    kind, place = np.unravel_index(chosen, amounts.shape)
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical(np.array(types)[kind], categories=types)}
        | {name: np.asarray(values)[place].astype(np.float32) for name, values in places.felt.items()},
        index=pd.Index([f"cell_{number}" for number in range(count)], dtype=object),
    )
    found = ad.AnnData(obs=obs)
    found.obsm["spatial"] = places.inside(place, rng).astype(np.float32)
    units = {name: FIELDS[name].unit for name in places.felt if name in FIELDS}
    found.uns = {"units": units | {"spatial": "mm"}, "cells_in_lesion": float(amounts.sum() * 1e6), "seed": seed}
    found.uns |= dict(places.about)
    return found


def ball(course: "xr.Dataset", day: float, lane: int = 0) -> Places:
    """The shells of a lesion on the day of a stored course (`alarmin simulate … --out`); points fill each shell evenly.

    Raises `ExportError` where the course has no profiles, or no such day or lesion.
    """
    if "profile_day" not in course.dims:
        raise ExportError("the course has no profiles", remedy="store one with alarmin simulate … --out COURSE.zarr")
    if "shell" not in course.dims:
        raise ExportError(
            "the course is of a lesion in a box, without shells",
            remedy="take a run without --geometry plane or volume, or alarmin.exports.box in Python",
        )
    days = course["profile_day"].values
    if day not in days:
        near = days[np.argmin(np.abs(days - day))]
        raise ExportError(f"no profile of day {day:g}; the nearest is of day {near:g}", remedy=f"choose day {near:g}")
    if not 0 <= lane < course.sizes["lane"]:
        raise ExportError(f"lesion {lane + 1} of {course.sizes['lane']}", remedy="choose one that is there")
    at = course.sel(profile_day=day).isel(lane=lane)
    radius, centers = float(at["radius"]), np.asarray(at["shell"], float)
    faces = _faces(centers)
    inner, outer = faces[:-1] * radius, faces[1:] * radius

    def inside(place: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
        share = rng.random(len(place))
        distance = np.cbrt(inner[place] ** 3 + share * (outer[place] ** 3 - inner[place] ** 3))
        direction = rng.normal(size=(len(place), 3))
        return distance[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)

    values = lambda names: {name: np.asarray(at[name], float) for name in names if name in at}
    about = {name: str(course.attrs[name]) for name in ("tumor", "regimen") if name in course.attrs}
    return Places(
        densities=values(TYPES),
        volumes=4.0 / 3.0 * np.pi * (outer**3 - inner**3) / 1000.0,
        felt=values(FELT),
        inside=inside,
        about=about | {"day": float(day), "lesion": lane + 1, "radius": radius},
    )


def box(
    densities: Mapping[str, NDArray[np.float64]], felt: Mapping[str, NDArray[np.float64]], spacing: tuple[float, ...]
) -> Places:
    """The voxels of a volume: fields `[x, y, z]`, `spacing` [mm]; points fill each voxel evenly."""
    shape = next(iter(densities.values())).shape
    size = np.asarray(spacing, float)

    def inside(place: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
        corner = np.stack(np.unravel_index(place, shape), axis=1)
        return (corner + rng.random((len(place), 3))) * size

    flat = lambda fields: {name: np.asarray(values, float).ravel() for name, values in fields.items()}
    volume = float(np.prod(size)) / 1000.0
    return Places(flat(densities), np.full(int(np.prod(shape)), volume), flat(felt), inside)


def export_cells(course: str | Path, target: str | Path, *, day: float, lesion: int, count: int, seed: int = 0) -> Path:
    """Writes cells of a lesion of a stored course as a new `.h5ad` file."""
    import tempfile

    if Path(target).suffix != ".h5ad":
        raise AlarminError(f"cells as {Path(target).suffix!r}", remedy="end its name in .h5ad")
    found = sample(ball(read_course(course), day, lesion - 1), count, seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "cells.h5ad"
        found.write_h5ad(place)
        return write_file(target, place.read_bytes())


def _faces(centers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Faces of the shells, from 0 to 1, half way between which their centers lie."""
    faces = [0.0]
    for center in centers:
        faces.append(2.0 * center - faces[-1])
    return np.asarray(faces)
