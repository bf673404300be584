"""Scans of real lesions beside what was foretold of them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from alarmin.plots.style import BLUE, INK, VERMILLION, styled


@styled
def scan_panels(patients: Sequence[dict]) -> Figure:
    """A panel a patient: readings that were seen, the forecast with 50 and 95 % intervals, and what was read later.

    Args:
        patients: of each, `days`, `read` [mm], how many were `seen`, quantiles `q25`, `q250`, `q500`, `q750`, `q975` of
            the later scans, `treatment` and `pattern`.
    """
    columns = 3
    rows = max(-(-len(patients) // columns), 1)
    figure = Figure(figsize=(8.4, 2.3 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, one in zip(panels, patients, strict=False):
        weeks, n = np.asarray(one["days"]) / 7.0, one["seen"]
        read = np.asarray(one["read"])
        # Intervals open from the last reading that was seen.
        fan = lambda name, read=read, n=n, one=one: np.concatenate([[read[n - 1]], one[name]])
        later = weeks[n - 1 :]
        axes.fill_between(later, fan("q25"), fan("q975"), color=BLUE, alpha=0.15, lw=0, label="95 % interval")
        axes.fill_between(later, fan("q250"), fan("q750"), color=BLUE, alpha=0.3, lw=0, label="50 % interval")
        axes.plot(later, fan("q500"), color=BLUE, label="median forecast")
        axes.plot(weeks[:n], read[:n], "o-", color=INK, ms=4, lw=1, label="seen")
        axes.plot(weeks[n:], read[n:], "o", mfc="white", color=VERMILLION, ms=4.5, label="read later")
        axes.set_ylim(0.0, 1.35 * max(read.max(), float(np.max(one["q750"]))))
        axes.set_title(f"{one['pattern']}, {one['treatment']}", fontsize=8.5)
    for axes in panels[len(patients) :]:
        axes.set_visible(False)
    figure.supxlabel("Weeks from the first dose", fontsize=9)
    figure.supylabel("Longest diameter [mm]", fontsize=9)
    if patients:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=5)
    return figure
