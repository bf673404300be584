"""Patients of a bank, drawn into many trials at once: who they are, when they enter, what is known of them at a cut."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alarmin.design.plan import Design, DesignError
from alarmin.trials.bank import READINGS, Bank

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAST = 5
"""Patients of each population that a subgroup must have, so that a trial can be drawn from it."""


@dataclass(frozen=True)
class People:
    """The patients of a bank, and what happens to each in every arm of a design; arm 0 is the control.

    Attributes:
        start, size: first patient and number of patients of each population, `[population]`.
        time: of the endpoint, `[arm, person]` [month]; whether it ended in the event, `event`.
        response: month of the first response, infinite without one, `[arm, person]`.
        readings: before treatment, by name, `[person]`.
    """

    start: NDArray[np.int64]
    size: NDArray[np.int64]
    time: Floats
    event: Flags
    response: Floats
    readings: dict[str, Floats]

    @classmethod
    def of(cls, bank: Bank, design: Design) -> "People":
        """Raises `DesignError` where the bank lacks an arm, or arms hold different patients."""
        arms = [
            bank.table.loc[bank.table["arm"] == name].sort_values(["member", "patient"], kind="stable")
            for name in (design.control, *design.experimental)
        ]
        who = arms[0][["member", "patient"]].to_numpy()
        for name, arm in zip(design.experimental, arms[1:], strict=True):
            if not np.array_equal(arm[["member", "patient"]].to_numpy(), who):
                raise DesignError(f"arm {name!r} of the bank holds other patients", remedy="fill the bank again")
        of = lambda column, kind: np.stack([arm[column].to_numpy(kind) for arm in arms])
        size = np.bincount(arms[0]["member"].to_numpy())
        return cls(
            start=np.cumsum(size) - size,
            size=size,
            time=of(design.endpoint.time, float),
            event=of(f"{design.endpoint.time}_event", bool),
            response=of("response", float),
            readings={name: arms[0][name].to_numpy(float) for name in READINGS},
        )

    def within(self, reading: str, least: float | None, most: float | None) -> Flags:
        """Whose reading lies within limits, `[person]`; raises `DesignError` where few do, or nearly all."""
        found = self.readings[reading]
        inside = (found >= (-np.inf if least is None else least)) & (found <= (np.inf if most is None else most))
        for what, side, part in (("too small", "within", inside), ("too large", "outside", ~inside)):
            counts = np.add.reduceat(part, self.start)
            if counts.min() < LEAST:
                middle = ", ".join(f"{q:.3g}" for q in np.quantile(found, (0.25, 0.5, 0.75)))
                raise DesignError(
                    f"the subgroup with {reading} from {least} to {most} is {what}: {int(inside.sum())} of "
                    f"{len(inside)} patients of the bank; in one population {int(counts.min())} lie {side}, "
                    f"and {LEAST} are needed",
                    remedy=f"move the limit (quartiles: {middle}), or enlarge the bank in [bank]",
                )
        return inside


@dataclass
class Trials:
    """Many trials of one design; `[replicate, patient]`, candidates in the order in which they come.

    Attributes:
        people: whose outcomes these are.
        population: which one each replicate draws from, `[replicate]`.
        person: who comes.
        arm: which arm he is given.
        entry: when he enters, from the opening of the trial on [month]; infinite for those who do not.
        drop: how long he stays in the trial at most [month].
        null: whether every arm has the outcomes of the control.
    """

    people: People
    population: NDArray[np.int64]
    person: NDArray[np.int64]
    arm: NDArray[np.int64]
    entry: Floats
    drop: Floats
    null: bool

    def refresh(self) -> "Trials":
        """Takes outcomes for the arms as they are."""
        told = np.zeros_like(self.arm) if self.null else self.arm
        time = self.people.time[told, self.person]
        self.time = np.minimum(time, self.drop)
        self.event = self.people.event[told, self.person] & (time <= self.drop)
        response = self.people.response[told, self.person]
        self.response = np.where(response <= self.drop, response, np.inf)
        return self

    def events_at(self, count: NDArray[np.int64] | int, among: Flags | None = None) -> Floats:
        """When the `count`-th event happens, `[replicate]` [month]; infinite where it never does."""
        here = self.event if among is None else self.event & among
        return _at(np.where(here, self.entry + self.time, np.inf), count)

    def known_at(self, count: NDArray[np.int64] | int, months: float, among: Flags | None = None) -> Floats:
        """When the `count`-th patient was followed for `months`, `[replicate]` [month]."""
        return _at(self.entry if among is None else np.where(among, self.entry, np.inf), count) + months

    def seen_at(self, cut: Floats) -> tuple[Floats, Flags]:
        """Times and events known at a cut `[replicate]`; who is not there has time 0."""
        # The event at which a look is taken is in it, whatever the rounding.
        follow = cut[:, None] - self.entry + 1e-9
        return np.clip(np.minimum(self.time, follow), 0.0, None), self.event & (self.time <= follow)

    def enrolled_at(self, cut: Floats) -> NDArray[np.int64]:
        """How many have entered, `[replicate]`."""
        return (self.entry <= cut[:, None]).sum(axis=1)


def _at(values: Floats, count: NDArray[np.int64] | int) -> Floats:
    ordered = np.sort(values, axis=1)
    at = np.broadcast_to(np.asarray(count), (len(values),))
    beyond = at > values.shape[1]
    found = ordered[np.arange(len(values)), np.clip(at, 1, values.shape[1]) - 1]
    return np.where(beyond, np.inf, found)


def draw(
    people: People, design: Design, rng: np.random.Generator, count: int, *, null: bool, candidates: int | None = None
) -> Trials:
    """`count` trials: candidates come as a Poisson process and are given arms in permuted blocks, all alike in size.

    Args:
        people: from a bank.
        design: what is planned.
        rng: where chance comes from.
        count: how many trials.
        null: whether every arm has the outcomes of the control.
        candidates: how many come; the patients of the design without it, all of whom enter.
    """
    n, arms = candidates or design.patients, 1 + len(design.experimental)
    population = rng.integers(len(people.size), size=count)
    luck = rng.random((count, n))
    person = people.start[population][:, None] + (luck * people.size[population][:, None]).astype(np.int64)
    entry = np.cumsum(rng.exponential(1.0 / design.accrual.per_month, (count, n)), axis=1)
    entry[:, design.patients :] = np.inf
    if design.accrual.drop_out_per_month > 0:
        drop = rng.exponential(-1.0 / np.log1p(-design.accrual.drop_out_per_month), (count, n))
    else:
        drop = np.full((count, n), np.inf)
    return Trials(people, population, person, blocks(rng, count, n, arms), entry, drop, null).refresh()


def blocks(rng: np.random.Generator, count: int, n: int, arms: int) -> NDArray[np.int64]:
    """Arms in permuted blocks of two patients an arm, `[replicate, patient]`."""
    block = 2 * arms
    order = np.argsort(rng.random((count, -(-n // block), block)), axis=2) % arms
    return order.reshape(count, -1)[:, :n]
