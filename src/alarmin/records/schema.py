"""What a record is: a value that says where it comes from and how far it can be trusted."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, model_validator

from alarmin.errors import AlarminError
from alarmin.records.limits import limit
from alarmin.units import factor

Grade = Literal["human", "animal", "fitted", "assumed"]
Status = Literal["read", "unverified", "provisional"]
Law = Literal["lognormal", "normal", "logitnormal"]


class RecordError(AlarminError):
    """A data file that breaks the schema; the message names file, key and value."""


class Strict(BaseModel):
    """Unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_unit(unit: str) -> str:
    factor(unit, unit)
    return unit


Unit = Annotated[str, AfterValidator(_known_unit)]


class Source(Strict):
    """A publication, register entry or data set; `doi`, `pmid`, `pmc`, `nct` or `url` says where it is found."""

    title: str
    doi: str | None = None
    pmid: str | None = None
    pmc: str | None = None
    nct: str | None = None
    url: str | None = None
    year: int | None = None
    note: str = ""


class Spread(Strict):
    """How a value differs between patients, or between lesions of one patient.

    `cv` is the coefficient of variation of a log-normal law; `sd` the standard deviation of a normal law in the
    record's unit, or of a logit-normal law on the logit scale.
    """

    law: Law = "lognormal"
    cv: float | None = Field(default=None, ge=0)
    sd: float | None = Field(default=None, ge=0)

    @property
    def size(self) -> Literal["cv", "sd"]:
        """Name of the number that gives the size of the spread."""
        return "cv" if self.law == "lognormal" else "sd"

    @model_validator(mode="after")
    def _one_size(self) -> "Spread":
        wanted = self.size
        if getattr(self, wanted) is None or (self.cv is not None and self.sd is not None):
            raise ValueError(f"a {self.law} spread is given by `{wanted}` alone")
        return self


class Conflict(Strict):
    """Another published value of the same thing, and why it was not taken."""

    value: float
    unit: Unit
    source: str
    note: str


class Record(Strict):
    """A sourced number.

    `value` is the median where there is a spread. A `proportion` lies between 0 and 1 by what it is. `low` and `high`
    bound what is believed of the value itself; `between_patients` and `between_lesions` say how it varies. `source`
    names an entry of `data/sources`, `where` the place in it. Assumed and fitted values say why in `note`. `derivation`
    is the arithmetic, with units, of a value that was worked out.
    """

    title: str
    value: float
    unit: Unit
    proportion: bool = False
    low: float | None = None
    high: float | None = None
    between_patients: Spread | None = None
    between_lesions: Spread | None = None
    applies_to: str = ""
    source: str
    where: str = ""
    grade: Grade
    status: Status
    note: str = ""
    derivation: str = ""
    conflicts: tuple[Conflict, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> "Record":
        known = limit(self.unit)
        if known is not None and abs(self.value) > known[0]:
            raise ValueError(f"{self.value:g} {self.unit} is impossible: {known[1]}")
        return self

    @model_validator(mode="after")
    def _proportionate(self) -> "Record":
        if self.proportion and not (self.unit == "dimensionless" and 0.0 <= self.value <= 1.0):
            raise ValueError(f"{self.value:g} {self.unit} is no proportion: it is dimensionless, from 0 to 1")
        return self

    @model_validator(mode="after")
    def _honest(self) -> "Record":
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"value {self.value} lies outside low {self.low} to high {self.high}")
        if self.grade in ("assumed", "fitted") and not (self.note or self.where):
            raise ValueError(f"a value of grade '{self.grade}' says in `note` why it is what it is")
        if self.status == "read" and self.grade in ("human", "animal") and not self.where:
            raise ValueError("a value that was read says in `where` the place in its source")
        for name, spread in (("between_patients", self.between_patients), ("between_lesions", self.between_lesions)):
            if spread and spread.law == "lognormal" and self.value <= 0:
                raise ValueError(f"{name}: a log-normal spread needs a positive value, not {self.value}")
            if spread and spread.law == "logitnormal" and not 0 < self.value < 1:
                raise ValueError(f"{name}: a logit-normal spread needs a value between 0 and 1, not {self.value}")
        return self

    def to(self, unit: str) -> float:
        """The value in `unit`; raises `UnitError` where that is impossible."""
        return self.value * factor(self.unit, unit)


class Rederivation(Strict):
    """A value of a record that was found or derived again without sight of the one in force.

    `low` and `high` bound what its source and method allow; `method` says how it came about.
    """

    value: float
    low: float
    high: float
    unit: Unit
    title: str
    doi: str | None = None
    pmid: str | None = None
    url: str | None = None
    where: str
    method: str


class Correlation(Strict):
    """Rank-scale (Gaussian copula) correlation of two records between patients [-]."""

    between: tuple[str, str]
    rho: float = Field(gt=-1, lt=1)
    source: str
    where: str = ""
    grade: Grade
    status: Status
    note: str = ""


class Rank(Strict):
    """Rank correlation of two cell types between tumors [-]."""

    between: tuple[str, str]
    rho: float = Field(ge=-1, le=1)


class Composition(Strict):
    """What many real tumors of a type hold: share of each cell type in the tumor [-], and mutations [1/Mb].

    `median` and `cv` are over tumors; `rank` correlates what they name.
    """

    source: str
    where: str
    grade: Grade
    status: Status
    note: str = ""
    tumors: int = Field(gt=0)
    median: dict[str, float]
    cv: dict[str, float]
    rank: tuple[Rank, ...] = ()

    @model_validator(mode="after")
    def _same_names(self) -> "Composition":
        if self.median.keys() != self.cv.keys():
            raise ValueError(f"`median` and `cv` name different things: {sorted(self.median.keys() ^ self.cv.keys())}")
        for name in (name for item in self.rank for name in item.between):
            if name not in self.median:
                raise ValueError(f"`rank` names {name!r}; known are {', '.join(self.median)}")
        return self


class Tumor(Strict):
    """A tumor type: what differs from the common parameters, how patients of the type differ, how they correlate.

    `base` names a tumor type whose parameters hold where this one gives none.
    """

    name: str
    title: str
    synonyms: tuple[str, ...] = ()
    base: str | None = None
    parameters: dict[str, Record] = {}
    correlations: tuple[Correlation, ...] = ()
    composition: Composition | None = None


UNTREATED, TREATED = "untreated", "treated"
"""What stands for the trial in the names of training data on tumors before and under treatment."""


class Population(Strict):
    """A fitted population: records that replace the priors of a tumor type, and what they were fitted to.

    `ensemble` holds what the fit leaves open: for each fitted value, or size of a spread ("NAME between patients"), its
    values in the members of the posterior, in the unit of the record. `borrowed_from` names the tumor type whose fit
    taught what is here, where it is another one.
    """

    name: str
    tumor: str
    method: str
    command: str
    training: tuple[str, ...]
    borrowed_from: str | None = None
    records: dict[str, Record]
    ensemble: dict[str, tuple[float, ...]] = {}
    report: dict[str, float | str | list[float] | list[str]] = {}

    @property
    def trials(self) -> tuple[str, ...]:
        """Trials of the training set, each once."""
        names = dict.fromkeys(item.partition(".")[0] for item in self.training)
        return tuple(name for name in names if name not in (UNTREATED, TREATED))

    @property
    def members(self) -> int:
        """How many members the posterior has; 0 where only its mean was kept."""
        return len(next(iter(self.ensemble.values()), ()))

    def member(self, number: int) -> dict[str, Record]:
        """The records of one member of the posterior."""
        found = dict(self.records)
        for name, values in self.ensemble.items():
            record, _, between = name.partition(" between ")
            known, value = found[record], values[number]
            update: dict[str, object] = {"value": value}
            if between:
                spread: Spread = getattr(known, f"between_{between}")
                update = {f"between_{between}": spread.model_copy(update={spread.size: value})}
            found[record] = known.model_copy(update=update)
        return found


class Pharmacokinetics(Strict):
    """How plasma concentration follows a dose: `linear` compartments, or `saturable` ones (`parameters` by name).

    What is given in a lesion (`local`) acts there over the day of the dose, and reaches no other.
    """

    model: Literal["linear", "saturable", "local"]
    parameters: dict[str, Record]


class Event(Record):
    """The share of patients with an adverse event.

    `severe` is whether these are events of grade 3 or more, which alone happen to virtual patients. A record of events
    of any grade says it: an event that needs treatment is of grade 3 whatever it is reported as.
    """

    severe: bool = True

    @model_validator(mode="after")
    def _graded(self) -> "Event":
        if "any grade" in f"{self.title} {self.applies_to}" and "severe" not in self.model_fields_set:
            raise ValueError("events of any grade: say whether they are `severe`")
        return self


class Action(Strict):
    """One mode of action of an agent; `mode` is the name of a file in `alarmin/therapy`."""

    mode: str
    parameters: dict[str, Record] = {}


class Agent(Strict):
    """A drug as data: what it is, how the body and the tissue handle it, what it does.

    `dosing` is the standard single dose; its unit says on which basis the agent is dosed: mg, mg/kg, mg/m**2, or
    mg*min/mL for a dose by area under the curve; Gy, J/cm**2, delta_degC or PFU where it is no mass. `unit` is that of
    concentration; of an agent that is given in a lesion, it is the unit of the dose. An agent without `tissue` stays
    in the blood, or is no substance. `usual` is how the standard dose is given, in the regimen language without the
    agent's name, by the source of `dosing`; it may be left out where the arms of trials show it.
    """

    name: str
    title: str
    synonyms: tuple[str, ...] = ()
    kind: str
    targets: tuple[str, ...] = ()
    route: str
    unit: Literal["nM", "uM", "mg", "Gy", "J/cm**2", "delta_degC", "PFU"]
    dosing: Record
    usual: str | None = None
    molar_mass: Record | None = None
    pharmacokinetics: Pharmacokinetics
    tissue: dict[str, Record]
    actions: tuple[Action, ...]
    toxicity: dict[str, Event] = {}

    @model_validator(mode="after")
    def _dosed(self) -> "Agent":
        known = ("mg", "mg/kg", "mg/m**2", "mg*min/mL", "Gy", "J/cm**2", "delta_degC", "PFU")
        if self.dosing.unit not in known:
            raise ValueError(f"dosing: the unit of a standard dose is one of {', '.join(known)}")
        if self.local and self.unit != self.dosing.unit:
            raise ValueError(f"unit: what is given in a lesion has the unit of its dose, {self.dosing.unit}")
        if not self.local and (self.molar_mass is None or self.unit not in ("nM", "uM")):
            raise ValueError("unit: what is given through the blood has a molar_mass, and nM or uM as its unit")
        return self

    @property
    def local(self) -> bool:
        """Whether the agent is given in a lesion, and not through the blood."""
        return self.pharmacokinetics.model == "local"

    @property
    def transport(self) -> tuple[str, ...]:
        """The file in `alarmin/therapy` that brings the agent into tissue; none where it stays outside of it."""
        return ("injection" if self.local else "tissue",) if self.tissue else ()

    def records(self) -> dict[str, Record]:
        """All records of the agent by id: `agent.part.name`, actions as `agent.mode.name`."""
        found = {f"{self.name}.dosing": self.dosing}
        if self.molar_mass is not None:
            found[f"{self.name}.molar_mass"] = self.molar_mass
        parts = [("pharmacokinetics", self.pharmacokinetics.parameters), ("tissue", self.tissue)]
        parts += [(action.mode, action.parameters) for action in self.actions] + [("toxicity", self.toxicity)]
        for part, records in parts:
            found |= {f"{self.name}.{part}.{name}": record for name, record in records.items()}
        return found


Line = Literal["first", "second"]


class Criterion(Strict):
    """What must hold of a candidate before treatment: a reading (`alarmin.readouts.biopsy`) within limits."""

    reading: Literal["hyaluronan", "pdl1", "cd8", "teff", "oxygen", "perfusion", "lesions", "diameter", "nlr", "ecog"]
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _limits(self) -> "Criterion":
        if self.least is None and self.most is None:
            raise ValueError("a criterion has a limit: `least`, `most`, or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"least {self.least} lies above most {self.most}")
        return self


class Arm(Strict):
    """One arm of a trial: what is given (in the regimen language) to how many patients.

    `tumor` and `line` are given where they are not those of the trial, as in trials of several diseases.
    `weeks_beyond_progression` is how long treatment goes on after progression, and `later_immunotherapy` the share of
    patients who get immunotherapy outside the trial once they have progressed.
    """

    name: str
    title: str = ""
    regimen: str
    patients: int = Field(gt=0)
    tumor: str | None = None
    line: Line | None = None
    weeks_beyond_progression: float = Field(default=0.0, ge=0)
    later_immunotherapy: float = Field(default=0.0, ge=0, le=1)


class Contrast(Strict):
    """Two arms that are compared."""

    experimental: str
    control: str


class Visits(Strict):
    """Scans every `every` days until day `until`, and so on through the list; the last entry has no end."""

    every: int = Field(gt=0)
    until: int | None = None


class Trial(Strict):
    """A trial as data: who is treated with what, when they are looked at, and what decides.

    `selection` says in words whom it takes, and `criteria` what of that is applied to candidates. `untargeted_lesions`
    are the numbers of lesions, from 1, that no arm counts in its sums of diameters, such as those that are irradiated
    where the question is what happens outside the field; who has no other is not enrolled. With `response_weeks`, a
    response counts only if it is seen by that week (and the window of its visit). The trial lasts
    `months` from its first patient to the data cut, `accrual_months` of which it enrolls. It succeeds where the first
    contrast favors the experimental arm at the two-sided level `alpha` in `any` or `all` of the `primary` endpoints; a
    trial that compares no arms has none. It may name `null_response` instead, a response rate with which nobody would
    go on: it succeeds where its first arm responds more often, by an exact test at the level `alpha` / 2 to one side.
    """

    name: str
    title: str
    nct: str | None = None
    phase: str
    tumor: str
    line: Line
    selection: str
    criteria: tuple[Criterion, ...] = ()
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    scans: tuple[Visits, ...]
    untargeted_lesions: tuple[PositiveInt, ...] = ()
    confirmation: bool
    response_weeks: float | None = Field(default=None, gt=0)
    treatment_until_progression: bool
    months: float = Field(gt=0)
    accrual_months: float = Field(ge=0)
    endpoints: tuple[Literal["pfs", "os", "orr", "dor"], ...]
    primary: tuple[Literal["pfs", "os", "orr"], ...]
    success: Literal["any", "all"] = "any"
    alpha: float = Field(default=0.05, gt=0, lt=1)
    null_response: float | None = Field(default=None, gt=0, lt=1)
    source: str
    where: str
    status: Status
    note: str = ""

    @model_validator(mode="after")
    def _arms_exist(self) -> "Trial":
        names = [arm.name for arm in self.arms]
        if not names:
            raise ValueError("arms is empty; a trial has at least one arm")
        if len(set(names)) != len(names):
            raise ValueError(f"arm names are not unique: {names}")
        for name in names:
            # The courses of an arm are kept in a folder of its name.
            if not name.strip() or name.startswith(".") or set(name) & set("/\\\0"):
                raise ValueError(f"arm name {name!r} cannot name a folder; leave out slashes and a dot in front")
        for contrast in self.contrasts:
            for name in (contrast.experimental, contrast.control):
                if name not in names:
                    raise ValueError(f"contrast names the arm {name!r}; the arms are {names}")
            if contrast.experimental == contrast.control:
                raise ValueError(f"contrast compares the arm {contrast.control!r} with itself; name two arms")
        if self.contrasts and self.null_response is not None:
            raise ValueError("null_response is for trials that compare no arms; this one has contrasts")
        least = len(self.untargeted_lesions) + 1
        if least > 1 and not any(c.reading == "lesions" and (c.least or 0) >= least for c in self.criteria):
            raise ValueError(
                f"untargeted_lesions {list(self.untargeted_lesions)} leaves some patients without a lesion to measure; "
                f'add a criterion on "lesions" of at least {least}'
            )
        if self.primary and not self.contrasts:
            raise ValueError(f"primary names {list(self.primary)}, but no contrast says which arms are compared")
        return self

    @model_validator(mode="after")
    def _scans_go_on(self) -> "Trial":
        if not self.scans:
            raise ValueError("scans is empty; say every how many days scans are taken")
        ends = [visit.until for visit in self.scans]
        if ends[-1] is not None:
            raise ValueError(f"the last entry of scans ends on day {ends[-1]}; leave its `until` out")
        known = [end for end in ends if end is not None]
        if len(known) < len(ends) - 1 or known != sorted(set(known)):
            raise ValueError(f"scans end on days {ends}; every entry but the last has an `until`, each a later day")
        return self

    @model_validator(mode="after")
    def _in_time(self) -> "Trial":
        if self.accrual_months > self.months:
            raise ValueError(f"accrual_months {self.accrual_months:g} goes on after the data cut, at {self.months:g}")
        return self

    @model_validator(mode="after")
    def _primary_is_looked_at(self) -> "Trial":
        missing = [name for name in self.primary if name not in self.endpoints]
        if missing:
            raise ValueError(f"primary names {missing}; the endpoints are {list(self.endpoints)}: add it to them")
        return self
