"""Trust: a look at a run changes nothing in it: profiles move no decision and no number, and the last is of the end."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from alarmin.enrollment import enroll
from alarmin.numerics.sphere import Sphere
from alarmin.plots import course_section
from alarmin.simulation import Settings, SimulationError, simulate

# One step a day is the case in which a stretch of one day was compiled, and so rounded, otherwise than a longer one.
SMALL = Settings(grid=Sphere(12, 1.5), lanes=16, steps_per_day=1, decision_days=6)
REGIMEN, DAYS = "radiotherapy 2 Gy daily", 20


@cache
def cohort():
    return enroll("nsclc", 3, seed=5, settings=replace(SMALL, decision_days=21))


def run(asked=None, changed=None, days=DAYS, **more):
    """A run in which every second patient stops on the first decision, and half the doses are taken back later."""

    def treat_on(days, diameter, patients):
        asked.append(int(days[-1]))
        return patients.ids % 2 == 1

    def manage(patients):
        def change(start, stop, doses):
            changed.append((start, stop))
            if start > 6:
                doses["radiotherapy"][stop - 1] *= 0.5

        return change

    deciding = {"treat_on": treat_on if asked is not None else None, "manage": manage if changed is not None else None}
    return simulate(cohort(), REGIMEN, days=days, settings=SMALL, **deciding, **more)


@pytest.mark.parametrize("every", [1, 4, 7, 30])
def test_profiles_change_no_decision_and_no_number(every):
    """Treatment and doses are decided on the same days, and all results agree to the bit."""
    told = {None: ([], []), every: ([], [])}
    plain, looked = (run(*told[often], profile_every=often) for often in told)
    assert told[every] == told[None] == ([6, 12, 18], [(0, 6), (6, 12), (12, 18), (18, 20)])
    assert any((amount[6:] == 0.0).any() for amount in plain.doses.values()), "somebody stopped, so that it can fail"
    for name, values in plain.lesions.items():
        np.testing.assert_array_equal(values, looked.lesions[name], name)
    for name, amount in plain.doses.items():
        np.testing.assert_array_equal(amount, looked.doses[name], name)


@pytest.mark.parametrize(("every", "days"), [(7, [0, 7, 14, 20]), (5, [0, 5, 10, 15, 20]), (30, [0, 20])])
def test_the_last_profile_is_of_the_last_day(every, days):
    """Where the days between profiles do not divide the run, too; what it shows is the lesion of that day."""
    seen = {}
    found = run(profile_every=every)
    run(profile_every=every, watch=lambda day, fields, radius: seen.update({day: (fields["oxygen"], radius)}))
    assert found.profile_days.tolist() == sorted(seen) == days
    np.testing.assert_array_equal(2.0 * found.radius, found.lesions["diameter"][days].astype(np.float32))
    np.testing.assert_array_equal(found.profiles["oxygen"][-1], seen[DAYS][0])
    longer = run(profile_every=every, days=DAYS + 1)
    assert (longer.radius[-1] != found.radius[-1]).all()


@pytest.mark.parametrize("options", [{"profile_every": 0}, {"watch": lambda *_: None}])
def test_profiles_that_cannot_be_meant_are_refused(options):
    with pytest.raises(SimulationError, match="profile"):
        simulate(cohort(), REGIMEN, days=2, settings=SMALL, **options)


@pytest.mark.parametrize(
    "length", [{"days": 1.5}, {"days": 0}, {"months": -1.0}, {"months": np.nan}, {"months": np.inf}, {"months": 1e9}]
)
def test_a_run_of_no_length_is_refused(length):
    with pytest.raises(SimulationError, match="a run of"):
        simulate(cohort(), REGIMEN, settings=SMALL, **length)


def test_a_cohort_and_a_course_are_shown_in_a_line():
    assert repr(cohort()).startswith("<Cohort of 3 patients with 'nsclc': ")
    shown = repr(run(days=2, profile_every=1))
    assert "over 2 days, 3 profiles: <Cohort of 3" in shown
    assert len(shown) < 300 and "array" not in shown


@pytest.mark.parametrize(("every", "shown"), [(30, ["Day 0", "Day 2"]), (1, ["Day 0", "Day 1", "Day 2"])])
def test_a_short_course_is_shown_on_each_of_its_days_once(every, shown):
    figure = course_section(run(days=2, profile_every=every))
    texts = [text.get_text() for part in (figure, *figure.axes) for text in part.texts]
    texts += [axis.get_title() for axis in figure.axes]
    assert [text for text in texts if text.startswith("Day ")] == shown
