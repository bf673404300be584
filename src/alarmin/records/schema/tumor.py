"""What a tumor type is, and a fitted population of it."""

from pydantic import Field, model_validator

from alarmin.records.schema.value import Correlation, Grade, Record, Spread, Status, Strict


class Rank(Strict):
    """Rank correlation of two cell types between tumors [-]."""

    between: tuple[str, str]
    rho: float = Field(ge=-1, le=1)


class Composition(Strict):
    """What many real tumors of a type hold: share of each cell type in the tumor [-], and mutations [1/Mb].

    `median` and `cv` are over tumors; `rank` correlates what they name.
    """

    source: str
    where: str
    grade: Grade
    status: Status
    note: str = ""
    tumors: int = Field(gt=0)
    median: dict[str, float]
    cv: dict[str, float]
    rank: tuple[Rank, ...] = ()

    @model_validator(mode="after")
    def _same_names(self) -> "Composition":
        if self.median.keys() != self.cv.keys():
            raise ValueError(f"`median` and `cv` name different things: {sorted(self.median.keys() ^ self.cv.keys())}")
        for name in (name for item in self.rank for name in item.between):
            if name not in self.median:
                raise ValueError(f"`rank` names {name!r}; known are {', '.join(self.median)}")
        return self


class Tumor(Strict):
    """A tumor type: what differs from the common parameters, how patients of the type differ, how they correlate.

    `base` names a tumor type whose parameters hold where this one gives none.
    """

    name: str
    title: str
    synonyms: tuple[str, ...] = ()
    base: str | None = None
    parameters: dict[str, Record] = {}
    correlations: tuple[Correlation, ...] = ()
    composition: Composition | None = None


UNTREATED, TREATED = "untreated", "treated"
"""What stands for the trial in the names of training data on tumors before and under treatment."""


class Population(Strict):
    """A fitted population: records that replace the priors of a tumor type, and what they were fitted to.

    `ensemble` holds what the fit leaves open: for each fitted value, or size of a spread ("NAME between patients"), its
    values in the members of the posterior, in the unit of the record. `borrowed_from` names the tumor type whose fit
    taught what is here, where it is another one.
    """

    name: str
    tumor: str
    method: str
    command: str
    training: tuple[str, ...]
    borrowed_from: str | None = None
    records: dict[str, Record]
    ensemble: dict[str, tuple[float, ...]] = {}
    report: dict[str, float | str | list[float] | list[str]] = {}

    @property
    def trials(self) -> tuple[str, ...]:
        """Trials of the training set, each once."""
        names = dict.fromkeys(item.partition(".")[0] for item in self.training)
        return tuple(name for name in names if name not in (UNTREATED, TREATED))

    @property
    def members(self) -> int:
        """How many members the posterior has; 0 where only its mean was kept."""
        return len(next(iter(self.ensemble.values()), ()))

    def member(self, number: int) -> dict[str, Record]:
        """The records of one member of the posterior."""
        found = dict(self.records)
        for name, values in self.ensemble.items():
            record, _, between = name.partition(" between ")
            known, value = found[record], values[number]
            update: dict[str, object] = {"value": value}
            if between:
                spread: Spread = getattr(known, f"between_{between}")
                update = {f"between_{between}": spread.model_copy(update={spread.size: value})}
            found[record] = known.model_copy(update=update)
        return found
