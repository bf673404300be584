"""One look for all pictures: colors that color-blind readers tell apart, type that survives a slide and a column."""

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

# Okabe and Ito's set, without the yellow that vanishes on white.
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE, INK, GRAY = "#56B4E9", "#CC79A7", "#1B1F24", "#7A828C"
CYCLE = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK)

RESPONSES = {"CR": BLUE, "PR": SKY, "SD": "#B9C0C8", "PD": ORANGE, "NE": GRAY}
"""Colors of best overall responses."""

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "figure.dpi": 120,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.dpi": 200,
    "svg.fonttype": "path",
    "svg.hashsalt": "alarmin",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.direction": "out",
    "xtick.labelsize": 8.0,
    "ytick.color": INK,
    "ytick.labelsize": 8.0,
}

Draw = TypeVar("Draw", bound=Callable[..., Figure])


def styled(draw: Draw) -> Draw:
    """A function that draws in the common look, whatever the reader's own settings are."""

    @wraps(draw)
    def inner(*args, **options):  # type: ignore[no-untyped-def]
        with mpl.rc_context(STYLE):
            return draw(*args, **options)

    return inner  # type: ignore[return-value]


def month_step(end: float) -> float:
    """Months between ticks of an axis that ends at `end`."""
    return next((step for step in (1, 2, 3, 6, 12, 24, 60) if end / step <= 9), 120)


def percent(value: float, _: int = 0) -> str:
    """A change in percent, with its sign."""
    return f"{value:+.0f} %".replace("-", "−") if value else "0"


def render(figure: Figure, kind: str) -> bytes:
    """The picture as a file of the kind "svg", "png" or "pdf"; equal pictures give equal bytes."""
    buffer = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}[kind]
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format=kind, metadata=metadata, facecolor=figure.get_facecolor())
    return buffer.getvalue()


def new_pair(path: str | Path) -> tuple[Path, Path]:
    """Where a picture goes as SVG and as PNG; raises `StoreError` where one is there or cannot be written."""
    from alarmin.results import ensure_new

    place = Path(path)
    return ensure_new(place.with_suffix(".svg")), ensure_new(place.with_suffix(".png"))


def save(figure: Figure, path: str | Path) -> tuple[Path, Path]:
    """Writes the picture as SVG for print and as PNG for slides, beside one another, as two new files.

    Raises `StoreError` where one of them exists or cannot be written; then neither is.
    """
    from alarmin.results import write_file

    written = new_pair(path)
    drawn = [render(figure, file.suffix[1:]) for file in written]
    for file, content in zip(written, drawn, strict=True):
        write_file(file, content)
    return written
