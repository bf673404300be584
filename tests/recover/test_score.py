"""Trust: a prediction interval holds the result of another trial of the same arms as often as it says."""

import numpy as np
import pytest

from alarmin.published import study
from alarmin.records import trial
from alarmin.scoring import score
from alarmin.scoring.score import predicted_interval
from alarmin.trials import statistics
from alarmin.trials.analysis import TrialResult


def exponential(rng, n, median):
    time, end = rng.exponential(median / np.log(2.0), n), rng.uniform(18.0, 36.0, n)
    return np.minimum(time, end), time <= end


def covered(endpoint, estimate, simulated=200, published=100, pairs=120, shift=1.0):
    """How often the interval from one trial holds the estimate of another, whose times are longer by `shift`."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(pairs):
        here = estimate(rng, simulated, 1.0)
        there = estimate(rng, published, shift).value
        low, high = predicted_interval(endpoint, here.value, here.low, here.high, simulated, published)
        hits += low <= there <= high
    return hits / pairs


def response(rng, n, shift):
    return statistics.proportion(int(rng.binomial(n, min(0.3 * shift, 1.0))), n)


def half(rng, n, shift):
    return statistics.median(*exponential(rng, n, 10.0 * shift))


def landmark(rng, n, shift):
    return statistics.survival_at(*exponential(rng, n, 10.0 * shift), 12.0)


@pytest.mark.parametrize(
    ("endpoint", "estimate"),
    [("orr", response), ("median_os", half), ("os_at_12", landmark)],
)
def test_coverage(endpoint, estimate):
    assert 0.90 <= covered(endpoint, estimate) <= 1.0


@pytest.mark.parametrize(("endpoint", "estimate"), [("orr", response), ("median_os", half)])
def test_a_wrong_prediction_is_not_covered(endpoint, estimate):
    assert covered(endpoint, estimate, shift=2.0, pairs=40) < 0.3


def test_hazard_ratios_widen_by_the_size_of_both_trials():
    low, high = predicted_interval("hr", 0.8, 0.64, 1.0, 500, 500)
    assert np.log(high / 0.8) == pytest.approx(np.sqrt(2.0) * np.log(1.0 / 0.8))
    assert low * high == pytest.approx(0.64)
    narrow = predicted_interval("hr", 0.8, 0.64, 1.0, 500, 1e9)
    assert narrow == pytest.approx((0.64, 1.0), rel=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_survival_without_an_event_leaves_room_for_one(share):
    """Where nobody of 30 has died by then, or everybody has, 29 of 30 in another trial are no surprise."""
    low, high = predicted_interval("os_at_12", share, share, share, 30, 30)
    assert low <= abs(share - 1 / 30) <= high
    assert not low <= abs(share - 10 / 30) <= high


def made(name="impower150", hr=0.8, median=19.0):
    plan = trial(name)
    arms = {
        arm.name: {"n": arm.patients, "median_os": median, "median_os_low": median - 2, "median_os_high": median + 2}
        for arm in plan.arms
    }
    contrasts = [
        {"experimental": c.experimental, "control": c.control, "endpoint": "os", "hr": hr}
        | {"low": hr * 0.8, "high": hr * 1.25, "p": 0.01}
        for c in plan.contrasts
    ]
    return TrialResult(plan, 1, 1045, arms, contrasts, True, {}, {}, {"compile_s": 0.0})


def test_published_values_stand_beside_their_predictions():
    scored = score(made())
    rows = {(row.of, row.endpoint): row for row in scored.rows}
    assert rows["ABCP", "median_os"].published == 19.5
    assert rows["ACP", "median_os"].published == 19.0
    assert rows["ABCP v BCP", "hr_os"].published == 0.80
    assert rows["ABCP v ACP", "hr_os"].published is None
    assert rows["ABCP v ACP", "hr_os"].inside is None
    assert rows["BCP", "median_os"].inside is False
    assert rows["ABCP v BCP", "hr_os"].inside
    assert (scored.inside, scored.compared) == (4, 5)


def test_json_has_the_published_values_in_the_shape_of_the_predicted():
    found = score(made()).to_json()
    assert found.keys() >= {"trial", "seed", "patients", "arms", "contrasts", "published", "timing"}
    assert found["published"]["arms"]["BCP"]["median_os"] == 14.7
    assert found["published"]["arms"]["ABCP"]["orr"] == pytest.approx(0.64)
    assert found["published"]["contrasts"][0].keys() == found["contrasts"][0].keys()


def test_a_trial_that_nobody_published_is_scored_against_nothing():
    result = made()
    plan = result.trial.model_copy(update={"name": "mine"})
    scored = score(TrialResult(**{**result.__dict__, "trial": plan}))
    assert scored.compared == 0
    assert scored.table() is not None
    assert len(scored.comparison()) == 0


def test_unreached_estimates_have_no_interval():
    assert predicted_interval("median_os", None, None, None, 10, 10) == (None, None)
    # Neither does a lower end at the estimate: mirrored, it would be an interval of no width.
    assert predicted_interval("median_dor", 20.0, 20.0, None, 2, 100) == (None, None)
    low, high = predicted_interval("median_os", 20.0, 16.0, None, 10, 10)
    assert low < 20.0 < high


def test_a_median_that_was_not_reached_is_at_least_as_long_as_patients_were_followed():
    low, high = predicted_interval("median_os", None, 16.0, None, 100, 100, followed=24.0)
    assert low == pytest.approx(24.0 * (16.0 / 24.0) ** np.sqrt(2.0))
    assert high == np.inf
    assert predicted_interval("median_pfs", None, None, None, 100, 100, followed=24.0) == (24.0, np.inf)
    # Where nobody responded, no duration of a response is long.
    assert predicted_interval("median_dor", None, None, None, 100, 100, followed=24.0) == (None, None)


def test_a_predicted_median_beyond_the_trial_counts_where_another_was_published():
    result = made()
    arms = {name: {**arm, "median_os": None, "median_os_high": None} for name, arm in result.arms.items()}
    for arm, low in (("BCP", 26.0), ("ABCP", 18.0)):
        arms[arm]["median_os_low"] = low
    rows = {row.of: row for row in score(TrialResult(**{**result.__dict__, "arms": arms})).rows}
    assert rows["BCP"].inside is False, "14.7 months were published"
    assert rows["ABCP"].inside is True, "19.5 months were published"
    assert rows["BCP"].high is None
    assert rows["BCP"].predicted is None


def test_the_score_reads_only_the_value_that_is_to_be_compared():
    found = study("impower150")
    assert sum(c.endpoint == "os" and c.experimental == "ABCP" for c in found.contrasts) == 2
    kept = [c for c in found.contrasts if c.endpoint == "os" and c.experimental == "ABCP" and c.compare]
    assert [c.hr for c in kept] == [0.80]
