"""RECIST 1.1: what the readings of a patient's lesions mean.

    complete response (CR)   every target lesion is gone, every target node is below 10 mm
    partial response (PR)    S <= 0.7 S0                     S sum of target diameters, S0 its baseline
    progression (PD)         S >= 1.2 N and S - N >= 5 mm    N the smallest earlier sum, baseline included
    stable disease (SD)      none of these
    not evaluable (NE)       a target lesion could not be read, unless the others alone show progression

Progression goes before response. Non-target lesions and new lesions complete the overall response.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from alarmin.records import Record


class Response(IntEnum):
    """A category of response, of target lesions or overall, ordered from best to worst."""

    CR = 0
    PR = 1
    SD = 2
    PD = 3
    NE = 4


class NonTarget(IntEnum):
    """A category of response of non-target lesions; patients without any count as CR."""

    CR = 0
    NON_CR_NON_PD = 1
    PD = 3
    NE = 4


@dataclass(frozen=True)
class Criteria:
    """The numbers of RECIST 1.1.

    Attributes:
        response: decrease from baseline that is a partial response [-].
        progression: increase from nadir that is progression [-].
        progression_least: least absolute increase that is progression [mm].
        confirmation: least time to a confirming scan [day].
        stable: least time from baseline for which stable disease counts [day].
        node: short axis below which a lymph node is normal [mm].
    """

    response: float
    progression: float
    progression_least: float
    confirmation: float
    stable: float
    node: float

    @classmethod
    def of(cls, records: Mapping[str, Record]) -> "Criteria":
        """Records: `recist_response`, `recist_progression`, `recist_progression_least`, `recist_confirmation`,
        `recist_stable`, `recist_node`."""
        return cls(
            response=records["recist_response"].to("dimensionless"),
            progression=records["recist_progression"].to("dimensionless"),
            progression_least=records["recist_progression_least"].to("mm"),
            confirmation=records["recist_confirmation"].to("day"),
            stable=records["recist_stable"].to("day"),
            node=records["recist_node"].to("mm"),
        )


@dataclass(frozen=True)
class Best:
    """The best overall response of each patient, and when response and progression were first seen.

    Attributes:
        response: best overall response, `[patient]`, of `Response`.
        response_day: first scan that shows a (confirmed) response, `[patient]`; infinite without one.
        progression_day: first scan that shows progression, `[patient]`; infinite without one.
    """

    response: NDArray[np.int8]
    response_day: NDArray[np.float64]
    progression_day: NDArray[np.float64]

    def by_day(self, day: float) -> "Best":
        """The same where a response that is first seen after `day` counts as stable disease."""
        late = (self.response <= Response.PR) & (self.response_day > day)
        return Best(
            np.where(late, Response.SD, self.response).astype(np.int8),
            np.where(late, np.inf, self.response_day),
            self.progression_day,
        )


def target_response(
    readings: NDArray[np.float64],
    first_lane: NDArray[np.int64],
    criteria: Criteria,
    node: NDArray[np.bool_] | None = None,
) -> NDArray[np.int8]:
    """Response of the target lesions at each scan, `[scan, patient]`, of `Response`; the baseline counts as SD.

    Args:
        readings: of target lesions [mm], `[scan, lane]`, the short axis of nodes; not a number where not evaluable.
        first_lane: first lane of each patient, `[patient]`.
        criteria: the numbers of RECIST.
        node: which target lesions are lymph nodes, `[lane]`; none by default.
    """
    nodes = np.zeros(readings.shape[1], bool) if node is None else node
    known = ~np.isnan(readings)
    sums = np.add.reduceat(np.where(known, readings, 0.0), first_lane, axis=1)
    complete = np.logical_and.reduceat(known, first_lane, axis=1)
    healed = known & np.where(nodes, readings < criteria.node, readings == 0.0)
    gone = np.logical_and.reduceat(healed, first_lane, axis=1)

    found = np.full(sums.shape, Response.SD, np.int8)
    nadir = baseline = sums[0]
    slack = 1e-9  # sums are whole millimeters, thresholds are not exact in binary
    for k in range(1, len(sums)):
        growth = sums[k] - nadir
        progressed = (growth >= criteria.progression * nadir - slack) & (growth >= criteria.progression_least - slack)
        shrunk = baseline - sums[k] >= criteria.response * baseline - slack
        found[k] = np.select(
            [progressed, ~complete[k], gone[k], shrunk],
            [Response.PD, Response.NE, Response.CR, Response.PR],
            Response.SD,
        )
        nadir = np.where(complete[k], np.minimum(nadir, sums[k]), nadir)
    return found


def overall_response(
    target: NDArray[np.int8], non_target: NDArray[np.int8], new: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Overall response of a scan, of `Response`, from target lesions, non-target lesions and new lesions.

    | target | non-target            | new | overall |
    |--------|-----------------------|-----|---------|
    | CR     | CR                    | no  | CR      |
    | CR     | neither CR nor PD, NE | no  | PR      |
    | PR     | not PD, or NE         | no  | PR      |
    | SD     | not PD, or NE         | no  | SD      |
    | NE     | not PD                | no  | NE      |
    | PD     | any                   | any | PD      |
    | any    | PD                    | any | PD      |
    | any    | any                   | yes | PD      |
    """
    worse = (target == Response.PD) | (non_target == NonTarget.PD) | new
    incomplete = (target == Response.CR) & (non_target != NonTarget.CR)
    return np.select([worse, incomplete], [Response.PD, Response.PR], target).astype(np.int8)


def best_response(overall: NDArray[np.int8], days: NDArray[np.float64], criteria: Criteria, confirm: bool) -> Best:
    """Best overall response up to the first progression, and the days of response and progression.

    A response that has to be confirmed needs another one at least four weeks later, without progression between; a
    response that is not confirmed counts as stable disease. Stable disease counts after a least time from baseline.

    Args:
        overall: overall response, `[scan, patient]`, baseline first.
        days: days of the scans, `[scan, patient]`.
        criteria: the numbers of RECIST.
        confirm: whether responses have to be confirmed.
    """
    progressed = overall == Response.PD
    before = ~np.logical_or.accumulate(progressed, axis=0)
    before[0] = False

    def reached(worst: Response) -> NDArray[np.bool_]:
        """At which scans a response at least as good as `worst` begins that counts, `[scan, patient]`."""
        shown = before & (overall <= worst)
        if not confirm:
            return shown
        later = np.zeros_like(shown)
        for k in range(len(overall)):
            far = days[k + 1 :] - days[k] >= criteria.confirmation
            later[k] = (shown[k + 1 :] & far).any(axis=0)
        return shown & later

    complete, partial = reached(Response.CR), reached(Response.PR)
    stable = before & (overall <= Response.SD) & (days >= criteria.stable)
    response = np.select(
        [complete.any(axis=0), partial.any(axis=0), stable.any(axis=0), progressed.any(axis=0)],
        [Response.CR, Response.PR, Response.SD, Response.PD],
        Response.NE,
    ).astype(np.int8)
    return Best(response, first_day(partial, days), first_day(progressed, days))


def first_day(event: NDArray[np.bool_], days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Day of the first scan at which `event` holds, `[patient]`; infinite where it never does."""
    at = np.argmax(event, axis=0)
    return np.where(event.any(axis=0), np.take_along_axis(days, at[None, :], axis=0)[0], np.inf)
