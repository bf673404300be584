"""The tables of a contest as a page: what was measured, in the words of `docs/scans.md`."""

from typing import Any

import pandas as pd

from alarmin.forecast.contest import ABLATED, OURS, SHIFTED, UNTOLD
from alarmin.forecast.outcome import Outcome
from alarmin.forecast.rivals import LOCF

PARTS = {
    "study": "By study",
    "arm": "By arm",
    "pattern": "By pattern (successive changes of more than 5 % of the baseline: up, down, both ways, or none)",
    "kind": "By kind of treatment",
}
"""What the patients are parted by, and the heading."""

BESIDE = (LOCF, OURS, ABLATED, UNTOLD)
"""Who stands in every part; of the growth laws, the one with the least error does."""


def page(found: Outcome, command: str) -> str:
    """All tables, in Markdown, under the command that made them.

    Args:
        found: what came of the contest.
        command: as it was given.
    """
    lines = [
        "# The contest on real lesions, as measured",
        "",
        f"Written by `{command}`: {found.fitting} patients taught, {found.scoring} are scored.",
        "Mean absolute errors and CRPS in mm, each patient once; *v LOCF* is the paired difference of the error of all",
        "later scans with its standard error; *reweighted* weighs forecasts by the inverse probability of having been",
        "scanned. What the rivals are, and what was found: [A patient's own scans](scans.md).",
        "",
        *_whole(found.table()),
    ]
    for by, heading in PARTS.items():
        lines += ["", f"## {heading}", "", *_parted(found.table(by), by)]
    return "\n".join(lines) + "\n"


def _whole(table: pd.DataFrame) -> list[str]:
    names = ("protocol", "rival", "n", "MAE next", "MAE all later", "CRPS", "in 95 % [%]")
    lines = [_line(*names, "v LOCF (SE)", "CRPS v LOCF (SE)", "reweighted"), "|---" * 10 + "|"]
    for row in table.sort_values(["protocol", "mae"], kind="stable").to_dict("records"):
        cells = [row["protocol"], row["rival"], row["patients"]]
        cells += [f"{row[name]:.2f}" for name in ("next_mae", "mae", "crps")]
        cells += [f"{100.0 * row['coverage']:.1f}", _gain(row), _gain(row, "crps_difference", "crps_error")]
        lines.append(_line(*cells, f"{row['reweighted']:.2f}"))
    return lines


def _parted(table: pd.DataFrame, by: str) -> list[str]:
    """One row a protocol and part: MAE / CRPS of those who stand everywhere, and of the best growth law."""
    laws = bool(set(table["rival"]) - {*BESIDE, SHIFTED})
    names = [*BESIDE, *(["best growth law"] if laws else [])]
    lines = [
        _line("protocol", by, "n", *names, "Alarmin v LOCF (SE)", "in 95 % [%]"),
        "|---" * (5 + len(names)) + "|",
    ]
    for (protocol, part), rows in table.groupby(["protocol", by], sort=True):  # type: ignore[misc]
        each = {row["rival"]: row for row in rows.to_dict("records")}
        cells = [protocol, part, each[OURS]["patients"], *(_pair(each[name]) for name in BESIDE)]
        if laws:
            best = min((row for name, row in each.items() if name not in (*BESIDE, SHIFTED)), key=lambda r: r["mae"])
            cells.append(f"{_pair(best)} {best['rival']}")
        lines.append(_line(*cells, _gain(each[OURS]), f"{100.0 * each[OURS]['coverage']:.1f}"))
    return lines


def _pair(row: dict[str, Any]) -> str:
    return f"{row['mae']:.2f} / {row['crps']:.2f}"


def _gain(row: dict[str, Any], gain: str = "difference", error: str = "error") -> str:
    return "–" if row["rival"] == LOCF else f"{row[gain]:+.2f} ({row[error]:.2f})"


def _line(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
