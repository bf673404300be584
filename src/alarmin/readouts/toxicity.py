"""Adverse events of grade 3 or more: what an agent brings to a patient, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from alarmin.patients import Cohort
from alarmin.records import Agent, agent
from alarmin.therapy.regimen import Phase, Regimen, Treatment, amount_of, standard_phase

Doses = Mapping[str, NDArray[np.float64]]
"""What is given, by agent, `[day, patient]`."""

Kind = Literal["marrow", "fever", "immune", "other"]

MARROW = ("neutropenia", "leukopenia", "thrombocytopenia", "anemia")
FEVER = "febrile_neutropenia"

CHECKPOINTS = {"PD-1", "PD-L1", "CTLA-4"}


@dataclass(frozen=True)
class Risk:
    """An event that an agent brings.

    Attributes:
        agent: name of the agent.
        event: name of the event.
        kind: what the event follows: doses, with the delay of the `marrow` (or `fever` with it), or as `other`; or, as
            `immune`, the time since the first dose.
        hazard: cumulative hazard over a course as planned, `[patient]` [-].
    """

    agent: str
    event: str
    kind: Kind
    hazard: NDArray[np.float64]

    @property
    def key(self) -> tuple[str, str]:
        """Agent and event."""
        return self.agent, self.event


def is_checkpoint(name: str) -> bool:
    """Whether the agent blocks an immune checkpoint."""
    return bool(CHECKPOINTS & set(agent(name).targets))


def harms_marrow(name: str) -> bool:
    """Whether the agent has records of events of the marrow."""
    return bool({*MARROW, FEVER} & agent(name).toxicity.keys())


def risks(cohort: Cohort, plan: Regimen) -> tuple[Risk, ...]:
    """What may happen to each patient under a regimen.

        H = -ln(1 - p)              p the share of patients with the event, a record of the agent
        odds' = OR odds             where agent A is given beside B, of the events that the others bring; A's own
                                    record of the event then rests
        logit P = l0 + (s1 + s2 [with PD-1]) E,   H = -ln(1 - P) (+ ln(1 - P at E = 0) with PD-1)      for CTLA-4

    E is exposure to a CTLA-4 antibody: dose over interval and clearance. An agent's record of all events that are
    related to treatment bounds its other records, and what it exceeds them by is an event of its own.

    Records: AGENT.toxicity.*, `toxicity_A_with_B_EVENT`, `toxicity_ctla4_*`, `toxicity_immune_logit`.
    """
    found: dict[tuple[str, str], Risk] = {}
    for treatment in plan.treatments:
        drug = agent(treatment.agent)
        own = {"treatment_related": _of_ctla4(cohort, plan, treatment)} if "CTLA-4" in drug.targets else _own(drug)
        for event, hazard in own.items():
            kind = "immune" if is_checkpoint(drug.name) else _kind(event)
            found[drug.name, event] = Risk(drug.name, event, kind, np.broadcast_to(hazard, (len(cohort),)))
    events = ("any", *sorted({event for _, event in found}))
    for a, b, event in ((a, b, event) for a in plan.agents for b in plan.agents for event in events):
        ratio = cohort.records.get(f"toxicity_{a}_with_{b}_{event}")
        if ratio is not None:
            found = _multiplied(found, a, event, ratio.to("dimensionless"))
    return tuple(found.values())


def reported_by(source: str, cohort: Cohort, plan: Regimen) -> tuple[str, ...]:
    """Names of the records behind `risks` that were read at a source, such as the publication of a trial to be run."""
    own = {f"{name}.toxicity.{event}": record for name in plan.agents for event, record in agent(name).toxicity.items()}
    pairs = tuple(f"toxicity_{a}_with_{b}_" for a in plan.agents for b in plan.agents)
    both = {name: record for name, record in cohort.records.items() if name.startswith(pairs)}
    return tuple(name for name, record in (own | both).items() if record.source == source)


def _own(drug: Agent) -> dict[str, NDArray[np.float64]]:
    """Cumulative hazard of each event by the agent's records."""
    severe = {name: record for name, record in drug.toxicity.items() if record.severe}
    hazards = {name: -np.log1p(-min(record.to("dimensionless"), 0.99)) for name, record in severe.items()}
    related, others = hazards.pop("treatment_related", None), sum(hazards.values())
    if related is not None and related > others:
        return hazards | {"treatment_related": related - others}
    # Counts of the laboratory are low more often than is reported as an event.
    scale = related / others if related is not None and others > 0.0 else 1.0
    return {name: hazard * scale for name, hazard in hazards.items()}


def _kind(event: str) -> Kind:
    return "fever" if event == FEVER else "marrow" if event in MARROW else "other"


def _of_ctla4(cohort: Cohort, plan: Regimen, treatment: Treatment) -> NDArray[np.float64]:
    value = lambda name, unit="dimensionless": cohort.records[f"toxicity_{name}"].to(unit)
    drug, phase = agent(treatment.agent), treatment.phases[0]
    size = amount(cohort, drug.name, phase) / amount(cohort, drug.name, standard_phase(drug))
    often = value("ctla4_interval", "day") * len(phase.days) / phase.interval
    exposure = value("ctla4_exposure") * size * often * relative_exposure(cohort, drug)
    with_pd1 = any({"PD-1", "PD-L1"} & set(agent(name).targets) for name in plan.agents)
    base, slope = value("immune_logit"), value("ctla4_slope") + with_pd1 * value("ctla4_slope_with_pd1")
    contained = float(np.log1p(-expit(base))) if with_pd1 else 0.0
    return contained - np.log1p(-expit(base + slope * exposure))


def _multiplied(found: dict[tuple[str, str], Risk], a: str, event: str, ratio: float) -> dict[tuple[str, str], Risk]:
    """The risks where agent `a` multiplies the odds of `event`, or of "any", that the other agents bring."""
    meant = {key: risk for key, risk in found.items() if event in (key[1], "any")}
    others = {key: risk for key, risk in meant.items() if key[0] != a}
    if not others:
        return found
    total = np.maximum(sum(risk.hazard for risk in others.values()), 1e-12)
    factor = np.log1p(ratio * np.expm1(total)) / total
    kept = {key: risk for key, risk in found.items() if key not in meant}
    return kept | {key: replace(risk, hazard=risk.hazard * factor) for key, risk in others.items()}


def amount(cohort: Cohort, name: str, phase: Phase) -> NDArray[np.float64]:
    """One dose of a phase, `[patient]` [mg], or in the unit of a dose that is no mass."""
    units = {"patient_weight": "kg", "patient_body_surface": "m**2", "patient_creatinine_clearance": "mL/min"}
    return amount_of(name, phase, *(cohort.patient_value(record, unit) for record, unit in units.items()))


def relative_exposure(cohort: Cohort, drug: Agent) -> NDArray[np.float64]:
    """Exposure of each patient to a dose relative to the typical patient, by clearance, `[patient]` [-]."""
    typical = drug.pharmacokinetics.parameters.get("clearance")
    if typical is None:
        return np.ones(len(cohort))
    return typical.value / cohort.patient_value(f"{drug.name}.pharmacokinetics.clearance", typical.unit)


class Hazard:
    """The hazard of a risk on each day, given what was given.

        by doses    h(t) = H/n sum_k (D_k/D_standard CL_typical/CL)^γ / (last - first + 1)   over doses k that lie
                    `first` to `last` days back; n doses are planned for the first `toxicity_course` days
        immune      h(t) = H f(t - first dose),   f log-normal, as long as a dose was given lately

    Records: `toxicity_*`.
    """

    def __init__(self, risk: Risk, cohort: Cohort, plan: Regimen) -> None:
        self.risk, self.cohort = risk, cohort
        self.power = self._value("exposure_exponent", "dimensionless")
        treatment = next(treatment for treatment in plan.treatments if treatment.agent == risk.agent)
        end = treatment.start + int(self._value("course", "day"))
        planned, start = 0, treatment.start
        for phase in treatment.phases:
            planned += len(phase.given_on(start, end))
            start = end if phase.cycles is None else start + phase.cycles * phase.interval
        drug = agent(risk.agent)
        self.dose = amount(cohort, drug.name, standard_phase(drug)) / relative_exposure(cohort, drug)
        self.share = risk.hazard / max(planned, 1)

    def _value(self, name: str, unit: str) -> float:
        return self.cohort.records[f"toxicity_{name}"].to(unit)

    def daily(self, start: int, stop: int, doses: Doses) -> NDArray[np.float64]:
        """Hazard from day `start` before day `stop`, `[day, patient]` [1/day]; the same whatever the first day."""
        given = doses[self.risk.agent][:stop]
        if self.risk.kind == "immune":
            begun = np.where(given.any(axis=0), (given > 0).argmax(axis=0), np.inf)
            since = np.maximum(np.arange(start, stop)[:, None] - begun, 0.0)
            memory = int(self._value("immune_memory", "day"))
            recent = _window(given[max(start - memory, 0) :] > 0, stop - start, 0, memory) > 0
            return self.risk.hazard * recent * (self._onset(since + 1.0) - self._onset(since))
        organ = "other" if self.risk.kind == "other" else "marrow"
        first, last = (int(self._value(f"{organ}_{end}", "day")) for end in ("first", "last"))
        brought = (given[max(start - last, 0) :] / self.dose) ** self.power
        return self.share * _window(brought, stop - start, first, last) / (last - first + 1)

    def _onset(self, since: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of immune-related events that come within a time after the first dose."""
        middle, spread = self._value("immune_onset", "day"), self._value("immune_onset_spread", "dimensionless")
        return ndtr(np.log(np.maximum(since, 1e-9) / middle) / spread)


def _window(given: NDArray, days: int, first: int, last: int) -> NDArray[np.float64]:
    """Sum of what was given `first` to `last` days before each of the last `days` days, `[day, patient]`."""
    total = np.zeros((days, given.shape[1]))
    # Nearest day first, wherever the record begins, so that sums are the same to the bit.
    for lag in range(first, last + 1):
        there = min(days, len(given) - lag)
        if there > 0:
            total[days - there :] += given[len(given) - lag - there : len(given) - lag]
    return total
