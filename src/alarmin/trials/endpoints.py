"""Endpoints of each patient: progression-free and overall survival, response, and its duration.

Tables have the names of the ADaM standard: ADSL one row a patient, ADRS one row a scan (and one for the best response),
ADTTE one row a patient and time to event, ADAE one row an adverse event.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alarmin.patients import Cohort
from alarmin.readouts.dose_changes import AdverseEvent, adverse_events
from alarmin.readouts.follow_up import FollowUp, follow
from alarmin.readouts.irecist import immune_progression_day
from alarmin.readouts.recist import Best, Criteria, Response, best_response
from alarmin.readouts.survival import death_day, has_ecog_one
from alarmin.records import Trial
from alarmin.records.schema import Arm
from alarmin.simulation import MONTH, Course
from alarmin.therapy.regimen import parse

if TYPE_CHECKING:
    import pandas as pd

ADAE = ("USUBJID", "ARM", "AEDECOD", "AETOXGR", "ASTDY", "AGENT", "AEACN")
"""Columns of the table of adverse events, which has no row where nothing happened."""


@dataclass(frozen=True)
class Outcomes:
    """What is known of each patient of an arm at the data cut, `[patient]`, days from randomization.

    Attributes:
        cohort: whose outcomes these are.
        arm: name of the arm.
        start: day of entry, from the first patient of the trial on.
        scans: what the scans showed.
        overall: overall response at each scan up to death, withdrawal and cut, `[scan, patient]`; NE after that.
        best: best overall response, and the days of response and progression.
        pfs, pfs_event: progression-free survival, and whether it ended in progression or death.
        ipfs, ipfs_event: the same, with progression by iRECIST.
        os, os_event: overall survival, and whether it ended in death.
        events: adverse events of grade 3 or more; None where none were looked for.
    """

    cohort: Cohort
    arm: str
    start: NDArray[np.float64]
    scans: FollowUp
    overall: NDArray[np.int8]
    best: Best
    pfs: NDArray[np.float64]
    pfs_event: NDArray[np.bool_]
    ipfs: NDArray[np.float64]
    ipfs_event: NDArray[np.bool_]
    os: NDArray[np.float64]
    os_event: NDArray[np.bool_]
    events: tuple[AdverseEvent, ...] | None = None

    @property
    def responds(self) -> NDArray[np.bool_]:
        """Who had a complete or partial response."""
        return self.best.response <= Response.PR

    @property
    def controlled(self) -> NDArray[np.bool_]:
        """Who had a response or stable disease."""
        return self.best.response <= Response.SD

    @property
    def toxic(self) -> NDArray[np.bool_]:
        """Who had an adverse event of grade 3 or more."""
        return np.isin(np.arange(len(self.cohort)), [event.patient for event in self.events or ()])


def outcomes(course: Course, trial: Trial, arm: Arm, toxicity: bool = False) -> Outcomes:
    """What a trial learns of the patients of one arm; of adverse events, where `toxicity` was looked for.

    Patients enter evenly over the accrual time and are followed to the data cut. Some withdraw from scans, some are
    lost altogether. Progression-free survival ends at the scan that shows progression or at death, unless two visits
    were missed before; else it is censored at the last scan. Records: `survival_loss`, `scan_withdrawal`,
    `missed_visits`, `visit_window`.
    """
    cohort, days, diameter = course.cohort, course.days, course.lesions["diameter"]
    scans = follow(cohort, days, diameter, trial.scans, trial.untargeted_lesions)
    death = death_day(
        cohort,
        days,
        diameter,
        arm.line or trial.line,
        scans.new_lesion_day,
        scans.progression_day,
        arm.later_immunotherapy,
        trial.east_asia,
    )
    ends = scans.progression_day + 7.0 * arm.weeks_beyond_progression if trial.treatment_until_progression else None
    events = adverse_events(cohort, parse(arm.regimen), course.doses, ends) if toxicity else None
    for event in events or ():
        if event.grade == 5:
            death[event.patient] = min(death[event.patient], event.day + 1.0)
    start = cohort.uniform("accrual") * trial.accrual_months * MONTH
    cut = np.minimum(trial.months * MONTH - start, days[-1])
    leave = lambda record: -np.log(cohort.uniform(record)) / cohort.records[record].to("1/day")
    contact = np.minimum(cut, leave("survival_loss"))
    watched = np.minimum(np.minimum(contact, leave("scan_withdrawal")), death)

    seen = scans.days <= watched
    seen[0] = True
    overall = np.where(seen, scans.overall, Response.NE).astype(np.int8)
    best = best_response(overall, scans.days, Criteria.of(cohort.records), trial.confirmation)
    if trial.response_weeks is not None:
        due = 7.0 * trial.response_weeks + cohort.records["visit_window"].to("day")
        best = best.by_day(due)

    os = np.minimum(death, contact)
    os_event = death <= contact
    last = np.max(np.where(seen, scans.days, 0.0), axis=0)
    interval = np.array([_interval(trial, day) for day in last])
    allowed = cohort.records["missed_visits"].to("dimensionless") * interval + cohort.records["visit_window"].to("day")
    in_time = os_event & (death <= last + allowed)
    immune = immune_progression_day(overall, scans.target, scans.sums, scans.days, Criteria.of(cohort.records))
    unless = np.where(in_time, death, np.minimum(last, os))
    until = lambda progression: np.maximum(np.where(np.isfinite(progression), progression, unless), 1.0)
    return Outcomes(
        cohort=cohort,
        arm=arm.name,
        start=start,
        scans=scans,
        overall=overall,
        best=best,
        pfs=until(best.progression_day),
        pfs_event=np.isfinite(best.progression_day) | in_time,
        ipfs=until(immune),
        ipfs_event=np.isfinite(immune) | in_time,
        os=np.maximum(os, 1.0),
        os_event=os_event,
        events=None if events is None else tuple(event for event in events if event.day < os[event.patient]),
    )


def _interval(trial: Trial, day: float) -> int:
    """Days between planned scans after day `day`."""
    for visit in trial.scans:
        if visit.until is None or day < visit.until:
            return visit.every
    return trial.scans[-1].every


def adsl(trial: Trial, arms: list[Outcomes]) -> "pd.DataFrame":
    """One row a patient: who he is, his arm, and when he entered [day from the first patient]."""
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame(
                {
                    "USUBJID": subjects(trial, found),
                    "ARM": found.arm,
                    "AGE": found.cohort.patient_value("patient_age", "year").round(1),
                    "ALB": found.cohort.patient_value("patient_albumin", "g/L").round(1),
                    "NLR": found.cohort.patient_value("patient_nlr", "dimensionless").round(2),
                    "ECOG": has_ecog_one(found.cohort).astype(int),
                    "LESIONS": np.bincount(found.cohort.patient, minlength=len(found.cohort)),
                    "SUMDIAM": found.scans.sums[0],
                    "RANDDY": found.start.round(1),
                }
            )
            for found in arms
        ],
        ignore_index=True,
    )


def adtte(trial: Trial, arms: list[Outcomes]) -> "pd.DataFrame":
    """One row a patient and time to event: AVAL [day] from randomization (response for DOR), CNSR 1 where censored."""
    import pandas as pd

    parts = []
    for found in arms:
        names = subjects(trial, found)
        begin = found.best.response_day
        for code, time, event, who in (
            ("PFS", found.pfs, found.pfs_event, slice(None)),
            ("OS", found.os, found.os_event, slice(None)),
            ("DOR", found.pfs - np.where(found.responds, begin, 0.0), found.pfs_event, found.responds),
        ):
            parts.append(
                pd.DataFrame(
                    {
                        "USUBJID": names[who],
                        "ARM": found.arm,
                        "PARAMCD": code,
                        "AVAL": np.maximum(time[who], 1.0),
                        "CNSR": (~event[who]).astype(int),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def adrs(trial: Trial, arms: list[Outcomes]) -> "pd.DataFrame":
    """One row a scan that was taken (OVRLRESP) and one a patient for the best overall response (BESTRESP)."""
    import pandas as pd

    names = np.array([response.name for response in Response])
    parts = []
    for found in arms:
        subject = subjects(trial, found)
        scans, patients = np.nonzero(found.overall[1:] != Response.NE)
        scans = scans + 1
        parts.append(
            pd.DataFrame(
                {
                    "USUBJID": subject[patients],
                    "ARM": found.arm,
                    "PARAMCD": "OVRLRESP",
                    "ADY": found.scans.days[scans, patients].round(1),
                    "SUMDIAM": found.scans.sums[scans, patients],
                    "AVALC": names[found.overall[scans, patients]],
                }
            )
        )
        parts.append(
            pd.DataFrame(
                {"USUBJID": subject, "ARM": found.arm, "PARAMCD": "BESTRESP", "AVALC": names[found.best.response]}
            )
        )
    return pd.concat(parts, ignore_index=True)


def adae(trial: Trial, arms: list[Outcomes]) -> "pd.DataFrame":
    """One row an adverse event of grade 3 or more, with its agent; ASTDY counts days of treatment from 1."""
    import pandas as pd

    rows = [
        {
            "USUBJID": names[event.patient],
            "ARM": found.arm,
            "AEDECOD": event.event,
            "AETOXGR": event.grade,
            "ASTDY": event.day + 1,
            "AGENT": event.agent,
            "AEACN": event.action,
        }
        for found in arms
        for names in [subjects(trial, found)]
        for event in found.events or ()
    ]
    return pd.DataFrame(rows, columns=pd.Index(ADAE))


def subjects(trial: Trial, found: Outcomes) -> NDArray[np.str_]:
    """Unique names of the patients of an arm."""
    several = any(arm.tumor not in (None, trial.tumor) for arm in trial.arms)
    study = f"{trial.name}-{found.cohort.tumor}" if several else trial.name
    return np.array([f"{study}-{patient:05d}" for patient in found.cohort.ids])
