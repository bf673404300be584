"""The scores of all trials as a page: what was foretold, beside what was published and the rivals."""

from collections.abc import Iterator

from alarmin.scoring.forecast import NOT_REACHED, Forecast, Scoreboard
from alarmin.scoring.score import spelled, title

SUMS = {
    "coverage_95": ("published values within the 95 % interval [%]", 100.0, 0),
    "coverage_50": ("published values within the 50 % interval [%]", 100.0, 0),
    "interval_score": ("mean interval score", 1.0, 2),
    "brier": ("Brier score of success", 1.0, 2),
    "log_hr_error": ("mean absolute error of log hazard ratios", 1.0, 2),
}
"""What stands on top: its key, its name, what it is multiplied by, and its digits."""

NOTHING = "Nothing that these trials published can be compared: no value of theirs was read."
"""What is said where there is no row."""


def page(found: Scoreboard, command: str) -> str:
    """All scores, in Markdown, under the command that made them."""
    names = list(dict.fromkeys(name for row in found.rows for name in row.rivals))
    lines = [
        "# Every scored trial, as measured",
        "",
        f"Written by `{command}`. Predicted: median of the replicates and their central 95 % interval.",
        f"A median that is not reached is scored as {NOT_REACHED:g} months.",
        "What is scored, and what was found: [Trials that no fit has seen](score.md).",
        "",
        *_sums(found, names),
        "",
        "## Verdicts",
        "",
        "Whether the trial would meet its own rule, by the share of replicates that do.",
        "",
        *_verdicts(found),
        "",
        "## Endpoints",
        "",
        *_endpoints(found, names),
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
            cells = "".join(f"| {_number(sums['rivals'][rival])} " for rival in names) + "|"
        yield f"| {name} | {_number(value, size, digits)} {cells}"
    scores = sums["interval_scores_of_ratios"]
    if scores["alarmin"] is not None:
        cells = "".join(f"| {_number(scores[rival])} " for rival in names) + "|"
        yield f"| mean interval score of log hazard ratios | {_number(scores['alarmin'])} {cells}"
    yield f"| verdicts right | {sums['verdicts_right']} of {sums['verdicts_known']} {blank}"
    inside = sum(row.inside_95 for row in found.rows)
    yield f"| values within, of those compared | {inside} of {len(found.rows)} {blank}"


def _number(value: float | None, size: float = 1.0, digits: int = 2) -> str:
    return "–" if value is None else f"{value * size:.{digits}f}"


def _verdicts(found: Scoreboard) -> Iterator[str]:
    if not found.verdicts:
        yield "None of these trials has a rule by which it succeeds."
        return
    yield "| trial | chance of success | what happened | |"
    yield "|---|---|---|---|"
    for name, verdict in found.verdicts.items():
        happened, right = "not known", ""
        if verdict["published"] is not None:
            happened = "met" if verdict["published"] else "missed"
            right = "right" if (verdict["predicted"] > 0.5) == verdict["published"] else "**wrong**"
        yield f"| {name} | {verdict['predicted']:.2f} | {happened} | {right} |"


def _endpoints(found: Scoreboard, names: list[str]) -> Iterator[str]:
    if not found.rows:
        yield NOTHING
        return
    yield "Hazard ratios have the rivals beside them."
    yield ""
    yield "| trial | of | endpoint | predicted | published | within | " + "".join(f"{name} | " for name in names)
    yield "|---" * (6 + len(names)) + "|"
    for row in found.rows:
        yield _endpoint(row, names)


def _endpoint(row: Forecast, names: list[str]) -> str:
    spell = lambda value: spelled(row.endpoint, value)
    rivals = "".join(f"{spell(row.rivals.get(name)) if row.rivals else ''} | " for name in names)
    inside = "yes" if row.inside_95 else "**no**"
    interval = f"{spell(row.predicted)} ({spell(row.low)}–{spell(row.high)})"
    return (
        f"| {row.study} | {row.of} | {title(row.endpoint)} | {interval} | {spell(row.published)} | {inside} | {rivals}"
    )
