"""Trust: a biopsy reads what is there with the error that it has, and a trial takes whom its criteria say."""

from dataclasses import replace

import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.errors import AlarminError
from alarmin.numerics.sphere import Sphere
from alarmin.patients import Cohort, CohortError
from alarmin.readouts.biopsy import Biopsy, meets
from alarmin.records.schema import Criterion
from alarmin.simulation import Settings
from alarmin.trials.bank import READINGS

SMALL = Settings(grid=Sphere(16, 1.5), lanes=32)


@pytest.fixture(scope="module")
def enrolled() -> Cohort:
    return enroll("nsclc", 10, seed=5, settings=SMALL)


def made(virtual_cohort, hyaluronan: np.ndarray, **records: float) -> Cohort:
    """Patients with two lesions of 20 mm, the first with so much hyaluronan everywhere, the second with none."""
    cohort = virtual_cohort(len(hyaluronan), 2, **records)
    content = np.where(cohort.lesion == 0, np.repeat(hyaluronan, 2), 0.0)
    field = np.broadcast_to(content, (SMALL.grid.shells, cohort.lanes))
    return replace(cohort, untreated={"radius": np.full((1, cohort.lanes), 10.0), "hyaluronan": field})


def test_half_of_the_matrix_stains_at_the_content_that_the_record_says(virtual_cohort):
    cohort = made(virtual_cohort, np.array([0.4, 0.83, 1.7]), biopsy_error=0.0, assay_hyaluronan_half=0.83)
    low, half, high = Biopsy(cohort, SMALL).hyaluronan
    assert low < 0.25
    assert half == pytest.approx(0.5)
    assert high > 0.75


def test_a_needle_through_the_center_sees_less_of_the_margin_than_there_is(virtual_cohort):
    """A rim that holds half of the volume is a fifth of the way of the needle."""
    cohort = made(virtual_cohort, np.ones(1), biopsy_error=0.0)
    rim = (SMALL.grid.faces[1:] > 0.5 ** (1 / 3))[:, None] * np.ones((1, cohort.lanes))
    cohort = replace(cohort, untreated={**(cohort.untreated or {}), "hyaluronan": rim})
    by_volume = float(SMALL.grid.shares @ rim[:, 0])
    by_needle = float(Biopsy(cohort, SMALL)._sample("hyaluronan", rim)[0])
    assert by_volume > 0.5
    assert by_needle < 0.35


def test_sampling_misclassifies_who_is_near_the_cut(virtual_cohort):
    content = np.exp(np.random.default_rng(0).normal(np.log(0.83), 0.5, 400))
    truth = content >= 0.83
    wrong = {}
    for error in (0.0, 0.3):
        cohort = made(virtual_cohort, content, biopsy_error=error, assay_hyaluronan_half=0.83)
        wrong[error] = (Biopsy(cohort, SMALL).hyaluronan >= 0.5) != truth
    assert not wrong[0.0].any()
    assert 0.1 < wrong[0.3].mean() < 0.3
    near = np.abs(np.log(content / 0.83)) < 0.3
    assert wrong[0.3][near].mean() > 3 * wrong[0.3][~near].mean()


@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_does_not_depend_on_who_is_read_beside(enrolled, reading):
    everyone = getattr(Biopsy(enrolled, SMALL), reading)
    some = getattr(Biopsy(enrolled[[7, 2]], SMALL), reading)
    np.testing.assert_allclose(some, everyone[[7, 2]], rtol=1e-6)
    assert np.isfinite(everyone).all()
    if reading in ("hyaluronan", "pdl1"):
        assert ((everyone > 0) & (everyone < 1)).all()


def test_who_is_taken_is_the_patient_who_he_would_be_otherwise(enrolled):
    """Selection changes who is enrolled and nothing about him."""
    keep = meets([Criterion(reading="lesions", least=2)], SMALL)
    chosen = enroll("nsclc", 3, seed=5, keep=keep, settings=SMALL)
    expected = np.flatnonzero(np.bincount(enrolled.patient) >= 2)[:3]
    np.testing.assert_array_equal(chosen.ids, enrolled.ids[expected])
    for name, field in (chosen.untreated or {}).items():
        np.testing.assert_array_equal(field, (enrolled[expected].untreated or {})[name])


def test_criteria_hold_together(enrolled):
    biopsy = Biopsy(enrolled, SMALL)
    middle = float(np.median(biopsy.hyaluronan))
    keep = meets([Criterion(reading="hyaluronan", least=middle), Criterion(reading="diameter", most=40.0)], SMALL)
    assert keep is not None
    np.testing.assert_array_equal(keep(enrolled), (biopsy.hyaluronan >= middle) & (biopsy.diameter <= 40.0))
    assert meets([]) is None


def test_criteria_that_take_nobody_are_refused(enrolled, monkeypatch):
    """An assay that never stains would draw candidates for ever."""
    with pytest.raises(ValueError, match="least"):
        Criterion(reading="hyaluronan")
    with pytest.raises(ValueError, match="above"):
        Criterion(reading="hyaluronan", least=0.9, most=0.1)
    # Candidates that are settled already, again and again.
    monkeypatch.setattr("alarmin.enrollment._settle", lambda part, settings: enrolled)
    nobody = meets([Criterion(reading="lesions", least=9)], SMALL)
    with pytest.raises(CohortError, match="criteria take only 0 of"):
        enroll("nsclc", 200, keep=nobody, settings=SMALL)


@pytest.mark.parametrize(
    ("n", "seed", "said"),
    [(0, 1, "of 0 p"), (2.5, 1, "of 2.5 p"), (float("nan"), 1, "of nan p"), ("3", 1, "of '3' p"), (1, -1, "seed -1")]
    + [(10**9, 1, "of 1000000000 patients")]
    + [(1, 0.5, "seed 0.5"), (1, "one", "seed 'one'"), (1, 2**33, "seed 8589934592")],
)
def test_a_cohort_of_no_number_is_refused(n, seed, said):
    with pytest.raises(AlarminError, match=said):
        enroll("nsclc", n, seed, settings=SMALL)
