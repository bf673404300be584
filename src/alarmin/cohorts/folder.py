"""The folder of a cohort run: its manifest, its chunks, and the lock that keeps a second run out.

    manifest.json       plan, what it is made with, and the SHA-256 of each finished chunk
    provenance.json     records in force with their sources (`alarmin.results.provenance`)
    lesions/*.parquet   the chunks: together one dataset, one row a lesion

A file is written under another name, brought to disk and renamed, so that whoever sees it sees it whole; a chunk counts
once the manifest names it. Only the process that holds the lock writes.
"""

import fcntl
import hashlib
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from alarmin.cohorts.chunk import Piece
from alarmin.cohorts.plan import MadeWith, Plan, RunError

MANIFEST, DATA, LOCK = "manifest.json", "lesions", ".lock"


class Entry(BaseModel):
    """A finished chunk: its file (none where nobody became a patient), its hash, and who is in it; `failed` by id."""

    model_config = ConfigDict(extra="forbid")

    file: str | None
    sha256: str
    patients: int
    lesions: int
    failed: dict[int, str] = {}

    @classmethod
    def of(cls, name: str | None, piece: Piece) -> "Entry":
        """The entry of a chunk whose content stands in the file `name`."""
        return cls(
            file=name, sha256=piece.sha256, patients=piece.patients, lesions=piece.lesions, failed=dict(piece.failed)
        )


class Manifest(BaseModel):
    """What is to be done, with what, and what is done.

    Attributes:
        plan, made_with: what the chunks depend on, and `key`, the SHA-256 of both.
        complete: whether all is done.
        chunks: the finished ones by number.
    """

    model_config = ConfigDict(extra="forbid")

    plan: Plan
    made_with: MadeWith
    key: str
    complete: bool = False
    chunks: dict[int, Entry] = {}

    def name(self, number: int, first: int | None = None) -> str:
        """The name of a chunk's file: its number, and a hash of all that it depends on, `first` patients if not all."""
        known = f"{self.key} {self.plan.ids(number)} {first}"
        return f"part-{number:06d}-{hashlib.sha256(known.encode()).hexdigest()[:16]}.parquet"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other runs out of the folder; the system lets go of the lock when the process ends, however it ends."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 200).decode(errors="replace").strip() or "another process"
            raise RunError(
                f"another run is at work in {str(folder)!r}: {holder}", remedy="wait for its end, or stop it"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def put(path: Path, content: bytes) -> None:
    """Writes or replaces a file, whole or not at all, and brings it to disk.

    Raises `RunError` where the disk is full, or cannot be written for another reason.
    """
    place = path.with_name(f".{path.name}.partial")
    try:
        with place.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        place.replace(path)
        _to_disk(path.parent)
    except OSError as error:
        place.unlink(missing_ok=True)
        raise RunError(
            f"{str(path)!r} cannot be written: {error.strerror}; what was finished before is safe",
            remedy=f"make room, then go on with: {going_on(_run_of(path))}",
        ) from None


def save(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest."""
    put(folder / MANIFEST, (manifest.model_dump_json(indent=1) + "\n").encode())


def keep(folder: Path, manifest: Manifest, number: int, piece: Piece) -> None:
    """Writes a chunk, then the manifest that names it."""
    name = manifest.name(number) if piece.content else None
    if name is not None:
        put(folder / DATA / name, piece.content)
    manifest.chunks[number] = Entry.of(name, piece)
    save(folder, manifest)


def load(folder: Path) -> Manifest:
    """The manifest of a folder; raises `RunError` where there is none, or none that was written by a run."""
    path = folder / MANIFEST
    if not path.is_file():
        raise RunError(
            f"{str(folder)!r} holds no cohort run: it has no {MANIFEST}",
            remedy="give the folder that was given to alarmin cohort as --out, or start one",
        )
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        raise RunError(
            f"{str(path)!r} is not as a run writes it: {'.'.join(map(str, problem['loc']))}: {problem['msg']}",
            remedy="bring back the file as it was, or start a new run in another folder",
        ) from None
    if manifest.key != manifest.made_with.key(manifest.plan):
        raise RunError(
            f"the plan in {str(path)!r} has been changed since its chunks were computed",
            remedy="change it back, or start a new run in another folder",
        )
    return manifest


def drop_damaged(folder: Path, manifest: Manifest) -> dict[int, str]:
    """Takes chunks out of the manifest whose files are not what was written; what is wrong with each, by number."""
    found = {}
    for number, entry in sorted(manifest.chunks.items()):
        if entry.file is None:
            continue
        path = folder / DATA / entry.file
        if not path.is_file():
            found[number] = f"{entry.file} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != entry.sha256:
            found[number] = f"{entry.file} is damaged: its content is not what was written"
    for number in found:
        del manifest.chunks[number]
    return found


def sweep(folder: Path, manifest: Manifest) -> None:
    """Removes what the manifest does not name: half-written files, and chunks that nobody needs."""
    named = {entry.file for entry in manifest.chunks.values()}
    ours = [*(folder / DATA).glob("part-*.parquet"), *(folder / DATA).glob(".*.partial"), *folder.glob(".*.partial")]
    for path in ours:
        if path.name not in named:
            path.unlink()


def going_on(folder: Path) -> str:
    """The shell command that goes on with a run."""
    return f"alarmin resume {shlex.quote(str(folder))}"


def _run_of(path: Path) -> Path:
    return path.parent.parent if path.parent.name == DATA else path.parent


def _to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
