"""The design of a trial as data: what is compared, when it is looked at, and what may change on the way."""

from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from alarmin.errors import AlarminError
from alarmin.records.schema import Strict

Shape = Literal["obrien_fleming", "pocock"]


class DesignError(AlarminError):
    """A design that cannot be simulated; the message names the key and shows the value."""


class Endpoint(Strict):
    """What decides: `orr`, `pfs`, `os`, or the restricted mean (`rmst`) or survival at a time (`milestone`) `of` one.

    `ipfs` is progression-free survival by iRECIST, whose progression the next scan has to confirm. `months` is when a
    response is read at the latest, where a mean ends, or when a milestone is.
    """

    name: Literal["orr", "pfs", "ipfs", "os", "rmst", "milestone"]
    of: Literal["pfs", "ipfs", "os"] = "os"
    months: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _timed(self) -> "Endpoint":
        if self.by_events and self.months is not None:
            raise ValueError(f"`months` says nothing about {self.name}: drop it")
        if not self.by_events and self.months is None:
            raise ValueError(f"{self.name} needs `months`, the time after entry at which it is known")
        if self.name not in ("rmst", "milestone") and self.of != "os":
            raise ValueError(f"`of` says nothing about {self.name}: drop it")
        return self

    @property
    def by_events(self) -> bool:
        """Whether information comes with events, and not with patients."""
        return self.name in ("pfs", "ipfs", "os")

    @property
    def time(self) -> str:
        """Which time it is about."""
        return self.name if self.by_events else self.of


class Comparison(Strict):
    """The test: `fleming_harrington` weighs events by S^rho (1 - S)^gamma, `maxcombo` takes the best of four weights.

    Endpoints other than pfs and os have a test of their own, and need no choice. `strata` are the limits of a baseline
    reading (`stratum`) between which only like is compared with like.
    """

    name: Literal["logrank", "fleming_harrington", "maxcombo"] = "logrank"
    rho: float = Field(default=0.0, ge=0)
    gamma: float = Field(default=0.0, ge=0)
    stratum: str | None = None
    strata: tuple[float, ...] = ()

    @property
    def weights(self) -> tuple[tuple[float, float], ...]:
        """rho and gamma of each weight."""
        if self.name == "maxcombo":
            return ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
        return ((self.rho, self.gamma),)

    @model_validator(mode="after")
    def _weighted(self) -> "Comparison":
        if self.name != "fleming_harrington" and (self.rho or self.gamma):
            raise ValueError('rho and gamma belong to name = "fleming_harrington"')
        if (self.stratum is None) != (not self.strata) or list(self.strata) != sorted(set(self.strata)):
            raise ValueError(
                "`stratum` names a reading and `strata` gives its limits, increasing; give both or neither"
            )
        return self


class Accrual(Strict):
    """How fast patients enter, on average; `months`, where it is given, has to agree with it."""

    per_month: float = Field(gt=0)
    months: float | None = Field(default=None, gt=0)
    drop_out_per_month: float = Field(default=0.0, ge=0, lt=1)


class Cut(Strict):
    """The last look: at so many `events`, or when all were followed long enough; at `months` at the latest."""

    events: int | None = Field(default=None, gt=0)
    months: float = Field(gt=0)


class Futility(Strict):
    """When a trial stops for lack of effect: beta is spent, or the hazard ratio seen is too high."""

    spending: Shape | None = None
    hazard_ratio: float | None = Field(default=None, gt=0)
    binding: bool = False

    @model_validator(mode="after")
    def _one_rule(self) -> "Futility":
        if (self.spending is None) == (self.hazard_ratio is None):
            raise ValueError("futility has either `spending` or `hazard_ratio`")
        if self.binding and self.spending is None:
            raise ValueError("only a futility rule by `spending` can be binding")
        return self


class Looks(Strict):
    """When data are looked at, as shares of the information, and how alpha is spent: by a function, or as a list."""

    fractions: tuple[float, ...] = (1.0,)
    spending: (
        Literal["obrien_fleming", "pocock", "classical_obrien_fleming", "classical_pocock"] | tuple[float, ...]
    ) = "obrien_fleming"
    futility: Futility | None = None

    @model_validator(mode="after")
    def _increasing(self) -> "Looks":
        f = self.fractions
        if not f or f[0] <= 0 or f[-1] != 1.0 or any(b <= a for a, b in pairwise(f)):
            raise ValueError("looks are increasing shares of the information, above 0, and the last is 1.0")
        if not isinstance(self.spending, str) and len(self.spending) != len(f):
            raise ValueError(f"a list of alphas has one for each of the {len(f)} looks")
        return self


class Reestimation(Strict):
    """The promising zone: conditional power between `promising` and the goal, at the look before the last, makes the
    trial larger, up to `most` times as large."""

    promising: float = Field(default=0.3, gt=0, lt=1)
    most: float = Field(default=1.5, gt=1, le=4)


class Enrichment(Strict):
    """A subgroup by a baseline reading, and when the trial goes on with it alone.

    At the first of two looks, everyone goes on where Z of all reaches `everyone`, the subgroup where its own Z reaches
    `subgroup`; neither ends the trial. `worthwhile` is the true effect from which on a group would be the right one: a
    hazard ratio below it for pfs and os, a difference above it for the others (rmst in months).
    """

    biomarker: str
    least: float | None = None
    most: float | None = None
    everyone: float = 0.0
    subgroup: float = 0.0
    subgroup_events: int | None = Field(default=None, gt=0)
    worthwhile: float

    @model_validator(mode="after")
    def _limited(self) -> "Enrichment":
        if self.least is None and self.most is None:
            raise ValueError("a subgroup has a limit: `least`, `most`, or both")
        return self


class Selection(Strict):
    """At the first of two looks the `keep` best experimental arms go on, of those whose Z reaches `least`."""

    keep: int = Field(default=1, ge=1)
    least: float = -10.0


class ResponseAdaptive(Strict):
    """Response-adaptive randomization: the chance of each arm, block by block, from the responses known by then.

    P(experimental) = p^c / (p^c + (1 - p)^c), p the posterior probability that it is better (Beta(1, 1) priors) and
    c = n/2N, between `least` and 1 - `least`, after `burn_in` patients at even odds (Thall and Wathen).
    """

    burn_in: int = Field(default=50, ge=2)
    block: int = Field(default=20, ge=2)
    least: float = Field(default=0.1, gt=0, lt=0.5)


class BankSize(Strict):
    """How many populations the bank holds, and patients in each."""

    populations: int = Field(default=8, ge=1)
    patients: int = Field(default=50, ge=2)


class Design(Strict):
    """A design: whose patients, which arms, what decides, and when.

    `trial` names a trial file, whose arms and patients make the bank. `alpha` is one-sided or two-sided as `sides`
    says. `power` is the goal, which futility by spending and re-estimation aim at.
    """

    name: str
    title: str = ""
    trial: str
    experimental: tuple[str, ...] = Field(min_length=1)
    control: str
    patients: int = Field(ge=4)
    alpha: float = Field(gt=0, lt=0.5)
    sides: Literal[1, 2]
    power: float = Field(default=0.9, gt=0.5, lt=1)
    endpoint: Endpoint
    test: Comparison = Comparison()
    accrual: Accrual
    cut: Cut
    looks: Looks = Looks()
    reestimation: Reestimation | None = None
    enrichment: Enrichment | None = None
    selection: Selection | None = None
    response_adaptive: ResponseAdaptive | None = None
    bank: BankSize = BankSize()

    @property
    def kind(self) -> str:
        """Which of the designs it is: sequential, or what it adapts."""
        return next((name for name in ADAPTIVE if getattr(self, name) is not None), "sequential")

    @property
    def planned(self) -> int:
        """Events, or patients whose endpoint is known, at the last look."""
        return (self.cut.events or 0) if self.endpoint.by_events else self.patients


ADAPTIVE = ("reestimation", "enrichment", "selection", "response_adaptive")
