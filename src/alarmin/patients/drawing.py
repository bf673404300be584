"""Draws candidates: from the spreads and correlations of records to numbers for each patient and lesion.

What differs between patients in the biology of the tumor is drawn from a scrambled Sobol sequence through a Gaussian
copula, one point a candidate. Everything else (covariates, agents, readouts, differences between the lesions of one
patient) is drawn from streams of their own, named after the record. No number depends on how many are drawn, in which
order, or with whom.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from alarmin.errors import nearest
from alarmin.numerics import random
from alarmin.patients.cohort import Cohort, CohortError
from alarmin.patients.variation import varies, vary
from alarmin.records import Record, agents, parameters, tumor
from alarmin.records.schema import MOST_LESIONS

if TYPE_CHECKING:
    from scipy.stats import qmc


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

    # Agents' records have streams of their own: a cohort draws them when it is asked for them.
    values = {
        id: vary(id, record, seed, ids, patient, lesion, normals.get(id))
        for id, record in records.items()
        if varies(record) and "." not in id
    }
    return Cohort(kind.name, seed, ids, patient, lesion, values, records, population)


def _is_biology(id: str, record: Record) -> bool:
    return "." not in id and not id.startswith("patient_")


def _copula(names: Sequence[str], correlations: Sequence, ids: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Standard normal numbers `[patient, record]`, correlated, from the Sobol points with the numbers `ids`."""
    if not names or not len(ids):
        return np.zeros((len(ids), len(names)))
    # It takes half a second to load, and patients who are kept were drawn long ago.
    from scipy.stats import qmc

    sequence = qmc.Sobol(len(names), scramble=True, rng=np.random.Generator(np.random.Philox(seed)))
    points = _points(sequence, ids)
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


def _points(sequence: "qmc.Sobol", ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """The points of a sequence with the numbers `ids`, without those before them, `[id, dimension]`."""
    first, last = int(ids.min()), int(ids.max())
    if first > 0:
        sequence.fast_forward(first)
    return sequence.random(1 << (last - first).bit_length())[ids - first]
