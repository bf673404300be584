"""What the design of a trial is."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from alarmin.records.schema.value import Status, Strict

MOST_LESIONS = 5
"""Target lesions of a patient: RECIST 1.1 follows at most five."""

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
    where the question is what happens outside the field; who has no other is not enrolled. `east_asia` is the share of
    patients enrolled in East Asia. With `response_weeks`, a response counts only if it is seen by that week (and the
    window of its visit). The trial lasts `months` from its first patient to the data cut, `accrual_months` of which it
    enrolls. It succeeds where the first contrast favors the experimental arm at the two-sided level `alpha` in `any` or
    `all` of the `primary` endpoints; a trial that compares no arms has none. It may name `null_response` instead, a
    response rate with which nobody would go on: it succeeds where its first arm responds more often, by an exact test
    at the level `alpha` / 2 to one side.
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
    east_asia: float = Field(default=0.0, ge=0, le=1)
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
