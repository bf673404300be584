"""The stored run: arrays with coordinates and units, tables, and where all of it comes from."""

from alarmin.results.provenance import NOTICE, Provenance, provenance, records_by_tumor
from alarmin.results.store import (
    Stored,
    StoreError,
    dataset,
    ensure_new,
    read,
    read_course,
    write,
    write_course,
    write_file,
    write_files,
)

__all__ = [
    "NOTICE",
    "Provenance",
    "StoreError",
    "Stored",
    "dataset",
    "ensure_new",
    "provenance",
    "read",
    "read_course",
    "records_by_tumor",
    "write",
    "write_course",
    "write_file",
    "write_files",
]
