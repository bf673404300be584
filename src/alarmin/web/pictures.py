"""Files for the pages: every picture as SVG and PNG, every table as CSV and Parquet."""

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from alarmin.web.worker import Outcome, Report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PICTURES, TABLES = ("svg", "png"), ("csv", "parquet")
"""Kinds of files."""


def drawn(figures: "Mapping[str, Figure]", kinds: tuple[str, ...] = PICTURES) -> dict[str, bytes]:
    """Files by name, `NAME.svg` and `NAME.png` of each figure."""
    from alarmin.plots import render

    return {f"{name}.{kind}": render(figure, kind) for name, figure in figures.items() for kind in kinds}


def drawn_later(make: "Callable[[], Figure]", file: str, report: Report) -> Outcome:
    """A work that draws one picture, as the file that is asked for."""
    name, _, kind = file.rpartition(".")
    return Outcome({}, drawn({name: make()}, (kind,)))


def written(tables: "Mapping[str, pd.DataFrame]") -> dict[str, bytes]:
    """Files by name, `NAME.csv` and `NAME.parquet` of each table."""
    files = {}
    for name, table in tables.items():
        files[f"{name}.csv"] = table.to_csv(index=False).encode()
        parquet = io.BytesIO()
        table.to_parquet(parquet, index=False)
        files[f"{name}.parquet"] = parquet.getvalue()
    return files
