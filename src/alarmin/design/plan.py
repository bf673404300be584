"""The design of a trial as data: what is compared, when it is looked at, and what may change on the way."""

from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from alarmin import records
from alarmin.errors import AlarminError, nearest
from alarmin.records import Trial
from alarmin.records.loader import check, read
from alarmin.records.schema import Strict
from alarmin.trials.bank import READINGS

Shape = Literal["obrien_fleming", "pocock"]


class DesignError(AlarminError):
    """A design that cannot be simulated; the message names the key and shows the value."""


class Endpoint(Strict):
    """What decides: `orr`, `pfs`, `os`, or the restricted mean (`rmst`) or survival at a time (`milestone`) `of` one.

    `months` is when a response is read at the latest, where a mean ends, or when a milestone is.
    """

    name: Literal["orr", "pfs", "os", "rmst", "milestone"]
    of: Literal["pfs", "os"] = "os"
    months: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _timed(self) -> "Endpoint":
        if self.by_events and self.months is not None:
            raise ValueError(f"`months` says nothing about {self.name}: drop it")
        if not self.by_events and self.months is None:
            raise ValueError(f"{self.name} needs `months`, the time after entry at which it is known")
        return self

    @property
    def by_events(self) -> bool:
        """Whether information comes with events, and not with patients."""
        return self.name in ("pfs", "os")

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


def load(path: str | Path) -> tuple[Design, Trial]:
    """The design in a TOML file and the trial that it is about; raises `RecordError` or `DesignError`."""
    path = Path(path)
    if not path.is_file():
        raise DesignError(f"no design file {str(path)!r}", remedy="give the path of an existing TOML file")
    design = check(Design, read(path), path.name)
    beside = path.parent / design.trial
    trial = records.trial(beside if design.trial.endswith(".toml") and beside.is_file() else design.trial)
    _agrees(design, trial)
    return design, trial


def _agrees(design: Design, trial: Trial) -> None:
    """Refuses what no single key shows: parts of a design that contradict one another, or the trial."""
    arms = [arm.name for arm in trial.arms]
    for name in (*design.experimental, design.control):
        if name not in arms:
            raise DesignError(f"arm {name!r} of trial {trial.name!r}; {nearest(name, arms)}", remedy="name its arms")
    if len({*design.experimental, design.control}) <= len(design.experimental):
        raise DesignError(
            f"arms {[*design.experimental, design.control]} are not different", remedy="name each arm once"
        )
    if len({arm.tumor for arm in trial.arms if arm.name in (*design.experimental, design.control)}) > 1:
        raise DesignError(f"the arms of {trial.name!r} have different tumors", remedy="compare arms with one tumor")
    needed = "orr" if design.endpoint.name == "orr" else design.endpoint.time
    if needed not in trial.endpoints:
        raise DesignError(
            f"endpoint {design.endpoint.name!r}, and the endpoints of {trial.name!r} are {', '.join(trial.endpoints)}",
            remedy="choose one of its endpoints, or add it to the trial",
        )
    expected = design.patients / design.accrual.per_month
    if design.accrual.months is not None and abs(design.accrual.months - expected) > 1.0:
        raise DesignError(
            f"accrual.months {design.accrual.months:g}, but {design.patients} patients at "
            f"{design.accrual.per_month:g} a month take {expected:.1f}",
            remedy="make patients, accrual.per_month and accrual.months agree, or leave accrual.months out",
        )
    if design.cut.months < expected:
        raise DesignError(
            f"cut.months {design.cut.months:g} comes before the last of {design.patients} patients, at {expected:.1f}",
            remedy="cut later, or enroll faster",
        )
    if design.endpoint.by_events and design.cut.events is None:
        raise DesignError(
            f"cut.events is missing, and {design.endpoint.name} counts events",
            remedy="say at how many events the last look is taken",
        )
    if not design.endpoint.by_events and design.cut.events is not None:
        raise DesignError(
            f"cut.events {design.cut.events}, but {design.endpoint.name} counts patients", remedy="leave it out"
        )
    # Events are those of the control and one experimental arm, where several share a control.
    compared = design.patients * 2 // (1 + len(design.experimental))
    if design.endpoint.by_events and design.planned > compared:
        raise DesignError(
            f"cut.events {design.planned} of {compared} patients who are compared",
            remedy="ask for fewer events than patients",
        )
    if not isinstance(design.looks.spending, str):
        total = sum(design.looks.spending)
        if abs(total - design.alpha) > 1e-9 or min(design.looks.spending) < 0:
            raise DesignError(
                f"looks.spending {list(design.looks.spending)} sums to {total:g}, and alpha is {design.alpha:g}",
                remedy="give each look its alpha, none below 0, so that they sum to alpha",
            )
    _tests_fit(design)
    _adaptation_fits(design)


def _tests_fit(design: Design) -> None:
    futility = design.looks.futility
    if not design.endpoint.by_events and design.test != Comparison():
        raise DesignError(
            f"test {design.test.name!r} with endpoint {design.endpoint.name!r}, which has its own",
            remedy="leave the test out, or take pfs or os",
        )
    if design.test.stratum is not None:
        _measured(design.test.stratum, "test.stratum")
    if design.test.name == "maxcombo" and design.sides == 2:
        raise DesignError("maxcombo with sides = 2", remedy="state alpha one-sided, as alpha/2 with sides = 1")
    if futility is None:
        return
    if design.sides == 2:
        raise DesignError("looks.futility with sides = 2", remedy="state alpha one-sided, as alpha/2 with sides = 1")
    if futility.hazard_ratio is not None and not design.endpoint.by_events:
        raise DesignError(
            f"looks.futility.hazard_ratio {futility.hazard_ratio:g} with endpoint {design.endpoint.name!r}",
            remedy="stop for futility by `spending`, or take pfs or os",
        )
    if futility.spending is not None and design.test.name == "maxcombo":
        raise DesignError("looks.futility.spending with maxcombo", remedy="stop for futility by `hazard_ratio`")


def _adaptation_fits(design: Design) -> None:
    chosen = [name for name in ADAPTIVE if getattr(design, name) is not None]
    if len(chosen) > 1:
        raise DesignError(f"a design with {' and '.join(chosen)}", remedy="adapt one thing in one design")
    if len(design.experimental) > 1 and design.selection is None:
        raise DesignError(
            f"experimental {list(design.experimental)} without a rule that selects",
            remedy="add [selection], or name one",
        )
    if not chosen:
        return
    kind, looks = chosen[0], len(design.looks.fractions)
    two = {"enrichment", "selection"}
    wanted = {"reestimation": "at least two looks", "response_adaptive": "one look"}.get(kind, "two looks")
    if (
        (kind in two and looks != 2)
        or (kind == "reestimation" and looks < 2)
        or (kind == "response_adaptive" and looks != 1)
    ):
        raise DesignError(f"looks.fractions {list(design.looks.fractions)}", remedy=f"{kind} takes {wanted}")
    if design.sides == 2:
        raise DesignError(f"{kind} with sides = 2", remedy="state alpha one-sided, as alpha/2 with sides = 1")
    if design.test.name == "maxcombo" or design.test.strata:
        raise DesignError(f"{kind} with a test of many parts", remedy="take logrank or fleming_harrington, no strata")
    if design.looks.futility is not None and kind != "reestimation":
        raise DesignError(f"looks.futility with {kind}, which has its own rule", remedy="leave looks.futility out")
    if design.enrichment is not None:
        _measured(design.enrichment.biomarker, "enrichment.biomarker")
        if design.endpoint.by_events and design.enrichment.subgroup_events is None:
            raise DesignError(
                f"enrichment.subgroup_events is missing, and {design.endpoint.name} counts events",
                remedy="say at how many events the last look at the subgroup alone is taken",
            )
    if design.selection is not None and design.selection.keep > len(design.experimental):
        raise DesignError(
            f"selection.keep {design.selection.keep} of {len(design.experimental)} experimental arms",
            remedy="keep no more arms than there are",
        )
    if design.response_adaptive is not None and design.endpoint.name != "orr":
        raise DesignError(
            f"response_adaptive with endpoint {design.endpoint.name!r}", remedy='take endpoint.name = "orr"'
        )


def _measured(name: str, key: str) -> None:
    if name not in READINGS:
        raise DesignError(
            f"{key}: {name!r} is nothing that the trial measures before treatment; {nearest(name, READINGS)}",
            remedy="choose a reading of the baseline biopsy or of the baseline scan",
        )
