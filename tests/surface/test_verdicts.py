"""Trust: kept verdicts are those that a run wrote, are shown where a statement stands, and agree with what is told."""

import math
import re
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alarmin.cli.main import app
from alarmin.cli.pages import reference, statement_page
from alarmin.errors import AlarminError
from alarmin.review import statements, vocabulary
from alarmin.review.ledger import VERDICTS, Entry, ledger
from alarmin.review.statements import LISTED, sections
from alarmin.review.verdicts import read, written

DOCS = Path(__file__).parents[2] / "docs"
KEPT = DOCS / "verdicts.csv"
OF = {statement.id: statement for statement in statements()}
here = pytest.mark.skipif(not KEPT.exists(), reason="documentation is not installed with the package")


def entries() -> tuple[Entry, ...]:
    """Two verdicts on statements that can be run, and one on what is not modelled, without a run."""
    first, second, *_ = (one for one in statements() if one.kind not in LISTED and not one.not_modelled)
    third = next(one for one in statements() if one.not_modelled)
    return (
        Entry(first, "reproduced", math.log(0.8), math.log(0.7), math.log(0.9)),
        Entry(second, "opposite", math.log(1.25), math.log(1.1), math.log(1.4), "too little of it"),
        Entry(third, "not modelled", reason="agent moonlight unknown"),
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text(written(entries(), patients=5))
    found = read(tmp_path / "v.csv")
    assert [one.verdict for one in found.values()] == ["reproduced", "opposite", "not modelled"]
    first, second, third = found.values()
    assert (first.ratio, first.low, first.high, first.patients) == (0.8, 0.7, 0.9, 5)
    assert second.seed == vocabulary().design.seed and second.days == vocabulary().design.days
    assert third.ratio is None


@pytest.mark.parametrize(("right", "wrong"), [("reproduced", "true"), ("T003", "T999"), ("ratio", "size")])
def test_what_is_no_verdict_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    """A verdict, a statement or a column that there is not."""
    (tmp_path / "v.csv").write_text(written(entries()).replace(right, wrong))
    with pytest.raises(AlarminError, match=wrong):
        read(tmp_path / "v.csv")


def test_a_page_shows_the_verdict_beside_place_experiment_and_reason(tmp_path: Path) -> None:
    """And what is reproduced has no reason why it is not."""
    (tmp_path / "v.csv").write_text(written(entries()))
    first, second, _ = read(tmp_path / "v.csv").values()
    reasoned = OF[second.id].model_copy(update={"explanation": "Too little of it."})
    page = statement_page(reasoned, second)
    for said in ("**Place**", "## As an experiment", "**Opposite**", "× 1.25 (1.1 to 1.4)", "Too little of it."):
        assert said in page, said
    assert "Too little of it." not in statement_page(reasoned, first)
    assert "Not run for these pages" in statement_page(OF[first.id], None)


def test_pages_take_the_file_of_the_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`alarmin review --out` writes what `alarmin pages --verdicts` shows; a file that exists is left as it is."""
    import sys

    monkeypatch.setattr("alarmin.cli.review.keep_programs", lambda: None)
    monkeypatch.setattr(sys.modules["alarmin.review.ledger"], "ledger", lambda *_, **__: entries())
    call = lambda *arguments: CliRunner(env={"COLUMNS": "140", "TERMINAL_WIDTH": "140"}).invoke(app, list(arguments))
    table = str(tmp_path / "v.csv")
    assert call("review", "--out", table).exit_code == 0
    assert call("pages", str(tmp_path / "pages"), "--verdicts", table).exit_code == 0
    assert "**Opposite**" in (tmp_path / "pages" / "statements" / f"{entries()[1].statement.id}.md").read_text()
    assert "exists already" in call("review", "--out", table).stderr
    assert "end the name of the file in .csv" in call("review", "--out", str(tmp_path / "v.json")).stderr


@here
def test_every_statement_has_a_kept_verdict_of_one_run() -> None:
    found = read(KEPT)
    assert list(found) == list(OF)
    design = vocabulary().design
    assert {(one.patients, one.days, one.seed) for one in found.values()} == {
        (design.patients, design.days, design.seed)
    }
    for id, one in found.items():
        kind = OF[id].kind
        assert one.section == OF[id].section
        assert (one.verdict == kind) if kind in LISTED else (one.verdict not in LISTED), id
        assert (one.ratio is None) == (one.verdict in (*LISTED, "not modelled")), id
        assert one.ratio is None or one.low <= one.ratio <= one.high, id
    pages = reference(found)
    for id, one in found.items():
        assert one.ratio is None or f"**{one.verdict.capitalize()}**" in pages[f"statements/{id}.md"], id


@here
def test_what_is_told_of_the_review_is_what_is_kept() -> None:
    """The tables of docs/review.md: counts by section; ratio and reason of what is not reproduced."""
    found, text = read(KEPT), (DOCS / "review.md").read_text(encoding="utf-8")
    of = lambda name: [one for one in found.values() if name in ("**all**", one.section)]
    for name in (*sections(statements()), "**all**"):
        count = Counter(one.verdict for one in of(name))
        numbers = [str(count[verdict]) for verdict in VERDICTS]
        assert f"| {name} | {' | '.join(numbers)} |" in text, name
    for verdict, heading in (("opposite", "### Opposite"), ("no effect", "### No effect")):
        part = text.split(heading)[1].split("###")[0]
        rows = {id: rest for id, *rest in re.findall(r"^\| (T\d+) [^|]*\| ([\d.]+) \| (.+) \|$", part, re.M)}
        kept = {id: one for id, one in found.items() if one.verdict == verdict}
        assert rows == {id: [f"{one.ratio:.2f}", OF[id].explanation] for id, one in kept.items()}, heading
    listed = set(re.findall(r"T\d{3}", text.split("### Not modelled")[1]))
    assert listed == {id for id, one in found.items() if one.verdict == "not modelled"}


@here
@pytest.mark.slow
def test_kept_effects_come_out_again() -> None:
    """All statements, run anew: no effect that is kept is older than the model. `alarmin review --out` writes it anew.

    To half a percent, since the verdict on an effect near the smallest that counts may differ between processors.
    """
    found = read(KEPT)
    for entry in ledger():
        kept = found[entry.statement.id].ratio
        assert (kept is None) == (entry.effect is None), entry.statement.id
        assert kept is None or math.exp(entry.effect) == pytest.approx(kept, rel=5e-3), entry.statement.id
