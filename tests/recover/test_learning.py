"""Recover: what is believed of scans is learned back from series whose walk, drift and errors are known."""

from pathlib import Path

import numpy as np
import platformdirs
import pytest

from alarmin.forecast import learning
from alarmin.forecast.bank import kept_bank
from alarmin.forecast.belief import belief
from alarmin.forecast.condition import series
from alarmin.forecast.contest import flat, groups, learn_repeats
from alarmin.forecast.learning import Lesson, cases, learn_kind, log_score, search, shares
from alarmin.forecast.lesions import read
from alarmin.therapy.regimen import parse

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "lesions_laleh2022.csv"
DAYS = np.arange(0.0, 421.0, 42.0)
# Errors are as good as normal.
TRUTH = belief("checkpoint_without_mechanism").model_copy(
    update={"scan_error": 0.05, "walk": 2e-4, "drift": 1.5e-3, "drift_memory": 100.0, "tails": 100.0}
)


def readings(levels, truth, rng):
    """Readings of lesions whose levels would be `[lesion, time]`, with the walk, drift and errors of a belief."""
    root = np.linalg.cholesky(truth.covariance(DAYS) + truth.scan_error**2 * np.eye(len(DAYS)))
    levels = levels + rng.standard_normal(levels.shape) @ root.T
    return series([(DAYS, truth.diameter(level), np.zeros(len(DAYS), bool)) for level in levels])


def test_the_search_finds_the_variances_that_made_the_series():
    rng = np.random.default_rng(1)
    table = readings(np.log(40.0) + 0.3 * rng.standard_normal((300, 1)) + 0.0 * DAYS, TRUTH, rng)
    lesson = Lesson(table, flat(DAYS), cases(table, every=3))
    # From half the error, half the walk and half the drift.
    wrong = {"scan_error": 0.025, "walk": 1e-4, "drift": 7.5e-4, "drift_memory": 140.0}
    found = search(TRUTH.model_copy(update=wrong), [lesson])
    assert found.scan_error == pytest.approx(TRUTH.scan_error, rel=0.15)
    # Walk and drift trade places; what they give together, after one scan and after ten, is what the series tell.
    ratio = np.diag(found.covariance(DAYS[1:])) / np.diag(TRUTH.covariance(DAYS[1:]))
    assert ratio == pytest.approx(1.0, abs=0.2)
    assert log_score(found, [lesson]) > log_score(TRUTH, [lesson]) - 0.002


@pytest.mark.parametrize("true", [(0.0, 0.6), (0.45, 0.15)])
def test_the_shares_of_the_mechanism_that_made_the_series_have_the_least_crps(true, made_up_lesions, monkeypatch):
    """After the second scan, lesions go on by the true shares of what their virtual lesion does."""
    monkeypatch.setattr(learning, "SHRINKAGE", (0.0, 0.45))
    monkeypatch.setattr(learning, "GROWTH", (0.15, 0.6))
    rng, bank = np.random.default_rng(2), made_up_lesions(40)
    quiet = {"scan_error": 0.01, "walk": 1e-6, "drift": 1e-6, "sharpness": 1.0, "repeat": (-9.0, 0.0, 0.0, 0.0, 0.0)}
    truth = TRUTH.model_copy(update=quiet | dict(zip(("shrinkage", "growth"), true, strict=True)))
    chosen = rng.integers(bank.diameter.shape[1], size=100)
    levels = truth.level(np.stack([np.interp(DAYS, bank.days, bank.diameter[:, k]) for k in chosen]))
    change = levels[:, 2:] - levels[:, 1:2]
    levels[:, 2:] = levels[:, 1:2] + np.where(change < 0.0, *np.array(true)) * change
    table = readings(levels, truth, rng)
    wanted = cases(table)
    lesson = Lesson(table, bank, wanted[(wanted[:, 1] == 2) & (wanted[:, 2] == 6)])
    found = shares(truth.model_copy(update={"shrinkage": 0.3, "growth": 0.3}), [lesson])
    assert (found.shrinkage, found.growth) == true


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published series is not part of the package")
@pytest.mark.parametrize("kind", ["checkpoint", "cytotoxic"])
def test_the_numbers_of_the_package_are_learned_again(kind):
    """Those without the mechanism, which need no virtual lesions."""
    teach = [group.half("fitting") for group in groups(read(PUBLISHED, as_published=True))]
    kept = belief(f"{kind}_without_mechanism")
    repeat = learn_repeats(teach)
    assert repeat == pytest.approx(kept.repeat, rel=1e-3)
    found = learn_kind([group for group in teach if group.kind == kind], None, repeat)
    for name in ("scan_error", "walk", "drift", "drift_memory", "tails"):
        assert getattr(found, name) == pytest.approx(getattr(kept, name), rel=1e-3), name
    assert found.learned == kept.learned


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published series lies beside the repository, and not in it")
def test_every_file_of_the_package_is_what_the_command_learns():
    """With the mechanism, and virtual lesions from the cache, or simulated, which takes some minutes more."""
    cache = Path(platformdirs.user_cache_dir("alarmin", "alarmin")) / "banks"
    teach = [group.half("fitting") for group in groups(read(PUBLISHED, as_published=True))]
    found = learning.learn(teach, lambda tumor, regimen: kept_bank(tumor, parse(regimen), cache))
    for name, made in found.items():
        kept = belief(name)
        for field in (
            "scan_error",
            "walk",
            "drift",
            "drift_memory",
            "size",
            "sharpness",
            "shrinkage",
            "growth",
            "tails",
        ):
            assert getattr(made, field) == pytest.approx(getattr(kept, field), rel=1e-3, abs=1e-9), (name, field)
        assert made.repeat == pytest.approx(kept.repeat, rel=1e-3)
