"""Who is treated with what: permuted blocks, in the order in which patients enter."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.patients import Cohort

BLOCK = 4
"""Patients of an arm in a block, on average over the arms."""


class TrialError(AlarminError):
    """A trial that cannot be run."""


def sizes(published: Sequence[int], patients: int | None) -> list[int]:
    """How many patients each arm gets: as published, or `patients` in the same proportion.

    Raises `TrialError` where an arm would stay empty.
    """
    total = sum(published)
    if patients is None or patients == total:
        return list(published)
    if not isinstance(patients, int | np.integer):
        raise TrialError(f"{patients!r} patients", remedy="give a whole number")
    exact = [patients * n / total for n in published]
    found = [int(share) for share in exact]
    for arm in sorted(range(len(exact)), key=lambda i: found[i] - exact[i])[: patients - sum(found)]:
        found[arm] += 1
    if min(found) < 1:
        # So many that the smallest arm has a whole patient.
        enough = max(2 * len(published), -(-total // min(published)))
        raise TrialError(f"{patients} patients for {len(published)} arms", remedy=f"ask for at least {enough} patients")
    return found


def randomize(cohort: Cohort, arms: Sequence[int]) -> NDArray[np.int64]:
    """The arm of each patient, `[patient]`; arm i gets exactly `arms[i]` patients.

    Arms take turns in proportion to their size; within blocks the order is drawn at random, keyed by seed and patient.
    """
    if sum(arms) != len(cohort):
        raise TrialError(
            f"{len(cohort)} patients for arms of {list(arms)}", remedy="make the arms add up to the number of patients"
        )
    turns = np.concatenate([(np.arange(n) + 0.5) / n for n in arms])
    arm = np.repeat(np.arange(len(arms)), arms)[np.argsort(turns, kind="stable")]
    block = np.arange(len(cohort)) // (BLOCK * len(arms))
    luck = cohort.uniform("randomization")
    drawn = np.empty_like(arm)
    drawn[np.lexsort((luck, block))] = arm
    return drawn
