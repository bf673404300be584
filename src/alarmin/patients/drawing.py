"""Draws candidates: from the spreads and correlations of records to numbers for each patient and lesion.

What differs between patients in the biology of the tumor is drawn from a scrambled Sobol sequence through a Gaussian
copula, one point a candidate. Everything else (covariates, agents, readouts, differences between the lesions of one
patient) is drawn from streams of their own, named after the record. No number depends on how many are drawn, in which
order, or with whom.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri
from scipy.stats import qmc

from alarmin.errors import nearest
from alarmin.numerics import random
from alarmin.patients.cohort import Cohort, CohortError
from alarmin.records import Record, Spread, agents, parameters, tumor

MOST_LESIONS = 5
"""RECIST 1.1 follows at most five target lesions."""


def records_of(name: str, changes: Mapping[str, Record] | None = None) -> dict[str, Record]:
    """Every record in force for a tumor type: the common ones, those of the type, those of all agents, and changes."""
    found = parameters() | dict(tumor(name).parameters)
    for agent in agents().values():
        found |= agent.records()
    for record in changes or {}:
        if record not in found:
            raise CohortError(f"no record is called {record!r}; {nearest(record, found)}", remedy="correct the id")
    return found | dict(changes or {})


def draw(
    name: str,
    ids: Sequence[int] | NDArray[np.int64],
    seed: int,
    changes: Mapping[str, Record] | None = None,
    population: str = "prior",
) -> Cohort:
    """Candidates with the identities `ids` for a tumor type; nothing has been asked of them yet.

    Args:
        name: tumor type.
        ids: identities, any non-negative integers.
        seed: seed of the cohort.
        changes: records that replace those in the data files, by id (a fitted population, a what-if).
        population: what the changes are called.
    """
    ids = np.asarray(ids, np.int64)
    kind = tumor(name)
    records = records_of(name, changes)
    in_sequence = sorted(id for id, record in records.items() if record.between_patients and _is_biology(id, record))
    normals = dict(zip(in_sequence, _copula(in_sequence, kind.correlations, ids, seed).T, strict=True))

    extra = random.uniform(seed, "lesions", ids, (MOST_LESIONS - 1,))
    count = 1 + np.sum(extra < records["lesions_extra_chance"].value, axis=1)
    patient = np.repeat(np.arange(len(ids)), count)
    lesion = np.concatenate([np.arange(n) for n in count]) if len(ids) else np.zeros(0, np.int64)

    values = {}
    for id, record in records.items():
        if record.between_patients is None and record.between_lesions is None:
            continue
        value = np.full(len(patient), record.value)
        if record.between_patients is not None:
            z = normals[id] if id in normals else random.normal(seed, id, ids)
            value = _shift(value, z[patient], record.between_patients)
        if record.between_lesions is not None:
            z = random.normal(seed, f"{id} in lesion", ids, (MOST_LESIONS,))
            value = _shift(value, z[patient, lesion], record.between_lesions)
        if record.low is not None or record.high is not None:
            value = np.clip(value, *_bounds(record))
        values[id] = value
    return Cohort(kind.name, seed, ids, patient, lesion, values, records, population)


def _is_biology(id: str, record: Record) -> bool:
    return "." not in id and not id.startswith("patient_")


def _bounds(record: Record) -> tuple[float, float]:
    """Limits of a drawn value: six times beyond what is believed of the median, so that only absurd tails are cut."""
    low = -np.inf if record.low is None or record.low <= 0 else record.low / 6.0
    high = np.inf if record.high is None or record.high <= 0 else record.high * 6.0
    return low, high


def _shift(value: NDArray[np.float64], z: NDArray[np.float64], spread: Spread) -> NDArray[np.float64]:
    cv, sd = spread.cv or 0.0, spread.sd or 0.0
    if spread.law == "lognormal":
        return value * np.exp(np.sqrt(np.log1p(cv * cv)) * z)
    return expit(logit(value) + sd * z) if spread.law == "logitnormal" else value + sd * z


def _copula(names: Sequence[str], correlations: Sequence, ids: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Standard normal numbers `[patient, record]`, correlated, from the Sobol points with the numbers `ids`."""
    if not names or not len(ids):
        return np.zeros((len(ids), len(names)))
    sequence = qmc.Sobol(len(names), scramble=True, rng=np.random.Generator(np.random.Philox(seed)))
    points = sequence.random_base2(int(ids.max()).bit_length())[ids]
    normals = ndtri(np.clip(points, 1e-9, 1.0 - 1e-9))
    matrix = np.eye(len(names))
    index = {name: i for i, name in enumerate(names)}
    for item in correlations:
        first, second = item.between
        for end in (first, second):
            if end not in index:
                raise CohortError(
                    f"a correlation names {end!r}, which does not differ between patients; {nearest(end, names)}",
                    remedy="give the record a spread between patients, or drop the correlation",
                )
        matrix[index[first], index[second]] = matrix[index[second], index[first]] = item.rho
    try:
        root = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise CohortError(
            "the correlations of the tumor type contradict one another (not a positive definite matrix)",
            remedy="weaken or drop one of them",
        ) from None
    return normals @ root.T
