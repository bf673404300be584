"""What a fit may change and what it may look at, declared in a data file."""

from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field

from alarmin.errors import nearest
from alarmin.records import Record, RecordError, Spread
from alarmin.records.loader import check, read
from alarmin.records.schema import Strict

PLANS = files("alarmin.calibrate") / "data"


class Change(Strict):
    """A record that the fit may change.

    `value` multiplies its value by exp(sd theta) (`shift`: adds sd theta in the unit of the record; `odds`: multiplies
    the odds); `patients` and `lesions` multiply the size of its spread. theta is standard normal before the fit.
    """

    record: str
    of: Literal["value", "shift", "odds", "patients", "lesions"] = "value"
    sd: float = Field(gt=0)

    @property
    def name(self) -> str:
        """What the number is called in reports."""
        return self.record if self.of in ("value", "shift", "odds") else f"{self.record} between {self.of}"

    def number(self, record: Record) -> float:
        """What the fit changes of a record: its value, or the size of its spread."""
        if self.of in ("value", "shift", "odds"):
            return record.value
        spread: Spread = getattr(record, f"between_{self.of}")
        return float(getattr(spread, spread.size))

    def apply(self, record: Record, theta: float, prior: Record | None = None) -> Record:
        """The record with the change made, graded as fitted; `prior` is what it was before another change of it."""
        factor = 2.718281828459045 ** (self.sd * theta)
        update: dict = {}
        if self.of == "value":
            update["value"] = record.value * factor
        elif self.of == "shift":
            update["value"] = record.value + self.sd * theta
        elif self.of == "odds":
            odds = record.value / (1.0 - record.value) * factor
            update["value"] = odds / (1.0 + odds)
        else:
            name = f"between_{self.of}"
            spread: Spread | None = getattr(record, name)
            if spread is None:
                raise RecordError(f"{self.record} does not differ {name.replace('_', ' ')}", remedy="drop the change")
            update[name] = spread.model_copy(update={spread.size: getattr(spread, spread.size) * factor})
        update |= {"low": None, "high": None, "grade": "fitted", "source": "fitted", "status": "provisional"}
        prior = record if prior is None else prior
        update |= {"where": "", "conflicts": (), "note": f"prior: {prior.value:g} {prior.unit}, {prior.source}"}
        return record.model_copy(update=update)


class Target(Strict):
    """Published endpoints of one arm that the fit may look at, by the names of the trial's results.

    `lesion_W_Q` is the Q-th percentile of the change of a target lesion at week W among patients still scanned at
    week 12; `hr_pfs` and `hr_os` are hazard ratios over the arm `control`. `like` names the trial and arm whose
    course stands for this one, and the arm that stands for `control`, where the treatment is the same.
    """

    trial: str
    arm: str
    control: str | None = None
    endpoints: tuple[str, ...]
    like: tuple[str, str] | tuple[str, str, str] | None = None

    @property
    def simulated(self) -> tuple[str, str]:
        """Trial and arm that are simulated."""
        return self.like[:2] if self.like else (self.trial, self.arm)

    @property
    def simulated_control(self) -> tuple[str, str] | None:
        """Trial and arm that are simulated for `control`; None without it."""
        if self.control is None:
            return None
        return self.simulated[0], (self.like[2] if self.like and len(self.like) == 3 else self.control)


class Plan(Strict):
    """A fit: of which population, what it changes, and the data that it sees.

    With `borrow`, it starts from what the fits of other tumor types teach, and keeps what it does not change. What sets
    trials of the same regimen apart has the standard deviations `between_trials` (log hazard),
    `between_trials_response` (logit of response) and `between_trials_lesion` (change of lesions). No endpoint
    but changes of lesions counts as known better than to `least_error`, since the model errs by as much.
    `untreated` names what is known of tumors before treatment (of `alarmin.readouts.phenotype`), each with how far the
    logarithm of its median may be missed; `treated` what is known of their vessels under treatment (of
    `alarmin.readouts.vessels`), likewise. `steps_per_day` is that of the simulations.
    """

    name: str
    tumor: str
    borrow: bool = False
    between_trials: float = Field(ge=0)
    between_trials_response: float = Field(ge=0)
    between_trials_lesion: float = Field(default=0.0, ge=0)
    least_error: float = Field(ge=0)
    months: float = Field(gt=0)
    steps_per_day: int = Field(default=1, gt=0)
    changes: tuple[Change, ...]
    untreated: dict[str, Annotated[float, Field(gt=0)]] = {}
    treated: dict[str, Annotated[float, Field(gt=0)]] = {}
    targets: tuple[Target, ...]


def plan(name: str) -> Plan:
    """The plan called `name`; raises `RecordError` that lists the known ones."""
    known = sorted(entry.name.removesuffix(".toml") for entry in PLANS.iterdir() if entry.name.endswith(".toml"))
    if name not in known:
        raise RecordError(f"no fit is planned for {name!r}; {nearest(name, known)}", remedy="choose a known plan")
    return check(Plan, read(PLANS / f"{name}.toml"), f"{name}.toml")
