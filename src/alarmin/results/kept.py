"""Keeps what takes minutes to make in files, where several processes may look for it at once."""

import io
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar
from zipfile import BadZipFile

from alarmin.results.store import StoreError, write_file

Content = TypeVar("Content")
UNREADABLE = (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error)
"""What reading a file raises that was torn, emptied or overwritten."""


def kept(path: Path, make: Callable[[], bytes], read: Callable[[BinaryIO], Content]) -> Content:
    """The content of a file; made, and put there, where there is none that can be read.

    Args:
        path: named after all that its content depends on, so that whoever writes it writes the same.
        make: makes the file.
        read: reads all of it.
    """
    if path.exists():
        try:
            with path.open("rb") as file:
                return read(file)
        except UNREADABLE:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    content = make()
    # Another process may have put it there meanwhile; what cannot be kept is made again next time.
    with suppress(StoreError, OSError):
        write_file(path, content)
    return read(io.BytesIO(content))
