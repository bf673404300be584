"""Reads what a form asks for, and refuses what is out of range, by the label of its field."""

from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from alarmin.errors import AlarminError

LARGEST_FILE = 64 * 1024
"""Largest file that can be uploaded [byte]."""

LONGEST_TEXT = 1000
Found = TypeVar("Found")


class AskedError(AlarminError):
    """A field of a form that cannot be used."""


def words(form: Mapping[str, str], name: str, label: str, default: str = "") -> str:
    """The text of a field."""
    text = str(form.get(name, default)).strip()
    if len(text) > LONGEST_TEXT:
        raise AskedError(f"{label}: {len(text)} letters", remedy=f"write it in at most {LONGEST_TEXT}")
    return text


def number(form: Mapping[str, str], name: str, label: str, least: float, most: float, default: float = 0.0) -> float:
    """The number in a field, from `least` to `most`."""
    text = words(form, name, label) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not least <= value <= most:
        raise AskedError(f"{label}: {text!r}", remedy=f"give a number from {least:g} to {most:.10g}")
    return value


def whole(form: Mapping[str, str], name: str, label: str, least: int, most: int, default: int = 0) -> int:
    """The whole number in a field, from `least` to `most`."""
    value = number(form, name, label, least, most, default)
    if value != int(value):
        raise AskedError(f"{label}: {value:g}", remedy=f"give a whole number from {least} to {most}")
    return int(value)


def from_file(content: bytes, name: str, use: Callable[[Path], Found]) -> Found:
    """What `use` makes of an uploaded file, which lies for so long under `name` in an empty folder of its own.

    The name under which it was sent is never used as one.
    """
    if len(content) > LARGEST_FILE:
        raise AskedError(
            f"the file has {len(content) / 1024:.0f} kB", remedy=f"upload at most {LARGEST_FILE // 1024} kB"
        )
    with TemporaryDirectory(prefix="alarmin-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return use(path)
