"""What a published outcome is: a value with its interval, its population, and the place where it was read."""

from typing import Literal

from pydantic import Field, model_validator

from alarmin.records.schema import Source, Status, Strict, Unit
from alarmin.units import factor

Endpoint = Literal["orr", "cr", "dcr", "median_pfs", "median_os", "median_dor", "pfs_at_6", "pfs_at_12", "os_at_12"]
Endpoints = Literal["pfs", "os", "orr"]
Role = Literal["training", "scoring"]

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


class ReportedArm(Strict):
    """What was reported of one arm; `name` is that of the arm in the trial's own file."""

    name: str
    title: str = ""
    patients: int = Field(gt=0)
    endpoints: tuple[ReportedEndpoint, ...] = ()
    curves: tuple[Curve, ...] = ()
    lesions: tuple[LesionChange, ...] = ()

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
    """The hazard ratio of two arms, with its 95 % interval."""

    experimental: str
    control: str
    endpoint: Endpoints
    hr: float = Field(gt=0)
    low: float | None = None
    high: float | None = None
    p: str = ""


class Discrepancy(Strict):
    """Where a secondary text and the primary source differ, and what is made of it."""

    audit: str
    claim: str
    finding: str
    established: bool
    consequence: str


class Study(Strict):
    """What a study reported, and what it may be used for: training (fitting) or scoring (judging)."""

    name: str
    title: str
    nct: str | None = None
    role: Role
    tumor: str
    line: Literal["first", "second"]
    arms: tuple[ReportedArm, ...]
    contrasts: tuple[ReportedContrast, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    sources: dict[str, Source]

    def arm(self, name: str) -> ReportedArm | None:
        """The arm called `name`; None where the study has none."""
        return next((arm for arm in self.arms if arm.name == name), None)

    @model_validator(mode="after")
    def _whole(self) -> "Study":
        places: list[Place] = list(self.contrasts)
        for arm in self.arms:
            places += [*arm.endpoints, *arm.curves, *arm.lesions]
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
