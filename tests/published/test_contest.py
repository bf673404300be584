"""Published: the contest on the published series gives the tables that stand in the documentation."""

from pathlib import Path

import platformdirs
import pytest

from alarmin.forecast import contest
from alarmin.forecast.bank import kept_bank
from alarmin.forecast.lesions import read
from alarmin.forecast.tables import page
from alarmin.therapy.regimen import parse

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "data" / "lesions_laleh2022.csv"
OURS = (contest.LOCF, contest.SHIFTED, contest.OURS, contest.ABLATED, contest.UNTOLD)


def rows_of(text: str) -> dict[tuple[str, str], list[float]]:
    """Numbers of the first table of a page, by protocol and rival; growth laws, which take long, are passed over."""
    found = {}
    for line in text.split("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if len(cells) == 10 and cells[1] in OURS:
            found[cells[0], cells[1]] = [float(cell.split()[0]) for cell in cells[2:] if cell != "–"]
    return found


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published series lies beside the repository, and not in it")
def test_the_contest_gives_what_the_documentation_says():
    """With virtual lesions from the cache, or simulated, which takes some minutes more."""
    cache = Path(platformdirs.user_cache_dir("alarmin", "alarmin")) / "banks"
    bank = lambda tumor, regimen: kept_bank(tumor, parse(regimen), cache)
    found = rows_of(page(contest.run(read(PUBLISHED, as_published=True), bank, rivals=False), "test"))
    kept = rows_of((ROOT / "docs" / "contest.md").read_text(encoding="utf-8"))
    assert set(found) == set(kept) and len(kept) == 15
    for who, numbers in kept.items():
        # Shares within 0.3 points, errors within 0.02 mm: what other processors may do to virtual lesions.
        assert found[who] == pytest.approx(numbers, rel=4e-3, abs=0.02), who
