"""Draws for the pages: every picture as SVG and PNG, one after the other, since matplotlib's style is shared."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from alarmin.plots import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DRAWING = threading.Lock()


def drawn(make: "Callable[[], Mapping[str, Figure]]", kinds: tuple[str, ...] = ("svg", "png")) -> dict[str, bytes]:
    """Files by name, `NAME.svg` and `NAME.png` of each figure that `make` returns."""
    with _DRAWING:
        return {f"{name}.{kind}": render(figure, kind) for name, figure in make().items() for kind in kinds}
