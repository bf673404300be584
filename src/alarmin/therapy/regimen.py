"""The regimen language: what is given, how much, how often, for how long, as a clinician writes it on one line.

    regimen    = treatment { " + " treatment }      or nothing, "none", "observation"
    treatment  = agent phase [ "from day N" | "from week N" ] [ "to lesion N" | "to lesions A,B,…" ] { "then" phase }
    phase      = dose interval [ xN ] [ dA,B,… ]
    dose       = 1200 mg | 1.2 g | 15 mg/kg | 3 ug/kg | 75 mg/m2 | AUC6 | 8 Gy | 135 J/cm2 | 4e8 PFU | 10 C
    interval   = q3w | q21d | qw | daily | bid

`x4` gives four cycles (without it treatment goes on until it is stopped), `d1,8,15` names the days within a cycle,
`then` goes on with another dose of the same agent when the cycles before it are over. The first day is day 1 of week 1.
`bid` gives the dose twice a day, which is the daily total at once. What is given in lesions goes to all target lesions,
the whole dose to each, or `to` those that are named; lesions count from 1. `10 C` is a rise of temperature.
"""

import re
from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.records import Agent, RecordError, agent, parameters
from alarmin.records.schema import MOST_LESIONS

PerPatient = NDArray[np.float64]

BASES = {
    "mg": "mg",
    "mg/kg": "mg/kg",
    "mg/m2": "mg/m**2",
    "AUC": "mg*min/mL",
    "Gy": "Gy",
    "J/cm2": "J/cm**2",
    "C": "delta_degC",
    "PFU": "PFU",
}
"""Bases of a dose as they are written, with the unit of the agent's standard dose on that basis."""

_NUMBER = r"\d+(?:\.\d*)?(?:e[+-]?\d+)?"
_AGENT = re.compile(rf"(?P<name>.*?)\s*(?<!\S)(?P<phase>(?:AUC\s*)?-?{_NUMBER}(?![\d.]*-).*)", re.IGNORECASE)
_DOSE = re.compile(
    rf"(?:AUC\s*(?P<auc>-?{_NUMBER})|(?P<amount>-?{_NUMBER})\s*(?P<unit>(?!q|x\d|d\d|daily|weekly|bid)[^\s,]*))"
    r"(?:\s+(?P<rest>.*)|$)",
    re.IGNORECASE,
)
_WORDS = {
    "interval": re.compile(r"q\d+[dw]|qw|qd|daily|weekly|bid"),
    "number of cycles": re.compile(r"x\d+"),
    "list of days": re.compile(r"d\d+(,\d+)*"),
}
_MASS = {"g": 1000.0, "mg": 1.0, "ug": 0.001, "mcg": 0.001}
_PER = {"": "mg", "kg": "mg/kg", "m2": "mg/m2"}
_NO_MASS = {basis.lower(): basis for basis in ("Gy", "J/cm2", "C", "PFU")}
_NOTHING = ("", "none", "observation")


class RegimenError(AlarminError):
    """A regimen that cannot be read, or a dose that cannot be meant."""


@dataclass(frozen=True)
class Phase:
    """One dose of an agent in equal cycles.

    Attributes:
        amount: dose in the unit that `basis` names: [mg], [mg/kg], [mg/m2], AUC [mg min/mL], [Gy], …
        basis: a name in `BASES`.
        interval: length of a cycle [day].
        cycles: number of cycles; None until treatment is stopped.
        days: days within the cycle on which the dose is given, from 1.
    """

    amount: float
    basis: str
    interval: int
    cycles: int | None = None
    days: tuple[int, ...] = (1,)

    def __str__(self) -> str:
        dose = f"AUC{_plain(self.amount)}" if self.basis == "AUC" else f"{_plain(self.amount)} {self.basis}"
        every = f"q{self.interval // 7}w" if self.interval % 7 == 0 else f"q{self.interval}d"
        cycles = "" if self.cycles is None else f" x{self.cycles}"
        days = "" if self.days == (1,) else " d" + ",".join(map(str, self.days))
        return f"{dose} {every}{cycles}{days}"

    def given_on(self, start: int, end: int) -> NDArray[np.int64]:
        """Days from 0 on which a dose falls, for a phase that starts on day `start`, before day `end`."""
        cycles = -(-max(end - start, 0) // self.interval)
        cycles = cycles if self.cycles is None else min(cycles, self.cycles)
        found = start + np.add.outer(self.interval * np.arange(cycles), np.asarray(self.days) - 1).ravel()
        return found[found < end]


@dataclass(frozen=True)
class Treatment:
    """What is given of one agent: phases, one after the other, from day `start` (0 is the first day).

    `lesions` are the numbers, from 0, of those in which it is given; None for all, or by way of the blood.
    """

    agent: str
    phases: tuple[Phase, ...]
    start: int = 0
    lesions: tuple[int, ...] | None = None

    def __str__(self) -> str:
        first, *later = map(str, self.phases)
        begin = f" from day {self.start + 1}" if self.start else ""
        aim = ""
        if self.lesions is not None:
            aim = f" to lesion{'s' if len(self.lesions) > 1 else ''} " + ",".join(str(n + 1) for n in self.lesions)
        return " then ".join([f"{self.agent} {first}{begin}{aim}", *later])


@dataclass(frozen=True)
class Regimen:
    """Treatments by name of the agent. `str` writes it in the regimen language, and `parse` reads that back equal."""

    treatments: tuple[Treatment, ...] = ()

    @property
    def agents(self) -> tuple[str, ...]:
        """Names of the agents that are given, in alphabetical order."""
        return tuple(treatment.agent for treatment in self.treatments)

    def __str__(self) -> str:
        return " + ".join(map(str, self.treatments))

    def doses(
        self, days: int, weight: PerPatient, body_surface: PerPatient, filtration: PerPatient
    ) -> dict[str, NDArray[np.float64]]:
        """What each patient is given of each agent, `[day, patient]` [mg], or in the unit of a dose that is no mass.

        Args:
            days: length of the table.
            weight: body weight, `[patient]` [kg].
            body_surface: body surface area, `[patient]` [m2].
            filtration: glomerular filtration rate, `[patient]` [mL/min].
        """
        table = {}
        for treatment in self.treatments:
            given = np.zeros((days, len(weight)))
            start = treatment.start
            for phase in treatment.phases:
                given[phase.given_on(start, days)] = amount_of(treatment.agent, phase, weight, body_surface, filtration)
                start = days if phase.cycles is None else start + phase.cycles * phase.interval
            table[treatment.agent] = given
        return table

    def aims(self, patient: NDArray[np.int64], lesion: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        """Whether each lesion is given the agent, by agent that is given in named lesions, `[lane]`.

        A patient who lacks a named lesion is treated in those of them that exist; one who has none of them, in the
        first lesion, so that nobody in an arm goes without.

        Args:
            patient: row of the patient to whom each lesion belongs, `[lane]`.
            lesion: number of the lesion within its patient, from 0, `[lane]`.
        """
        found = {}
        for treatment in self.treatments:
            if treatment.lesions is not None:
                named = np.isin(lesion, treatment.lesions)
                found[treatment.agent] = named | (~np.isin(patient, patient[named]) & (lesion == 0))
        return found


def amount_of(
    name: str, phase: Phase, weight: PerPatient, body_surface: PerPatient, filtration: PerPatient
) -> PerPatient:
    """One dose of a phase, `[patient]` [mg], or in the unit of a dose that is no mass.

    A dose by AUC follows Calvert: AUC (min(GFR, cap) + non-renal clearance), with the agent's records of the two.
    """
    if phase.basis == "AUC":
        known = agent(name).pharmacokinetics.parameters
        most, rest = (known[record].to("mL/min") for record in ("filtration_cap", "nonrenal_clearance"))
        return phase.amount * (np.minimum(filtration, most) + rest)
    size = {"mg/kg": weight, "mg/m2": body_surface}.get(phase.basis, np.ones_like(weight))
    return phase.amount * size


def parse(text: str) -> Regimen:
    """The regimen that `text` describes in the regimen language.

    Agents may be called by their synonyms. A dose of 0 is no dose and is left out.

    Raises `RegimenError` that names the part, shows the value, says what is allowed and what to do.
    """
    if text.strip().lower() in _NOTHING:
        return Regimen()
    found: dict[str, Treatment] = {}
    for part in re.split(r"\s*\+\s+|\s+\+\s*", text.strip()):
        treatment = _treatment(part.strip())
        if treatment.agent in found:
            raise RegimenError(
                f"{treatment.agent!r} is named twice in {text!r}",
                remedy="join doses of one agent with 'then', or days of one cycle with a comma: d1,8",
            )
        found[treatment.agent] = treatment
    given = (_without_zeros(treatment) for _, treatment in sorted(found.items()))
    return Regimen(tuple(treatment for treatment in given if treatment.phases))


def _treatment(part: str) -> Treatment:
    first, *later = re.split(r"\s+then\s+", re.sub(r"\s*/\s*", "/", part), flags=re.IGNORECASE)
    match = _AGENT.match(first)
    if match is None or not match["name"]:
        missing = "dose" if match is None else "agent"
        raise RegimenError(f"in {part!r}: the {missing} is missing", remedy="write as in 'docetaxel 75 mg/m2 q3w'")
    try:
        drug = agent(match["name"])
    except RecordError as error:
        raise RegimenError(f"in {part!r}: {error.message}", remedy=error.remedy) from None
    lesions, first = _lesions(match["phase"], drug, part)
    start, first = _start(first, part)
    phases = tuple(_phase(text, drug, part) for text in (first, *later))
    for phase in phases[:-1]:
        if phase.cycles is None:
            raise RegimenError(
                f"in {part!r}: '{phase}' has no end, so that what follows 'then' never comes",
                remedy="give its number of cycles, for instance x4",
            )
    return Treatment(drug.name, phases, start, lesions)


def _lesions(text: str, drug: Agent, part: str) -> tuple[tuple[int, ...] | None, str]:
    """Numbers of the lesions that are named, from 0, and the text without the words that name them."""
    match = re.search(r"\s+to\b\s*(lesions?)?\s*(\d+(?:\s*,\s*\d+)*)?", text, re.IGNORECASE)
    if match is None:
        return None, text
    numbers = sorted({int(number) for number in re.findall(r"\d+", match[2] or "")})
    if match[1] is None or not numbers or numbers[0] < 1 or numbers[-1] > MOST_LESIONS:
        known = f"to lesion N, to lesions A,B, N from 1 to {MOST_LESIONS}"
        raise RegimenError(
            f"in {part!r}: {match[0].strip()!r} is not understood; known: {known}",
            remedy="name lesions by their numbers, for instance 'to lesion 1'",
        )
    if not drug.local:
        raise RegimenError(
            f"in {part!r}: {drug.name} is given by way of the blood ({drug.route}) and reaches every lesion",
            remedy=f"leave {match[0].strip()!r} out",
        )
    return tuple(number - 1 for number in numbers), text[: match.start()] + text[match.end() :]


def _start(text: str, part: str) -> tuple[int, str]:
    """Day on which the first phase begins, from 0, and the text without the words that say so."""
    match = re.search(r"\s+from\b\s*(\S*)\s*(\S*)", text, re.IGNORECASE)
    if match is None:
        return 0, text
    unit, number = match[1].lower(), match[2]
    if unit not in ("day", "week") or not number.isdigit() or int(number) < 1:
        raise RegimenError(
            f"in {part!r}: the start {match[0].strip()!r} is not understood; known: from day N, from week N, N from 1",
            remedy="count from day 1 of week 1, for instance 'from week 4'",
        )
    return (int(number) - 1) * (7 if unit == "week" else 1), text[: match.start()] + text[match.end() :]


def _phase(text: str, drug: Agent, part: str) -> Phase:
    match = _DOSE.match(text)
    if match is None:
        raise RegimenError(
            f"in {part!r}: the dose {text!r} is not understood", remedy=f"write for instance '{_standard(drug)} q3w'"
        )
    if match["auc"] is not None:
        amount, basis = float(match["auc"]), "AUC"
    else:
        amount, basis = _amount(float(match["amount"]), match["unit"], drug, part)
    if amount < 0:
        raise RegimenError(f"in {part!r}: the dose {amount:g} {basis} is negative", remedy="give a dose of 0 or more")
    said: dict[str, str] = {}
    for word in (match["rest"] or "").lower().split():
        kind = next((kind for kind, pattern in _WORDS.items() if pattern.fullmatch(word)), None)
        if kind is None or kind in said:
            what = "is not understood" if kind is None else f"is a second {kind} after {said[kind]!r}"
            raise RegimenError(
                f"in {part!r}: {word!r} {what}; known: q3w, q21d, qw, daily, bid, x4, d1,8,15, from day 8, "
                "to lesion 1, then",
                remedy="write dose, interval, cycles and days, each once, in these words",
            )
        said[kind] = word
    if "interval" not in said:
        raise RegimenError(f"in {part!r}: the interval is missing", remedy="say how often, for instance q3w or daily")
    interval = _length(said["interval"])
    cycles = int(said["number of cycles"][1:]) if "number of cycles" in said else None
    days = tuple(sorted({int(day) for day in said.get("list of days", "d1")[1:].split(",")}))
    if interval == 0:
        raise RegimenError(f"in {part!r}: an interval of 0 days", remedy="give an interval of one day or more")
    if cycles == 0:
        raise RegimenError(f"in {part!r}: x0 means no cycles", remedy="give x1 or more, or leave the agent out")
    if days[0] < 1 or days[-1] > interval:
        raise RegimenError(
            f"in {part!r}: day {days[0] if days[0] < 1 else days[-1]} lies outside the cycle of {interval} days",
            remedy=f"name days from 1 to {interval}, or lengthen the cycle",
        )
    if said["interval"] == "bid":
        if drug.local:
            raise RegimenError(
                f"in {part!r}: two doses a day of {drug.name} are not one of twice the size",
                remedy="give one dose a day: daily",
            )
        amount = 2.0 * amount
    phase = Phase(amount, basis, interval, cycles, days)
    _refuse_impossible(phase, drug, part)
    return phase


def _length(interval: str) -> int:
    """Days from one cycle to the next."""
    if interval in ("daily", "qd", "bid"):
        return 1
    number, unit = re.fullmatch(r"q?(\d*)(.*)", interval).groups()  # type: ignore[union-attr]
    return int(number or 1) * (1 if unit == "d" else 7)


def _amount(number: float, unit: str, drug: Agent, part: str) -> tuple[float, str]:
    """A number with its unit as an amount and a basis."""
    written = unit.lower().replace("µ", "u").replace("μ", "u").replace("²", "2").replace("^", "")
    mass, _, per = written.partition("/")
    if written == "auc":
        return number, "AUC"
    if written in _NO_MASS:
        return number, _NO_MASS[written]
    if not written:
        raise RegimenError(
            f"in {part!r}: {number:g} has no unit; known: {', '.join(BASES)}",
            remedy=f"give the dose with its unit: the standard dose is {_standard(drug)}",
        )
    if mass not in _MASS or per not in _PER:
        raise RegimenError(
            f"in {part!r}: unknown unit {unit!r}; known: mg, g, ug, each alone, per kg or per m2, AUC, "
            + ", ".join(_NO_MASS.values()),
            remedy=f"the standard dose is {_standard(drug)}",
        )
    return number * _MASS[mass], _PER[per]


def _refuse_impossible(phase: Phase, drug: Agent, part: str) -> None:
    """Refuses what only a wrong unit explains: far from the standard dose, or its number on another basis."""
    standard = standard_phase(drug)
    if phase.basis == "AUC" and "nonrenal_clearance" not in drug.pharmacokinetics.parameters:
        raise RegimenError(
            f"in {part!r}: {drug.name} is not dosed by AUC", remedy=f"the standard dose is {_standard(drug)}"
        )
    strange = {phase.basis, standard.basis} & set(_NO_MASS.values())
    if phase.basis != standard.basis and strange:
        raise RegimenError(
            f"in {part!r}: {drug.name} is not dosed in {phase.basis}",
            remedy=f"the standard dose is {_standard(drug)}",
        )
    if phase.amount == 0:
        return
    given, usual = _typical(drug.name, phase), _typical(drug.name, standard)
    off = abs(log(given / usual))
    if phase.basis != standard.basis and (off > log(5.0) or abs(log(phase.amount / standard.amount)) <= off):
        raise RegimenError(
            f"in {part!r}: {_plain(phase.amount)} {phase.basis} is {given:.4g} mg for a typical patient, and the "
            f"standard dose {_standard(drug)} is {usual:.4g} mg",
            remedy=f"give the dose of {drug.name} in {standard.basis}",
        )
    if given > 20.0 * usual:
        raise RegimenError(
            f"in {part!r}: the dose is {given / usual:.4g} times the standard dose {_standard(drug)}",
            remedy="give at most 20 times the standard dose, and look at the unit",
        )


def standard_phase(drug: Agent) -> Phase:
    """The standard dose of an agent, once."""
    basis = next(basis for basis, unit in BASES.items() if unit == drug.dosing.unit)
    return Phase(drug.dosing.value, basis, interval=1)


def _standard(drug: Agent) -> str:
    return str(standard_phase(drug)).rpartition(" ")[0]


def _typical(name: str, phase: Phase) -> float:
    """One dose of a phase for the typical patient [mg]."""
    weight, surface, filtration = _typical_patient()
    return float(amount_of(name, phase, weight, surface, filtration)[0])


@cache
def _typical_patient() -> tuple[PerPatient, ...]:
    units = {"patient_weight": "kg", "patient_body_surface": "m**2", "patient_creatinine_clearance": "mL/min"}
    return tuple(np.array([parameters()[record].to(unit)]) for record, unit in units.items())


def _without_zeros(treatment: Treatment) -> Treatment:
    """The treatment without doses of 0 at its end and at its beginning, after which it starts later."""
    phases, start = treatment.phases, treatment.start
    while phases and phases[-1].amount == 0:
        phases = phases[:-1]
    while phases and phases[0].amount == 0:
        start += phases[0].interval * (phases[0].cycles or 0)
        phases = phases[1:]
    return Treatment(treatment.agent, phases, start, treatment.lesions)


def _plain(number: float) -> str:
    """A number as it reads back exactly, without a needless '.0'."""
    return repr(float(number)).removesuffix(".0")
