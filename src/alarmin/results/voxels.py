"""Stores of lesions in boxes: written profile by profile while the run goes on, read with xarray alone.

A store has the axes `profile_day`, `z`, `y`, `x` (without `z` for a section), an array for each field and signal, and
`spacing` and `radius` at each profile. It appears under its name when it is complete.
"""

import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarmin.results.provenance import Provenance
from alarmin.results.store import _known, _to_disk, ensure_new

AXES = ("z", "y", "x")
LONGEST = 64
"""Voxels along a side of a chunk."""


class VoxelStore:
    """A new Zarr store that takes one profile after the other.

    Args:
        target: where it will stand; must not exist.
        shape: voxels along each axis.
        days: of the profiles to come [day].
        agents: that the run carries, whose fields are known by their names.
        attributes: of the store.
    """

    def __init__(
        self,
        target: str | Path,
        shape: tuple[int, ...],
        days: Sequence[float],
        agents: Sequence[str],
        attributes: Mapping[str, Any],
    ) -> None:
        import zarr

        self.target = ensure_new(target)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.place = self.target.parent / f".{self.target.name}.{uuid.uuid4().hex[:8]}.partial"
        self.shape, self.days, self.known, self.row = shape, np.asarray(days, np.float64), _known(tuple(agents)), 0
        self.group = zarr.create_group(self.place, zarr_format=3, attributes=dict(attributes))
        self._line("profile_day", self.days, "day")
        self._line("spacing", np.full(len(self.days), np.nan), "mm")
        self._line("radius", np.full(len(self.days), np.nan), "mm")

    def _line(self, name: str, values: NDArray[np.float64], unit: str) -> None:
        array = self.group.create_array(
            name, shape=values.shape, dtype="float64", dimension_names=("profile_day",), attributes={"units": unit}
        )
        array[:] = values

    def add(self, fields: Mapping[str, NDArray], spacing: float, radius: float) -> None:
        """Writes the fields `[voxel]` of the next profile, whose voxels are `spacing` [mm] wide."""
        from zarr.codecs import BloscCodec

        for name, values in fields.items():
            if name not in self.group:
                about = self.known.get(name)
                self.group.create_array(
                    name,
                    shape=(len(self.days), *self.shape),
                    chunks=(1, *(min(n, LONGEST) for n in self.shape)),
                    dtype=values.dtype,
                    compressors=(BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),),
                    dimension_names=("profile_day", *AXES[-len(self.shape) :]),
                    attributes={
                        "units": about.unit if about else "1",
                        "long_name": about.meaning if about else "share of tissue in the voxel",
                    },
                )
            array: Any = self.group[name]
            array[self.row] = values.reshape(self.shape)
        for name, value in (("spacing", spacing), ("radius", radius)):
            line: Any = self.group[name]
            line[self.row] = value
        self.row += 1

    def finish(self, readings: Mapping[str, NDArray[np.float64]], provenance: Provenance) -> Path:
        """Adds the readings of the whole lesion `[day]` and what the run was made from, and shows the store."""
        self.group.attrs["provenance"] = provenance.to_json()
        for name, values in readings.items():
            array = self.group.create_array(
                f"lesion_{name}", shape=values.shape, dtype="float64", dimension_names=("day",)
            )
            array[:] = values
        for path in [self.place, *self.place.rglob("*")]:
            _to_disk(path)
        ensure_new(self.target)
        self.place.rename(self.target)
        _to_disk(self.target.parent)
        return self.target

    def drop(self) -> None:
        """Takes away what was written so far."""
        shutil.rmtree(self.place, ignore_errors=True)


def write_ome(target: str | Path, fields: Mapping[str, NDArray], colors: Mapping[str, str], spacing: float) -> Path:
    """Writes fields `[*axes]` as one OME-Zarr image (version 0.5) with a channel for each, named by the field.

    Args:
        target: where; must not exist.
        fields: by name, all of one shape.
        colors: of the channels, as six hexadecimal digits; white without one.
        spacing: width of a voxel [mm].
    """
    import zarr
    from ome_zarr_models.v05 import Image

    path = ensure_new(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.partial"
    values = np.stack([np.asarray(field, np.float32) for field in fields.values()])
    spatial = AXES[-(values.ndim - 1) :]
    axes = [{"name": "c", "type": "channel"}] + [
        {"name": name, "type": "space", "unit": "micrometer"} for name in spatial
    ]
    scale = [1.0] + [1000.0 * spacing] * len(spatial)
    dataset = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    channels = [
        {
            "label": name,
            "color": colors.get(name, "FFFFFF"),
            "active": True,
            "window": {"min": 0.0, "max": top, "start": 0.0, "end": top},
        }
        for name, top in ((name, float(max(np.max(field), 1e-12))) for name, field in fields.items())
    ]
    about = {
        "version": "0.5",
        "multiscales": [{"name": path.stem, "axes": axes, "datasets": [dataset]}],
        "omero": {"channels": channels},
    }
    try:
        group = zarr.create_group(place, zarr_format=3, attributes={"ome": about})
        array = group.create_array(
            "0",
            shape=values.shape,
            chunks=(1, *(min(n, LONGEST) for n in values.shape[1:])),
            dtype="float32",
            dimension_names=("c", *spatial),
        )
        array[:] = values
        Image.from_zarr(zarr.open_group(place, mode="r"))  # refuses what is not valid
        place.rename(path)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return path
