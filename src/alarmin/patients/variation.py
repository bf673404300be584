"""How one record differs between patients, and between the lesions of one patient."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from alarmin.numerics import random
from alarmin.records import Record, Spread
from alarmin.records.schema import MOST_LESIONS


def vary(
    id: str,
    record: Record,
    seed: int,
    ids: NDArray[np.int64],
    patient: NDArray[np.int64],
    lesion: NDArray[np.int64],
    z: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The values of a record, `[lane]`, in its own unit.

    Args:
        id: of the record; it names the streams from which numbers are drawn.
        record: the record.
        seed: of the cohort.
        ids: identities of the patients, `[patient]`.
        patient: row of the patient of each lesion, `[lane]`.
        lesion: number of each lesion within its patient, `[lane]`.
        z: standard normal number of each patient, `[patient]`; from the record's own stream without it.
    """
    value = np.full(len(patient), record.value)
    if record.between_patients is not None:
        z = random.normal(seed, id, ids) if z is None else z
        value = shift(value, z[patient], record.between_patients)
    if record.between_lesions is not None:
        each = random.normal(seed, f"{id} in lesion", ids, (MOST_LESIONS,))
        value = shift(value, each[patient, lesion], record.between_lesions)
    if record.low is not None or record.high is not None:
        value = np.clip(value, *_bounds(record))
    return value


def varies(record: Record) -> bool:
    """Whether the record differs between patients or lesions."""
    return record.between_patients is not None or record.between_lesions is not None


def _bounds(record: Record) -> tuple[float, float]:
    """Limits of a drawn value: six times beyond what is believed of the median, so that only absurd tails are cut."""
    low = -np.inf if record.low is None or record.low <= 0 else record.low / 6.0
    high = np.inf if record.high is None or record.high <= 0 else record.high * 6.0
    return low, high


def shift(value: NDArray[np.float64], z: NDArray[np.float64], spread: Spread) -> NDArray[np.float64]:
    """The value that lies `z` standard deviations of the spread's law from the median `value`."""
    cv, sd = spread.cv or 0.0, spread.sd or 0.0
    if spread.law == "lognormal":
        return value * np.exp(np.sqrt(np.log1p(cv * cv)) * z)
    return expit(logit(value) + sd * z) if spread.law == "logitnormal" else value + sd * z
