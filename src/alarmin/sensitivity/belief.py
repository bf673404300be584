"""What is believed of each number that a model uses: from where to where it may lie."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.model import actions, biology, needs
from alarmin.records import Record, agent

FACTORS = {"human": 1.3, "animal": 1.6, "fitted": 1.5, "assumed": 2.0}
"""How far a value without `low` and `high` may be off, as a factor, by its grade.

What was measured in patients errs as measurements do; what comes from animals or dishes also errs in being carried
over to patients; what was fitted is held by the data it was fitted to, but takes up the errors of what was held fixed;
what was assumed is known to its order of magnitude only.
"""

CHOSEN = ("*.infusion_time", "*.filtration_cap", "*_reference")
"""Numbers that somebody chose: schedules, and the points to which relations are tied. There is nothing to believe."""


class SensitivityError(AlarminError):
    """A question of sensitivity that has no answer."""


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, in the unit of the record; even in the logarithm where `logarithmic`."""

    low: float
    high: float
    logarithmic: bool

    def at(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values at shares 0 to 1 of the way from `low` to `high`."""
        if self.logarithmic:
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share


def believed(record: Record) -> Range | None:
    """The range of a record: its `low` to `high`, else what its grade allows; None where it can only be what it is.

    A value that is positive spreads evenly in its logarithm, and stays below 1 where it is a proportion.
    """
    factor = FACTORS[record.grade]
    ends = sorted((record.value / factor, record.value * factor))
    low = ends[0] if record.low is None else record.low
    high = ends[1] if record.high is None else record.high
    if is_proportion(record):
        low, high = max(low, 0.0), min(high, 1.0)
    return Range(low, high, logarithmic=low > 0.0) if low < high else None


def moved(record: Record, value: float) -> Record:
    """The record of one patient: `value` instead of the median, no spread, bounds as far away as before."""
    ratio = value / record.value if record.value else 1.0
    ends = sorted(end * ratio for end in (record.low, record.high) if end is not None)
    low = ends[0] if record.low is not None else None
    high = ends[-1] if record.high is not None else None
    update = {"value": value, "low": low, "high": high, "between_patients": None, "between_lesions": None}
    return record.model_copy(update=update)


def is_proportion(record: Record) -> bool:
    """Whether the value lies between 0 and 1 by what it is."""
    return record.proportion or (record.between_patients is not None and record.between_patients.law == "logitnormal")


def used(agents: Sequence[str]) -> tuple[str, ...]:
    """Ids of the records that the model takes, biology and agents, and the size at which lesions are found."""
    found = {record for kind in biology() for record, _ in needs(kind).values()}
    found |= {record for kind, name in actions(agents) for record, _ in needs(kind, name).values()}
    found |= {f"{name}.pharmacokinetics.{part}" for name in agents for part in agent(name).pharmacokinetics.parameters}
    found.add("lesion_diameter")
    return tuple(sorted(id for id in found if not any(fnmatchcase(id, pattern) for pattern in CHOSEN)))


def ranges(records: Mapping[str, Record], agents: Sequence[str], only: Iterable[str] = ()) -> dict[str, Range]:
    """The range of each record that the model takes and that could be otherwise, by id.

    Args:
        records: in force, by id.
        agents: given.
        only: patterns such as `oxygen_*`; ids that match one of them, or all without any.

    Raises `SensitivityError` where a pattern matches nothing that may vary.
    """
    found = {id: span for id in used(agents) if (span := believed(records[id])) is not None}
    patterns = tuple(only)
    for pattern in patterns:
        if not any(fnmatchcase(id, pattern) for id in found):
            raise SensitivityError(
                f"no record that the model uses is called {pattern!r}",
                remedy='give an id or a pattern such as "oxygen_*"; `alarmin model` prints the records in use',
            )
    return {id: span for id, span in found.items() if not patterns or any(fnmatchcase(id, p) for p in patterns)}
