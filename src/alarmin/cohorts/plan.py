"""What a cohort run is to do, and what it is made with: all that decides whether a chunk is the same to the bit."""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import jax
from pydantic import BaseModel, ConfigDict, Field

from alarmin.errors import AlarminError
from alarmin.numerics.sphere import Sphere
from alarmin.patients.drawing import records_of
from alarmin.programs import OPTIONS, processor
from alarmin.records import Record, Trial
from alarmin.records import population as find_population
from alarmin.records.schema import Arm, Visits
from alarmin.results.provenance import fingerprint
from alarmin.simulation import LONGEST, Settings
from alarmin.version import VERSION

CHUNKS, LEAST, MOST = 8, 96, 512
"""A small cohort is cut into so many chunks; candidates in a chunk, at least and at most."""

LEAST_MONTHS = 0.1
"""Shortest follow-up of a patient [month]."""

PACKAGES = ("jax", "jaxlib", "equinox", "numpy", "scipy", "pandas", "pyarrow")


class RunError(AlarminError):
    """A cohort run that cannot start, go on, or be trusted."""


class Plan(BaseModel):
    """A cohort of any size under one regimen.

    Attributes:
        tumor: tumor type.
        regimen: in the regimen language.
        patients: how many; the first that are plausible of the candidates 0, 1, 2, …
        seed: of everything random.
        months: how long each patient is followed.
        scan_every: days between scans.
        line: line of therapy, for survival.
        until_progression: whether treatment ends at progression.
        population: a fitted population, "prior" for none; None for that of the tumor type.
        shells, steps_per_day, lanes: how to compute (`alarmin.simulation.Settings`).
        candidates: candidates in a chunk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tumor: str
    regimen: str
    patients: int = Field(gt=0)
    seed: int = Field(default=0, ge=0)
    months: float = Field(default=12.0, ge=LEAST_MONTHS, lt=LONGEST)
    scan_every: int = Field(default=42, gt=0)
    line: Literal["first", "second"] = "first"
    until_progression: bool = True
    population: str | None = None
    shells: int = Sphere().shells
    steps_per_day: int = Settings.steps_per_day
    lanes: int = Settings.lanes
    candidates: int = MOST

    @property
    def settings(self) -> Settings:
        """How to compute one chunk: by one worker, since chunks run beside one another."""
        return Settings(grid=Sphere(self.shells), steps_per_day=self.steps_per_day, lanes=self.lanes, workers=1)

    def ids(self, number: int) -> range:
        """The candidates of chunk `number`, from 0."""
        return range(number * self.candidates, (number + 1) * self.candidates)

    def changes(self) -> dict[str, Record]:
        """The records that the population replaces."""
        fitted = find_population(self.tumor, self.population)
        return dict(fitted.records) if fitted else {}

    @property
    def population_name(self) -> str:
        """The name of the population, "prior" for none."""
        fitted = find_population(self.tumor, self.population)
        return fitted.name if fitted else "prior"

    def records(self) -> dict[str, Record]:
        """Every record in force."""
        return records_of(self.tumor, self.changes())

    def trial(self) -> Trial:
        """The follow-up as a trial of one arm that everybody enters on the first day."""
        return Trial(
            name="cohort",
            title=f"{self.patients} patients with {self.tumor}",
            phase="-",
            tumor=self.tumor,
            line=self.line,
            selection="all",
            arms=(Arm(name="cohort", regimen=self.regimen, patients=self.patients),),
            contrasts=(),
            scans=(Visits(every=self.scan_every),),
            confirmation=False,
            treatment_until_progression=self.until_progression,
            months=self.months,
            accrual_months=0.0,
            endpoints=("pfs", "os", "orr"),
            primary=(),
            source="assumption",
            where="-",
            status="provisional",
        )


def candidates_in_chunk(patients: int) -> int:
    """Candidates in a chunk of a cohort of this size; of nothing else, so that workers change no chunk."""
    return min(max(-(-patients // CHUNKS), LEAST), MOST)


class MadeWith(BaseModel):
    """All that results depend on besides the plan.

    Attributes:
        alarmin: version.
        code: SHA-256 of each file of code, shortened.
        records: SHA-256 of the records in force.
        packages: versions of Python and of the packages that compute.
        processor: on which kind of processor; compilers write other programs for others, which round otherwise.
        backend: the platform of JAX, and whether it runs in double precision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alarmin: str
    code: Mapping[str, str]
    records: str
    packages: Mapping[str, str]
    processor: str
    backend: str

    def key(self, plan: Plan) -> str:
        """SHA-256 of the plan and of all it is made with."""
        return hashlib.sha256((plan.model_dump_json() + self.model_dump_json()).encode()).hexdigest()

    def differences(self, other: "MadeWith") -> list[str]:
        """What is not the same in `other`, in words."""
        found = []
        if self.alarmin != other.alarmin:
            found.append(f"Alarmin was {self.alarmin} and is {other.alarmin}")
        files = sorted(name for name in {*self.code, *other.code} if self.code.get(name) != other.code.get(name))
        if files:
            more = f" and {len(files) - 3} more files" if len(files) > 3 else ""
            found.append(f"the code of {', '.join(files[:3])}{more} has changed")
        if self.records != other.records:
            found.append("records have changed")
        for name in sorted({*self.packages, *other.packages}):
            before, now = self.packages.get(name, "absent"), other.packages.get(name, "absent")
            if before != now:
                found.append(f"{name} was {before} and is {now}")
        if self.processor != other.processor:
            found.append(f"the processor was {self.processor} and is {other.processor}")
        if self.backend != other.backend:
            found.append(f"JAX ran on {self.backend} and runs on {other.backend}")
        return found


def made_with(plan: Plan) -> MadeWith:
    """What a chunk of the plan would be made with here."""
    return MadeWith(
        alarmin=VERSION,
        code=_code(),
        records=fingerprint(plan.records()),
        packages={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        processor=_processor(),
        backend=f"{jax.default_backend()}{' in double precision' if jax.config.read('jax_enable_x64') else ''}",
    )


@cache
def _code() -> dict[str, str]:
    root = Path(__file__).parent.parent
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(root.rglob("*.py"))
    }


@cache
def _processor() -> str:
    """The kind of processor, as far as the system tells."""
    found = processor("model name") or platform.processor()
    wide = ", 512-bit vectors" if "xla_cpu_prefer_vector_width" in OPTIONS else ""
    return f"{platform.machine()} {found}{wide}".strip()
