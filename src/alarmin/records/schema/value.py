"""What a number is: a value that says where it comes from and how far it can be trusted."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

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
