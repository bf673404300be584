"""iRECIST: progression that the next scan has to confirm, since lesions may swell before they shrink.

    unconfirmed (iUPD)   a scan that shows progression by RECIST 1.1
    confirmed (iCPD)     a later one, four weeks on or more, on which the target lesions have grown by 5 mm more, or
                         disease elsewhere still progresses
    taken back           a later one without progression; the next progression is again unconfirmed

Progression that no later scan looks at counts (Seymour and others 2017, Lancet Oncology 18, e143). New lesions of the
model have no size and do not go away, so that progression by them is confirmed by the next scan.
"""

import numpy as np
from numpy.typing import NDArray

from alarmin.readouts.recist import Criteria, Response


def immune_progression_day(
    overall: NDArray[np.int8],
    target: NDArray[np.int8],
    sums: NDArray[np.float64],
    days: NDArray[np.float64],
    criteria: Criteria,
) -> NDArray[np.float64]:
    """Day of the first progression that is not taken back, `[patient]`; infinite without one.

    Args:
        overall: overall response by RECIST 1.1, `[scan, patient]`, NE where there was no scan.
        target: response of the target lesions, `[scan, patient]`.
        sums: of the target lesions, `[scan, patient]` [mm].
        days: of the scans, `[scan, patient]`; baseline first.
        criteria: `confirmation` is the least time to a confirming scan, `progression_least` the further growth.
    """
    slack = 1e-9  # sums are whole millimeters, thresholds are not exact in binary
    patients = overall.shape[1]
    since, size = np.full(patients, np.inf), np.zeros(patients)
    confirmed = np.full(patients, np.inf)
    for k in range(1, len(overall)):
        progressed = overall[k] == Response.PD
        decides = np.isfinite(since) & (overall[k] != Response.NE) & (days[k] - since >= criteria.confirmation)
        grown = (target[k] != Response.PD) | (sums[k] - size >= criteria.progression_least - slack)
        confirmed = np.where(decides & progressed & grown, np.minimum(confirmed, since), confirmed)
        since = np.where(decides & ~progressed, np.inf, since)
        begins = progressed & np.isinf(since)
        since, size = np.where(begins, days[k], since), np.where(begins, sums[k], size)
    return np.minimum(confirmed, since)
