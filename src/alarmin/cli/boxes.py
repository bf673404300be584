"""The part of `alarmin simulate` that lays a lesion out in a box, and shows and stores it voxel by voxel."""

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError

if TYPE_CHECKING:
    from alarmin.patients import Cohort
    from alarmin.simulation import Course

SIDE = 32
"""Voxels along each side of a box, where nothing else is said."""

VESSEL_LENGTH = 1.0
"""Length over which vessels vary, where nothing else is said [mm]."""


@dataclass(frozen=True)
class Layout:
    """What the options say of a box and of the lesion in it; None where they say nothing."""

    geometry: str
    shape: str | None
    spacing: float | None
    diameter: float | None
    source: Path | None
    vessel_spread: float | None
    vessel_length: float | None

    @property
    def axes(self) -> int:
        """Of the box."""
        return 2 if self.geometry == "plane" else 3

    def check(self) -> None:
        """Refuses what cannot be meant, before anything is computed."""
        if self.spacing == 0 or self.diameter == 0:
            raise AlarminError("a --spacing or --diameter of 0", remedy="give a positive length in mm")
        if self.vessel_length == 0:
            raise AlarminError("a --vessel-length of 0", remedy="give a positive length in mm")
        if self.vessel_length is not None and not self.vessel_spread:
            raise AlarminError(
                f"--vessel-length {self.vessel_length:g} where vessels do not vary", remedy="add --vessel-spread"
            )
        if self.source is None:
            _shape(self.shape, self.axes)
        else:
            self.map(self.source)

    def map(self, source: Path) -> tuple[NDArray[np.float64], float]:
        """The tissue of a map, and its spacing [mm]."""
        from alarmin.geometry import read_map

        if self.shape is not None or self.diameter is not None:
            raise AlarminError("--from beside --shape or --diameter", remedy="the map says both: leave them out")
        tissue, told = read_map(source)
        if tissue.ndim != self.axes:
            raise AlarminError(
                f"a map of {tissue.ndim} axes for --geometry {self.geometry}", remedy=f"give one of {self.axes} axes"
            )
        spacing = self.spacing or told
        if spacing is None:
            raise AlarminError(f"{str(source)!r} says no spacing", remedy="give --spacing in mm")
        return tissue, spacing

    def laid_out(self, cohort: "Cohort") -> "tuple[Cohort, Any]":
        """The first lesion of the patient in its box, and the grid."""
        from alarmin import geometry
        from alarmin.numerics.box import Box

        one = geometry.one_lesion(cohort)
        if self.source is not None:
            tissue, spacing = self.map(self.source)
        else:
            shape = _shape(self.shape, self.axes)
            diameter = self.diameter or 2.0 * float(np.asarray((one.untreated or {})["radius"])[0, 0])
            # Two thirds of the box leave room for the lesion to change its shape.
            spacing = self.spacing or diameter / (0.67 * min(shape))
            tissue = geometry.ball_in(shape, spacing, diameter)
        vessels = None
        if self.vessel_spread:
            vessels = geometry.VesselMap(self.vessel_spread, self.vessel_length or VESSEL_LENGTH)
        box = Box(tissue.shape)
        radius = geometry.lesion_radius(tissue, spacing)
        return geometry.boxed(one, box, tissue, radius=radius, vessels=vessels), box


def _shape(text: str | None, axes: int) -> tuple[int, ...]:
    if text is None:
        return (SIDE,) * axes
    try:
        shape = tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        shape = ()
    if len(shape) != axes or not all(8 <= n <= 1024 for n in shape):
        example = ",".join(["64"] * axes)
        raise AlarminError(f"--shape {text}", remedy=f"give {axes} whole numbers from 8 to 1024, such as {example}")
    return shape


class Keeper:
    """Takes profiles as they come: the whole of each into the store, its middle section for the movie."""

    def __init__(self, box: Any, store: Any) -> None:
        self.box, self.store = box, store
        self.days: list[float] = []
        self.frames: list[dict[str, NDArray]] = []
        self.spacing: list[float] = []
        self.last: dict[str, NDArray] = {}

    def __call__(self, day: int, fields: Mapping[str, NDArray], radius: NDArray) -> None:
        """One profile."""
        import jax.numpy as jnp

        from alarmin.numerics.box import Extent

        extent = Extent(jnp.asarray(radius)[None], jnp.asarray(fields["tissue"]))
        spacing = float(self.box.width(extent)[0, 0])
        flat = {name: np.ascontiguousarray(values[:, 0]) for name, values in fields.items()}
        if self.store is not None:
            self.store.add(flat, spacing, float(radius[0]))
        whole = {name: values.reshape(self.box.shape) for name, values in flat.items()}
        middle = tuple(n // 2 for n in self.box.shape[:-2])
        self.days.append(float(day))
        self.spacing.append(spacing)
        self.frames.append({name: values[middle].copy() for name, values in whole.items()})
        self.last = whole


def run_box(
    cohort: "Cohort",
    layout: Layout,
    plan: Any,
    days: int,
    every: int,
    progress: Callable[[int, int], None],
    *,
    out: Path | None,
    ome: Path | None,
    movie: Path | None,
    multiplex: Path | None,
    seed: int,
) -> "Course":
    """Runs a lesion in its box and writes what is asked for."""
    from alarmin import results
    from alarmin.plots.multiplex import multiplex as stained
    from alarmin.plots.section import CHANNELS
    from alarmin.plots.stack import movie as moving
    from alarmin.results.voxels import VoxelStore, write_ome
    from alarmin.simulation import Settings, simulate

    boxed, box = layout.laid_out(cohort)
    about = {"tumor": boxed.tumor, "regimen": str(plan), "seed": seed, "geometry": layout.geometry}
    about |= {"patient": int(boxed.ids[0])}
    store = None
    if out is not None:
        store = VoxelStore(out, box.shape, [*map(float, range(0, days, every)), float(days)], plan.agents, about)
    keeper = Keeper(box, store)
    try:
        course = simulate(
            boxed,
            plan,
            days=days,
            profile_every=every,
            watch=keeper,
            settings=Settings(grid=box, lanes=1, workers=1),
            progress=progress,
        )
        if store is not None:
            made = results.provenance(
                command=" ".join(["alarmin", *sys.argv[1:]]),
                subject={"tumor": boxed.tumor, "regimen": course.regimen},
                seed=seed,
                patients=1,
                records=boxed.records,
                population=boxed.population,
            )
            store.finish({name: values[:, 0] for name, values in course.lesions.items()}, made)
    except BaseException:
        if store is not None:
            store.drop()
        raise
    if ome is not None:
        colors = {name: channel.color.removeprefix("#") for name, channel in CHANNELS.items()}
        write_ome(ome, keeper.last, colors, keeper.spacing[-1])
    if movie is not None:
        results.write_file(movie, moving(keeper.days, keeper.frames, keeper.spacing, f"{boxed.tumor}"))
    if multiplex is not None:
        from PIL import Image

        picture = io.BytesIO()
        width = min(1.0, 0.9 * min(keeper.frames[-1]["tissue"].shape) * keeper.spacing[-1])
        Image.fromarray(stained(keeper.frames[-1], keeper.spacing[-1], width=width, seed=seed)).save(picture, "PNG")
        results.write_file(multiplex, picture.getvalue())
    return course
