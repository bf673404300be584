"""Writes runs whole or not at all, and reads them back.

A run is a folder:

    provenance.json        what it was made from (`alarmin.results.provenance`)
    adsl.parquet, …        tables: patients (ADSL), times to events (ADTTE), responses (ADRS)
    courses/NAME.zarr      courses of lesions, as xarray Datasets
    …                      figures and texts

Everything is written into a hidden folder beside the target, brought to disk, and renamed. Whoever sees the target
sees a complete run; what exists is never overwritten.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from alarmin.errors import AlarminError, nearest
from alarmin.mechanism import marked
from alarmin.model import actions, biology, make
from alarmin.records import agent
from alarmin.results.provenance import Provenance
from alarmin.state import FIELDS, Field

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from alarmin.simulation import Course


class StoreError(AlarminError):
    """A place that cannot be written to, or a run that cannot be read."""


@dataclass(frozen=True)
class Stored:
    """A run read from disk: tables in memory, courses opened when looked into."""

    provenance: Provenance
    tables: "Mapping[str, pd.DataFrame]"
    courses: "Mapping[str, xr.Dataset]"


def ensure_new(target: str | Path) -> Path:
    """The path, after a look that nothing is there and that its folder can be written to."""
    path = Path(target)
    if path.exists() or path.is_symlink():
        raise StoreError(f"{str(target)!r} exists already", remedy="choose another name, or move the old one away")
    folder = _existing_parent(path)
    try:
        # Permissions alone do not tell: file systems may be read-only, full, or not real.
        Path(tempfile.mkdtemp(prefix=".alarmin-", dir=folder)).rmdir()
    except OSError as error:
        raise StoreError(
            f"{str(target)!r} cannot be written: {error.strerror}: {str(folder)!r}",
            remedy="choose a folder that you may write to",
        ) from None
    return path


def write(
    folder: str | Path,
    provenance: Provenance,
    *,
    tables: "Mapping[str, pd.DataFrame] | None" = None,
    courses: "Mapping[str, Course] | None" = None,
    files: Mapping[str, str | bytes] | None = None,
    every: int = 1,
) -> Path:
    """Writes a run into a new folder.

    Args:
        folder: where; must not exist.
        provenance: what the run was made from.
        tables: by name.
        courses: by name, such as the arm.
        files: other content by relative path.
        every: days between the readings of courses that are kept.
    """
    with _staged(ensure_new(folder)) as place:
        (place / "provenance.json").write_text(provenance.to_json(), encoding="utf-8")
        for name, table in (tables or {}).items():
            table.to_parquet(place / f"{name.lower()}.parquet", index=False)
        for name, course in (courses or {}).items():
            (place / "courses").mkdir(exist_ok=True)
            _save(dataset(course, every), place / "courses" / f"{name}.zarr")
        _fill(place, files or {})
    return Path(folder)


def write_course(target: str | Path, course: "Course", provenance: Provenance) -> Path:
    """Writes one course as a new Zarr store, its provenance among its attributes."""
    data = dataset(course).assign_attrs(provenance=provenance.to_json())
    with _staged(ensure_new(target)) as place:
        _save(data, place)
    return Path(target)


def write_file(target: str | Path, content: str | bytes) -> Path:
    """Writes one new file."""
    path = ensure_new(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        _to_disk(place)
        # A link, unlike a rename, does not replace a file that has come into being meanwhile.
        os.link(place, path)
        _to_disk(path.parent)
    finally:
        place.unlink(missing_ok=True)
    return path


def write_files(folder: str | Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes files by relative path into one new folder, all or none."""
    with _staged(ensure_new(folder)) as place:
        _fill(place, files)
    return Path(folder)


def _fill(place: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def read(folder: str | Path) -> Stored:
    """A run that `write` has written."""
    import pandas as pd

    place = Path(folder)
    if not (place / "provenance.json").is_file():
        raise StoreError(f"{str(folder)!r} holds no run: it has no provenance.json", remedy="give the folder of a run")
    try:
        made = Provenance.model_validate_json((place / "provenance.json").read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        raise StoreError(
            f"{str(place / 'provenance.json')!r} is not as a run writes it: "
            f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}",
            remedy="bring back the file as it was, or run again",
        ) from None
    tables = {path.stem: pd.read_parquet(path) for path in sorted(place.glob("*.parquet"))}
    courses = {path.stem: read_course(path) for path in sorted(place.glob("courses/*.zarr"))}
    return Stored(made, tables, courses)


def read_course(path: str | Path) -> "xr.Dataset":
    """The course in a Zarr store."""
    import xarray as xr

    if not Path(path).is_dir():
        near = nearest(Path(path).name, [p.name for p in Path(path).parent.glob("*.zarr")])
        raise StoreError(f"no course {str(path)!r}; {near}", remedy="give the path of a .zarr folder")
    # Read when looked into, as NumPy arrays, also where Dask is installed, whose arrays do not group by name alone.
    return xr.open_zarr(path, chunks=None, consolidated=False)


def dataset(course: "Course", every: int = 1) -> "xr.Dataset":
    """A course with coordinates and units, its readings thinned to one in `every`.

    Dimensions: `day` and `lane` for readings of whole lesions (`lesion_diameter`, …); `profile_day`, `shell` and
    `lane` for fields and signals across lesions; `dose_day` and `person` for doses (`dose_AGENT`). A lane is one
    lesion of one patient; a shell is given by its center as a share of the radius.
    """
    import xarray as xr

    cohort, known = course.cohort, _known(tuple(course.doses))
    data: dict[str, Any] = {}
    for name, values in course.lesions.items():
        unit = LESION_UNITS.get(name) or known[name].unit
        data[f"lesion_{name}"] = (("day", "lane"), _single(values[::every]), {"units": unit})
    for name, values in course.doses.items():
        given = agent(name)
        # What is given in a lesion may be no mass, such as a dose of radiation.
        unit = given.unit if given.local else "mg"
        data[f"dose_{name}"] = (("dose_day", "person"), values, {"units": unit})
    for name, values in course.profiles.items():
        about = {"units": known[name].unit, "long_name": known[name].meaning}
        data[name] = (("profile_day", "shell", "lane"), _single(values), about)
    coordinates: dict[str, Any] = {
        "day": ("day", course.days[::every], {"units": "day", "long_name": "time since the start of treatment"}),
        "patient": ("lane", cohort.ids[cohort.patient], {"long_name": "id of the patient"}),
        "lesion": ("lane", cohort.lesion, {"long_name": "number of the lesion in its patient"}),
        "person": ("person", cohort.ids, {"long_name": "id of the patient"}),
    }
    if course.profiles:
        data["radius"] = (("profile_day", "lane"), course.radius, {"units": "mm", "long_name": "radius of the lesion"})
        coordinates["profile_day"] = ("profile_day", course.profile_days, {"units": "day"})
        coordinates["shell"] = ("shell", course.shells, {"units": "1", "long_name": "share of the radius"})
    attributes = {
        "tumor": cohort.tumor,
        "regimen": course.regimen,
        "seed": cohort.seed,
        "population": cohort.population,
    }
    return xr.Dataset(data, coordinates, attributes)


LESION_UNITS = {"diameter": "mm", "tumor": "Mcell"}
"""Units of readings of whole lesions that are not means of a field."""


def _single(values: NDArray[Any]) -> NDArray[Any]:
    """The values in single precision where that loses nothing, as is so for a state in single precision."""
    short = values.astype(np.float32)
    return short if np.array_equal(short, values, equal_nan=True) else values


def _known(agents: tuple[str, ...]) -> dict[str, Field]:
    """Every field and signal by name, those that the agents bring along too."""
    found = {
        name: Field(name, "property", mark.unit, name.replace("_", " "))
        for kind in biology()
        for name, mark in marked(kind, "signal").items()
    }
    for kind, name in actions(agents):
        found |= {field.name: field for field in make(kind, lambda record, unit: 1.0, name).fields()}
    return found | FIELDS


def _existing_parent(path: Path) -> Path:
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    return parent


def _save(data: "xr.Dataset", path: Path) -> None:
    from zarr.codecs import BloscCodec

    # Consolidated metadata are not part of the Zarr 3 format.
    packed = {"compressors": (BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),)}
    encoding = {str(name): packed for name in data.data_vars}
    data.to_zarr(path, mode="w", zarr_format=3, consolidated=False, encoding=encoding)


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` when the block ends, and vanishes when it fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    place = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.partial"
    place.mkdir()
    try:
        yield place
        for path in [place, *place.rglob("*")]:
            _to_disk(path)
        if target.exists():
            raise StoreError(f"{str(target)!r} has come into being meanwhile", remedy="choose another name")
        # A rename cannot replace a folder with content, whoever made it since the line above.
        place.rename(target)
        _to_disk(target.parent)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
