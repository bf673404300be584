"""What a published outcome is: a value with its interval, its population, and the place where it was read."""

from typing import Literal

from pydantic import Field, model_validator

from alarmin.records.schema import Source, Status, Strict, Unit
from alarmin.units import factor

Endpoint = Literal[
    "orr", "cr", "pr", "sd", "dcr", "drr", "median_pfs", "median_os", "median_dor", "pfs_at_6", "pfs_at_12",
    "pfs_at_24", "pfs_at_60", "os_at_12", "os_at_24", "os_at_60", "os_at_84",
]  # fmt: skip
Endpoints = Literal["pfs", "os", "orr"]
Measure = Literal["hazard ratio", "odds ratio", "response ratio"]
Role = Literal["training", "scoring"]
Level = Literal["A", "B", "C", "D", "E"]
"""Level of evidence as CIViC grades it: A proven, B clinical, C case series, D preclinical, E inferential."""

Z = 1.959963984540054
"""Standard normal quantile of 0.975."""


class Place(Strict):
    """Where a value was read.

    `source` names an entry of the study's sources, `where` the place in it. Of several values of one thing, one is
    compared with predictions; the others have `compare = false` and say in `note` why.
    """

    population: str = ""
    source: str
    where: str
    status: Status
    compare: bool = True
    note: str = ""


class Reported(Place):
    """An endpoint of one arm; `low` and `high` bound its 95 % interval."""

    endpoint: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: Unit
    n: int | None = Field(default=None, gt=0)

    def to(self, unit: str) -> float:
        """The value in `unit`."""
        return self.value * factor(self.unit, unit)

    def interval(self, unit: str) -> tuple[float | None, float | None]:
        """The 95 % interval in `unit`; None where none was reported."""
        scale = factor(self.unit, unit)
        return tuple(None if end is None else end * scale for end in (self.low, self.high))  # type: ignore[return-value]


class ReportedEndpoint(Reported):
    """An endpoint that a publication states in so many words."""

    endpoint: Endpoint

    @model_validator(mode="after")
    def _in_its_unit(self) -> "ReportedEndpoint":
        self.to("month" if self.endpoint.startswith("median") else "dimensionless")
        return self


class Curve(Place):
    """Survival at some months, read off a published Kaplan-Meier curve, with standard errors after Greenwood."""

    endpoint: Literal["pfs", "os"]
    months: tuple[int, ...]
    survival: tuple[float, ...]
    standard_error: tuple[float, ...]
    n: int = Field(gt=0)

    @model_validator(mode="after")
    def _as_many(self) -> "Curve":
        if not len(self.months) == len(self.survival) == len(self.standard_error):
            raise ValueError("months, survival and standard_error differ in length")
        return self

    def points(self) -> list[Reported]:
        """The curve as endpoints, `os_at_12` and so on."""
        place = {name: getattr(self, name) for name in Place.model_fields}
        return [
            Reported(
                endpoint=f"{self.endpoint}_at_{month}",
                value=value,
                low=max(value - Z * error, 0.0),
                high=min(value + Z * error, 1.0),
                unit="dimensionless",
                n=self.n,
                **place,
            )
            for month, value, error in zip(self.months, self.survival, self.standard_error, strict=True)
        ]


class LesionChange(Place):
    """Change of one target lesion a patient from baseline, as a share, among the patients scanned about a week.

    `quantiles` are those at 0.1, 0.25, 0.5, 0.75 and 0.9; `shrunk` is the share that lost 30 % or more, `grown` the
    share that gained 20 % or more.
    """

    week: int = Field(gt=0)
    n: int = Field(gt=0)
    quantiles: tuple[float, float, float, float, float]
    shrunk: float = Field(ge=0, le=1)
    grown: float = Field(ge=0, le=1)


class ReportedEvent(Place):
    """How many patients of an arm had an adverse event: a share, or a number of them.

    `grade` is as reported ("3-4", "3-5", "any"; "" where it was not said), and `related` whether only events count that
    were put down to treatment.
    """

    event: str
    grade: str = ""
    related: bool = False
    value: float = Field(ge=0)
    unit: Literal["percent", "patients"]


class Finding(Place):
    """A result that is no number of one of the endpoints, in words."""

    about: str
    text: str


class ReportedArm(Strict):
    """What was reported of one arm; `name` is that of the arm in the trial's own file.

    `patients` is None where their number was not found.
    """

    name: str
    title: str = ""
    patients: int | None = Field(default=None, gt=0)
    endpoints: tuple[ReportedEndpoint, ...] = ()
    curves: tuple[Curve, ...] = ()
    lesions: tuple[LesionChange, ...] = ()
    events: tuple[ReportedEvent, ...] = ()
    findings: tuple[Finding, ...] = ()

    def reported(self) -> list[Reported]:
        """Endpoints and points of curves that are compared with predictions."""
        found = [*self.endpoints, *(point for curve in self.curves for point in curve.points())]
        return [item for item in found if item.compare]

    @model_validator(mode="after")
    def _one_of_each(self) -> "ReportedArm":
        names = [item.endpoint for item in self.reported()]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(
                f"arm {self.name!r} has several values of {sorted(twice)}: set compare = false on the rest"
            )
        return self


class ReportedContrast(Place):
    """The hazard ratio of two arms (or another `measure`), with its 95 % interval."""

    experimental: str
    control: str
    endpoint: Endpoints
    measure: Measure = "hazard ratio"
    hr: float = Field(gt=0)
    low: float | None = None
    high: float | None = None
    p: str = ""

    @model_validator(mode="after")
    def _alike(self) -> "ReportedContrast":
        if self.compare and self.measure != "hazard ratio":
            raise ValueError(f"predictions are hazard ratios: set compare = false on this {self.measure}")
        return self


class Claim(Strict):
    """What the review says of a study, value by value as printed, and what the primary source says of that."""

    id: str
    claim: str
    values: tuple[str, ...]
    population: str = ""
    where: str
    primary: str


class Discrepancy(Strict):
    """Where the review and the primary source (or the review and itself) differ, and what is made of it.

    `places` are places in the review, `against` what they are held against: sources, or other places of the review.
    `studies` names those that it concerns, where it stands in no study's own file.
    """

    audit: str
    severity: Literal["critical", "major", "minor"]
    kind: str
    places: tuple[str, ...] = Field(min_length=1)
    against: tuple[str, ...] = Field(min_length=1)
    claim: str
    finding: str
    established: bool
    consequence: str
    studies: tuple[str, ...] = ()


class Study(Strict):
    """What a study reported, and what it may be used for: training (fitting) or scoring (judging).

    Names follow ClinicalTrials.gov where it has them. `start` and `end` are as the registry or the publication has it,
    `isolates` says which agent the comparison of the arms speaks of, and `shares_patients_with` names studies with some
    of the same patients. `line` is "second" for any later line too. `met` says whether the trial reached what it set
    out to show, where it set out to show something; `outcome` says it in words.
    """

    name: str
    title: str
    nct: str | None = None
    role: Role
    level: Level | None = None
    tumor: str
    line: Literal["first", "second"]
    conditions: str = ""
    phase: str = ""
    design: str = ""
    selection: str = ""
    enrollment: int | None = Field(default=None, gt=0)
    start: str = ""
    end: str = ""
    outcome: str = ""
    met: bool | None = None
    isolates: str = ""
    use: str = ""
    shares_patients_with: tuple[str, ...] = ()
    arms: tuple[ReportedArm, ...] = ()
    contrasts: tuple[ReportedContrast, ...] = ()
    claims: tuple[Claim, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    sources: dict[str, Source]

    def arm(self, name: str) -> ReportedArm | None:
        """The arm called `name`; None where the study has none."""
        return next((arm for arm in self.arms if arm.name == name), None)

    @model_validator(mode="after")
    def _whole(self) -> "Study":
        places: list[Place] = list(self.contrasts)
        for arm in self.arms:
            places += [*arm.endpoints, *arm.curves, *arm.lesions, *arm.events, *arm.findings]
        for place in places:
            if place.source not in self.sources:
                raise ValueError(f"source {place.source!r} is not among the study's: {sorted(self.sources)}")
        names = [arm.name for arm in self.arms]
        compared = set()
        for contrast in self.contrasts:
            for name in (contrast.experimental, contrast.control):
                if name not in names:
                    raise ValueError(f"contrast names the arm {name!r}; the arms are {names}")
            key = (contrast.experimental, contrast.control, contrast.endpoint)
            if contrast.compare and key in compared:
                raise ValueError(f"several contrasts {key} are compared: set compare = false on the rest")
            compared |= {key} if contrast.compare else set()
        return self


class Audit(Strict):
    """Findings on the review that concern no study, or several of them."""

    discrepancies: tuple[Discrepancy, ...]


Property = Literal["inflamed", "excluded", "desert", "oxygen", "doubling_time", "collagen", "hyaluronan"]
"""What is measured of untreated tumors, by the names of `alarmin.readouts.phenotype`."""


class Measured(Place):
    """What was measured in untreated tumors of a type: a share of tumors, or a median; `n` counts tumors.

    `low` and `high` are the range that the source gives, of medians or of tumors.
    """

    tumor: str
    quantity: Property
    value: float = Field(ge=0)
    low: float | None = None
    high: float | None = None
    unit: Unit
    n: int | None = Field(default=None, gt=0)


class MeasuredUnder(Place):
    """What a regimen was seen to do to tumors by some day: the ratio of a quantity to before, of `n` patients."""

    quantity: Literal["vessel_mature", "vessel_immature", "imaged_flow"]
    regimen: str
    day: int = Field(gt=0)
    ratio: float = Field(gt=0)
    n: int | None = Field(default=None, gt=0)


class Treated(Strict):
    """What was measured in tumors under treatment, one value of each quantity."""

    sources: dict[str, Source]
    findings: tuple[MeasuredUnder, ...]

    @model_validator(mode="after")
    def _whole(self) -> "Treated":
        names = [item.quantity for item in self.findings]
        for item in self.findings:
            if item.source not in self.sources:
                raise ValueError(f"{item.quantity}: source {item.source!r} is not among {sorted(self.sources)}")
            if names.count(item.quantity) > 1:
                raise ValueError(f"several values of {item.quantity!r}: keep one")
        return self


class Untreated(Strict):
    """All that was measured in untreated tumors, one value of each quantity of a type compared with the model."""

    sources: dict[str, Source]
    findings: tuple[Measured, ...]

    @model_validator(mode="after")
    def _whole(self) -> "Untreated":
        seen: set[tuple[str, str]] = set()
        for item in self.findings:
            key = (item.tumor, item.quantity)
            if item.source not in self.sources:
                raise ValueError(f"{key}: source {item.source!r} is not among {sorted(self.sources)}")
            if item.compare and key in seen:
                raise ValueError(f"several values of {key} are compared: set compare = false on the rest")
            seen |= {key} if item.compare else set()
        return self
