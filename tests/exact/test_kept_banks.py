"""Exact: a bank is made once, whoever else makes it at that time, and again where its file cannot be read."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from alarmin.calibrate import fit as calibration
from alarmin.calibrate.plan import plan
from alarmin.forecast import bank as lesions
from alarmin.patients import CohortError
from alarmin.records import population, trial
from alarmin.records.schema import Trial
from alarmin.scoring import keeping
from alarmin.simulation import Failure, SimulationError
from alarmin.therapy.regimen import parse
from alarmin.trials import TrialError
from alarmin.trials import bank as trials_bank
from alarmin.trials.bank import READINGS, Bank
from made_up_bank import bank_of


@pytest.fixture
def of_trial(tmp_path, monkeypatch):
    """Keeps a made-up bank of a trial; `of_trial.made` counts how often it was made."""
    kept = lambda: keeping.kept_bank(trial("impower150"), tmp_path, members=2, patients=5)

    def fill(*arguments, **options):
        kept.made += 1
        found = bank_of({"ABCP": 0.03, "ACP": 0.04, "BCP": 0.05}, patients=5)
        return Bank(found.trial, 0, "made up", (), found.table, ("one patient",))

    kept.made, kept.fill = 0, (keeping, "fill", fill)
    monkeypatch.setattr(keeping, "fill", fill)
    return kept


@pytest.fixture
def of_lesions(tmp_path, monkeypatch):
    """Keeps a made-up bank of lesions."""
    kept = lambda: lesions.kept_bank("nsclc", parse("docetaxel 75 mg/m2 q3w"), tmp_path, members=1)

    def courses(*arguments):
        kept.made += 1
        return {
            "days": np.arange(3.0),
            "diameter": np.full((3, 2), 20.0, np.float32),
            "patient": np.arange(2),
            "value killing_per_cell": np.array([0.1, 0.2]),
        }

    kept.made, kept.fill = 0, (lesions, "_courses", courses)
    monkeypatch.setattr(lesions, "_cohorts", lambda *arguments: [])
    monkeypatch.setattr(lesions, "_courses", courses)
    return kept


@pytest.mark.parametrize("name", ["of_trial", "of_lesions"])
def test_a_bank_that_cannot_be_read_is_made_again(name, request, tmp_path):
    kept = request.getfixturevalue(name)
    first = kept()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (b"", b"torn", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        again = kept()
        assert path.read_bytes() == whole
        assert again.population == first.population
    assert kept.made == 4
    kept()
    assert kept.made == 4, "one that can be read is not made again"


@pytest.mark.parametrize("name", ["of_trial", "of_lesions"])
def test_a_bank_that_another_process_makes_meanwhile_is_no_refusal(name, request, tmp_path, monkeypatch):
    kept = request.getfixturevalue(name)
    room, called, fill = kept.fill

    def late(*arguments, **options):
        monkeypatch.setattr(room, called, fill)
        kept()
        return fill(*arguments, **options)

    monkeypatch.setattr(room, called, late)
    kept()
    assert kept.made == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_kept_bank_is_the_bank_that_was_made(of_trial):
    first, again = of_trial(), of_trial()
    assert of_trial.made == 1
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.failed == again.failed == ("one patient",)
    assert (again.population, again.training) == ("nsclc", population("nsclc").training)


def test_a_bank_of_several_tumor_types_names_all_their_fits(of_trial, tmp_path):
    both = two_diseases()
    known = [population(name) for name in ("pdac", "nsclc")]
    found = keeping.kept_bank(both, tmp_path, members=1, patients=5)
    assert found.population == ", ".join(fit.name for fit in known)
    assert set(found.training) == {item for fit in known for item in fit.training}


def two_diseases() -> Trial:
    content = trial("durvalumab_pdac").model_dump()
    first = content["arms"][0]
    return Trial.model_validate(content | {"arms": [first, first | {"name": "LUNG", "tumor": "nsclc"}]})


@pytest.fixture
def treated(monkeypatch):
    """Banks of trials whose patients 0 to 4 are treated without biology; `treated[arm]` fail in that arm."""
    lost: dict[str, list[int]] = {}

    def treat(design, cohorts, settings, *, drop_failed):
        assert drop_failed
        courses = {}
        for arm, cohort in cohorts.items():
            failed = lost.get(arm, [])
            stay = np.setdiff1d(cohort.ids, failed)
            failures = tuple(Failure(who, 0, 7, "diameter", {}) for who in failed)
            courses[arm] = SimpleNamespace(ids=stay, failed=failures)
        return courses

    readings = lambda cohort, settings: SimpleNamespace(**{name: 10.0 * cohort.ids for name in READINGS})
    monkeypatch.setattr(trials_bank, "enroll_for", lambda *a, **k: SimpleNamespace(ids=np.arange(5)))
    monkeypatch.setattr(trials_bank, "treat_arms", treat)
    monkeypatch.setattr(trials_bank, "Biopsy", readings)
    monkeypatch.setattr(trials_bank, "outcomes", lambda course, *rest: course)
    monkeypatch.setattr(trials_bank, "_rows", lambda course: pd.DataFrame({"patient": course.ids}))
    return lost


def test_who_fails_in_one_arm_is_left_out_of_all_and_named(treated):
    treated["ABCP"], treated["BCP"] = [1], [3, 1]
    bank = trials_bank.fill(trial("impower150"), members=2, patients=5)
    for _, rows in bank.table.groupby(["arm", "member"]):
        assert rows["patient"].tolist() == [0, 2, 4]
        assert rows["pdl1"].tolist() == [0.0, 20.0, 40.0]
    assert len(bank.failed) == 4
    assert bank.failed[0].startswith("nsclc, population 0: patient 1")


def test_nobody_fails_where_nobody_does(treated):
    bank = trials_bank.fill(trial("impower150"), members=2, patients=5)
    assert len(bank.table) == 3 * 2 * 5
    assert bank.failed == ()


def test_a_population_of_which_nobody_is_left_is_refused(treated):
    treated["ABCP"], treated["BCP"] = [0, 1, 2], [3, 4]
    with pytest.raises(TrialError, match="nobody of population 0 of 'nsclc'"):
        trials_bank.fill(trial("impower150"), members=2, patients=5)


def test_banks_of_several_tumor_types_are_filled_with_all_their_fits_named(treated):
    bank = trials_bank.fill(two_diseases(), members=1, patients=5)
    assert bank.population == "pdac, nsclc"
    assert set(population("pdac").training) <= set(bank.training)
    assert set(population("nsclc").training) <= set(bank.training)


def test_a_run_of_a_fit_in_which_a_patient_fails_is_no_number_and_the_fit_goes_on(monkeypatch):
    """Where something cannot be started at all, the fit ends at once."""
    stopped = SimulationError("patient 7: diameter is not a number")
    stopped.failed = (Failure(7, 0, 7, "diameter", {}),)
    size = len(calibration.data_of(plan("sarcoma")).values)
    seen = []

    def predict(design, changes, patients, seed, settings):
        seen.append(seed)
        if seed % 5 == 0:
            raise stopped
        if seed % 5 == 1:
            raise CohortError("hardly any candidate is plausible")
        return np.full(size, 0.1) + 0.01 * np.random.default_rng(seed).standard_normal(size)

    def learn(theta, values):
        assert np.isfinite(values).all()
        raise StopIteration

    monkeypatch.setattr(calibration, "predict", predict)
    monkeypatch.setattr(calibration.emulator, "learn", learn)
    with pytest.raises(StopIteration):
        calibration.fit(plan("sarcoma"), runs=40, patients=4)
    assert len(seen) == 16
    stopped.failed = ()
    with pytest.raises(SimulationError):
        calibration.fit(plan("sarcoma"), runs=40, patients=4)
