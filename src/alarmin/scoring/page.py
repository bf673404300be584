"""The scores of all trials as a page: what was foretold, beside what was published and the rivals."""

from collections.abc import Iterator

from alarmin.scoring.forecast import Forecast, Scoreboard
from alarmin.scoring.score import scale, title

SUMS = {
    "coverage_95": ("published values within the 95 % interval [%]", 100.0, 0),
    "coverage_50": ("published values within the 50 % interval [%]", 100.0, 0),
    "interval_score": ("mean interval score", 1.0, 2),
    "brier": ("Brier score of success", 1.0, 2),
    "log_hr_error": ("mean absolute error of log hazard ratios", 1.0, 2),
}
"""What stands on top: its key, its name, what it is multiplied by, and its digits."""


def page(found: Scoreboard, command: str) -> str:
    """All scores, in Markdown, under the command that made them."""
    names = list(dict.fromkeys(name for row in found.rows for name in row.rivals))
    lines = [
        "# Every scored trial, as measured",
        "",
        f"Written by `{command}`. Predicted: median of the replicates and their central 95 % interval.",
        "What is scored, and what was found: [Trials predicted before they were seen](score.md).",
        "",
        *_sums(found, names),
        "",
        "## Verdicts",
        "",
        "Whether the trial would meet its own rule, by the share of replicates that do.",
        "",
        "| trial | chance of success | what happened | |",
        "|---|---|---|---|",
        *_verdicts(found),
        "",
        "## Endpoints",
        "",
        "Hazard ratios have the rivals beside them.",
        "",
        "| trial | of | endpoint | predicted | published | within | " + "".join(f"{name} | " for name in names),
        "|---" * (6 + len(names)) + "|",
        *(_endpoint(row, names) for row in found.rows),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _sums(found: Scoreboard, names: list[str]) -> Iterator[str]:
    sums = found.sums()
    yield "| | Alarmin | " + "".join(f"{name} | " for name in names)
    yield "|---" * (2 + len(names)) + "|"
    blank = "| " * len(names) + "|"
    for key, (name, size, digits) in SUMS.items():
        value = sums[key]
        cells = blank
        if key == "log_hr_error":
            cells = "".join(f"| {sums['rivals'][rival]:.2f} " for rival in names) + "|"
        yield f"| {name} | {'–' if value is None else f'{value * size:.{digits}f}'} {cells}"
    scores = sums["interval_scores_of_ratios"]
    if scores["alarmin"] is not None:
        cells = "".join(f"| {scores[rival]:.2f} " for rival in names) + "|"
        yield f"| mean interval score of log hazard ratios | {scores['alarmin']:.2f} {cells}"
    yield f"| verdicts right | {sums['verdicts_right']} of {sums['verdicts_known']} {blank}"
    inside = sum(row.inside_95 for row in found.rows)
    yield f"| values within, of those compared | {inside} of {len(found.rows)} {blank}"


def _verdicts(found: Scoreboard) -> Iterator[str]:
    for name, verdict in found.verdicts.items():
        happened, right = "not known", ""
        if verdict["published"] is not None:
            happened = "met" if verdict["published"] else "missed"
            right = "right" if (verdict["predicted"] > 0.5) == verdict["published"] else "**wrong**"
        yield f"| {name} | {verdict['predicted']:.2f} | {happened} | {right} |"


def _endpoint(row: Forecast, names: list[str]) -> str:
    size, digits = scale(row.endpoint), 2 if row.endpoint.startswith("hr") else 1
    spell = lambda value: "–" if value is None else f"{value * size:.{digits}f}"
    rivals = "".join(f"{spell(row.rivals.get(name)) if row.rivals else ''} | " for name in names)
    inside = "yes" if row.inside_95 else "**no**"
    interval = f"{spell(row.predicted)} ({spell(row.low)}–{spell(row.high)})"
    return (
        f"| {row.study} | {row.of} | {title(row.endpoint)} | {interval} | {spell(row.published)} | {inside} | {rivals}"
    )
