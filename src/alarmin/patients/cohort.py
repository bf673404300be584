"""A cohort: virtual patients with one to five lesions each, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarmin.errors import AlarminError
from alarmin.numerics import random
from alarmin.patients.variation import varies, vary
from alarmin.records import Record
from alarmin.units import factor


class CohortError(AlarminError):
    """A cohort that cannot be made or asked for."""


@dataclass(frozen=True)
class Cohort:
    """Virtual patients of one tumor type.

    A *lane* is one lesion of one patient; lanes of a patient stand together, in the order of their lesions.

    Attributes:
        tumor: name of the tumor type.
        seed: seed of everything random about these patients.
        ids: who they are, `[patient]`; randomness is keyed by seed and id, so a patient is the same in every cohort.
        patient: row of the patient to whom each lesion belongs, `[lane]`.
        lesion: number of the lesion within its patient, from 0, `[lane]`.
        values: by record id, what varies, in the unit of the record, `[lane]` (equal in the lanes of a patient
            unless the record varies between lesions); agents' records are drawn when asked for and not kept.
        records: every record in force, by id.
        population: name of the fitted population, or "prior".
        untreated: the state in which treatment finds each lesion: radius, velocity and fields, lanes last; None for
            candidates who have not been brought to it.
    """

    tumor: str
    seed: int
    ids: NDArray[np.int64]
    patient: NDArray[np.int64]
    lesion: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]
    records: Mapping[str, Record]
    population: str = "prior"
    untreated: Mapping[str, NDArray] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        kept = "candidates" if self.untreated is None else "patients"
        about = f"seed {self.seed}, population {self.population!r}"
        return f"<Cohort of {len(self)} {kept} with {self.tumor!r}: {self.lanes} lesions, {about}>"

    @property
    def lanes(self) -> int:
        """Number of lesions of all patients."""
        return len(self.patient)

    @property
    def first_lane(self) -> NDArray[np.int64]:
        """Lane of the first lesion of each patient, `[patient]`."""
        return np.flatnonzero(self.lesion == 0)

    def lesion_value(self, record: str, unit: str) -> NDArray[np.float64]:
        """The value of a record for each lesion, in `unit`, `[lane]`."""
        entry = self.records[record]
        own = self.drawn(record)
        return (np.full(self.lanes, entry.value) if own is None else own) * factor(entry.unit, unit)

    def drawn(self, record: str) -> NDArray[np.float64] | None:
        """What was drawn of a record for each lesion, in its own unit, `[lane]`; None where all are alike."""
        if record in self.values:
            return self.values[record]
        entry = self.records[record]
        if "." not in record or not varies(entry):
            return None
        return vary(record, entry, self.seed, self.ids, self.patient, self.lesion)

    def patient_value(self, record: str, unit: str) -> NDArray[np.float64]:
        """The value of a record for each patient (of the first lesion), in `unit`, `[patient]`."""
        return self.lesion_value(record, unit)[self.first_lane]

    def uniform(self, stream: str, shape: Sequence[int] = ()) -> NDArray[np.float64]:
        """Uniform numbers of each patient for the use `stream`, `[patient, *shape]`."""
        return random.uniform(self.seed, stream, self.ids, shape)

    def normal(self, stream: str, shape: Sequence[int] = ()) -> NDArray[np.float64]:
        """Standard normal numbers of each patient for the use `stream`, `[patient, *shape]`."""
        return random.normal(self.seed, stream, self.ids, shape)

    def sum_lesions(self, amount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the lesions of each patient along the last axis, `[..., lane]` to `[..., patient]`."""
        return np.add.reduceat(amount, self.first_lane, axis=-1)

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.int64]) -> "Cohort":
        """The patients in the rows asked for, in that order."""
        chosen = np.atleast_1d(np.arange(len(self))[rows])
        if len(chosen) == 0:
            raise CohortError(f"no patient is left by {rows!r} of {len(self)}", remedy="choose at least one row")
        ends: Any = np.append(self.first_lane[1:], self.lanes)
        first: Any = self.first_lane
        lanes = np.concatenate([np.arange(first[row], ends[row]) for row in chosen])
        counts = (ends - first)[chosen]
        return replace(
            self,
            ids=self.ids[chosen],
            patient=np.repeat(np.arange(len(chosen)), counts),
            lesion=self.lesion[lanes],
            values={record: value[lanes] for record, value in self.values.items()},
            untreated=None if self.untreated is None else {k: v[..., lanes] for k, v in self.untreated.items()},
        )
