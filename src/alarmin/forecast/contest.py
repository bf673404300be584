"""The contest: who forecasts the diameters of real lesions best.

Three protocols of what is seen and what is forecast:

    A   at least 6 scans: all but the last 3 are seen
    B   at least 4 scans: the first 3 are seen
    C   at least 5 scans: all but the last are seen

The baseline is the last reading up to day 1; readings too small to measure count 5 mm, those not evaluable nothing.
Patients are parted by a hash of arm and label: one half teaches populations and spreads of errors, the other is scored.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize

from alarmin.forecast import leaving, predictive
from alarmin.forecast.bank import Bank
from alarmin.forecast.belief import DATA, Belief, belief, repeat_features
from alarmin.forecast.condition import Series, condition, series
from alarmin.forecast.lesions import LesionError, Lesions
from alarmin.forecast.outcome import Outcome, nine, shown
from alarmin.forecast.rivals import LOCF, errors_of, fitted_laws, last_readings, mixed_laws, spread_out
from alarmin.records.loader import check, read
from alarmin.records.schema import Strict
from alarmin.therapy.regimen import parse

Array = NDArray[Any]
Report = Callable[[str, int, int], None]
Protocol = Literal["A", "B", "C"]
PROTOCOLS: tuple[Protocol, ...] = ("A", "B", "C")
SMALL = 5.0
"""What a lesion that is too small to measure counts [mm]."""
CHUNK = 64
FOLDS = 5
"""Rounds of a rehearsal."""
SHIFTED = "last reading and usual change"
OURS, ABLATED, UNTOLD = "Alarmin", "Alarmin without mechanism", "Alarmin, end of series untold"


class ArmData(Strict):
    """Arms of a published data set, and what they were given."""

    names: tuple[str, ...]
    tumor: str
    regimen: str


class Arms(Strict):
    """All arms that are known."""

    arm: tuple[ArmData, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Group:
    """Patients of arms with one tumor type and regimen.

    Attributes:
        tumor, regimen: whose bank they are laid beside.
        people: study, arm, label, pattern and half of each patient.
        scans: their readings.
    """

    tumor: str
    regimen: str
    people: pd.DataFrame
    scans: Series

    @property
    def kind(self) -> str:
        """Kind of belief: see `kind_of`."""
        return kind_of(self.regimen)

    @property
    def toxic(self) -> bool:
        """Whether cytotoxic agents alone were given."""
        return self.kind == "cytotoxic"

    def half(self, name: str) -> "Group":
        """The patients of one half."""
        rows = np.flatnonzero(self.people["half"] == name)
        s = self.scans
        chosen = Series(s.days[rows], s.diameter[rows], s.width[rows], s.count[rows], s.times[rows])
        return Group(self.tumor, self.regimen, self.people.iloc[rows].reset_index(drop=True), chosen)


def kind_of(regimen: str) -> str:
    """What a regimen is believed like: as docetaxel where it is only cytotoxic, as atezolizumab otherwise."""
    from alarmin.records import agent

    modes = [{action.mode for action in agent(name).actions} for name in parse(regimen).agents]
    return "cytotoxic" if modes and all("cytotoxic" in found for found in modes) else "checkpoint"


def half_of(arm: str, patient: str) -> str:
    """The half of a patient: "fitting" where the first byte of SHA-256 of "ARM/PATIENT" is even, else "scoring"."""
    return "scoring" if hashlib.sha256(f"{arm}/{patient}".encode()).digest()[0] % 2 else "fitting"


def fold_of(arm: str, patient: str) -> int:
    """The round of a rehearsal in which a patient is scored, by the second byte of the same hash."""
    return hashlib.sha256(f"{arm}/{patient}".encode()).digest()[1] % FOLDS


def groups(lesions: Lesions) -> list[Group]:
    """The patients of a file, by tumor type and regimen of their arm; raises `LesionError` for an unknown arm."""
    known = {name: entry for entry in check(Arms, read(DATA / "arms.toml"), "arms.toml").arm for name in entry.names}
    found: dict[tuple[str, str], list] = {}
    for (study, arm, patient), rows in lesions.patients():
        if arm not in known:
            raise LesionError(
                f"row {rows['row'].iloc[0]}: the arm {arm!r} has no known treatment; known: {', '.join(sorted(known))}",
                remedy="contests are for the published series; for other patients use alarmin fit",
            )
        days, size, tiny = usable(rows)
        before = np.flatnonzero(days <= 1.0)
        days, size, tiny = (x[max(before[-1], 0) if len(before) else 0 :] for x in (days, size, tiny))
        if len(days):
            person = {"study": study, "arm": arm, "patient": patient, "pattern": pattern(size)}
            entry = known[arm]
            found.setdefault((entry.tumor, entry.regimen), []).append(
                (person | {"half": half_of(arm, patient)}, (days, size, tiny))
            )
    return [
        Group(tumor, regimen, pd.DataFrame([p for p, _ in people]), series([r for _, r in people]))
        for (tumor, regimen), people in found.items()
    ]


def usable(rows: pd.DataFrame) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Days, diameters [mm] and which were too small, of the readings of one lesion that say anything."""
    tiny = (rows["status"] == "too small").to_numpy()
    size = np.where(tiny, SMALL, rows["diameter"].to_numpy(float))
    said = np.isfinite(size)
    return rows["day"].to_numpy(float)[said], size[said], tiny[said]


def pattern(size: Array) -> str:
    """Up, down, fluctuating or flat: successive changes of more than 5 % of the baseline, in which directions."""
    change = np.diff(size) / max(size[0], 1.0)
    up, down = (change > 0.05).any(), (change < -0.05).any()
    return "fluctuating" if up and down else "up" if up else "down" if down else "flat"


def cases(scans: Series, protocol: Protocol) -> NDArray[np.int64]:
    """What is forecast: lesion, scans seen and place of the target, `[case, 3]`."""
    found = []
    for row, count in enumerate(scans.count):
        seen = {"A": count - 3, "B": 3, "C": count - 1}[protocol]
        if count >= {"A": 6, "B": 4, "C": 5}[protocol]:
            found += [(row, seen, at) for at in range(seen, count)]
    return np.array(found, np.int64).reshape(-1, 3)


def habits(scans: Series, rows: NDArray[np.int64], seen: NDArray[np.int64], at: NDArray[np.int64]) -> tuple[Array, ...]:
    """What `Belief.repeats` asks for, of each case."""
    same = np.zeros(scans.diameter.shape)
    same[:, 1:] = scans.diameter[:, 1:] == scans.diameter[:, :-1]
    total = np.cumsum(same, axis=1)[rows, seen - 1]
    gap = scans.days[rows, at] - scans.days[rows, seen - 1]
    return gap, same[rows, seen - 1], total / seen, (scans.diameter[rows, seen - 1] == 0.0).astype(float)


def flat(days: Array) -> Bank:
    """A bank with one lesion that stays as it is: what remains without the mechanism."""
    return Bank("none", "", "none", (), days, np.full((len(days), 1), 30.0), np.zeros(1, np.int64), {})


def alarmin_quantiles(group: Group, bank: Bank, learned: Belief, wanted: NDArray[np.int64]) -> Array:
    """Quantiles of each case, `[case, level]`, chunk by chunk."""
    found = np.empty((len(wanted), len(predictive.LEVELS)))
    for start in range(0, len(group.scans), CHUNK):
        mine = (wanted[:, 0] >= start) & (wanted[:, 0] < start + CHUNK)
        if mine.any():
            rows, seen, at = wanted[mine].T - np.array([[start], [0], [0]])
            part = group.scans[start : start + CHUNK]
            beside = condition(part, bank, learned)
            mean, spread = beside.ahead(rows, seen, at)
            repeat = learned.repeats(*habits(part, rows, seen, at))
            last = part.diameter[rows, seen - 1]
            found[mine] = predictive.quantiles(learned, mean, spread, beside.weights(rows, seen), last, repeat)
    return found


def last_ones(protocol: Protocol, wanted: NDArray[np.int64]) -> Array:
    """What a protocol tells of each target: 1 if it is the last of its series, -1 if not, 0 if it does not tell."""
    ahead = wanted[:, 2] - wanted[:, 1] + 1
    return {"A": np.where(ahead == 3, 1, -1), "B": np.zeros(len(wanted), int), "C": np.ones(len(wanted), int)}[protocol]


def run(
    lesions: Lesions,
    bank_of: Callable[[str, str], Bank],
    progress: Report | None = None,
    rivals: bool = True,
    rehearse: bool = False,
) -> Outcome:
    """The contest on the lesions of a file.

    Args:
        lesions: of the published series, from `alarmin.forecast.lesions.read`.
        bank_of: the bank of a tumor type and a regimen.
        progress: is told what is being done.
        rivals: whether the growth laws are fitted, which takes minutes; without them, LOCF stands alone.
        rehearse: whether the fitting half alone is used: in each of five rounds, a fifth of it is scored and the rest
            teaches. For choosing how to forecast, without a look at the half that is scored.
    """
    known = groups(lesions)
    parts, entries = [], []
    for turn in rounds(known) if rehearse else [known]:
        rows, pictures = _held(turn, bank_of, progress, rivals)
        parts.append(rows)
        entries += pictures
    rows = pd.concat(parts, ignore_index=True)
    teach, score = (sum((group.people["half"] == name).sum() for group in known) for name in ("fitting", "scoring"))
    return Outcome(rows, int(teach), int(teach if rehearse else score), nine(entries))


def rounds(known: Sequence[Group]) -> list[list[Group]]:
    """Contests within the fitting half: by the second byte of the hash, a fifth of it is scored in each."""
    found = []
    for turn in range(FOLDS):
        part = lambda p, turn=turn: (
            "neither" if p["half"] == "scoring" else "scoring" if fold_of(p["arm"], p["patient"]) == turn else "fitting"
        )
        found.append([replace(g, people=g.people.assign(half=g.people.apply(part, axis=1))) for g in known])
    return found


def _held(
    known: Sequence[Group], bank_of: Callable[[str, str], Bank], progress: Report | None, rivals: bool
) -> tuple[pd.DataFrame, list[dict]]:
    """One contest: rows of forecasts, and what a picture needs."""
    teachers = [group.half("fitting") for group in known]
    odds = leaving.learn([(group.scans, group.toxic) for group in teachers])
    mixed = mixed_laws([group.scans for group in teachers]) if rivals else {}
    parts, entries = [], []

    def points(group: Group, wanted: NDArray[np.int64]) -> dict[str, Array]:
        found = last_readings(group.scans, wanted)
        return found | (fitted_laws(group.scans, mixed, wanted) if rivals else {})

    def ours(group: Group, protocol: Protocol, wanted: NDArray[np.int64]) -> dict[str, Array]:
        bank, ends = bank_of(group.tumor, group.regimen), last_ones(protocol, wanted)
        bare = alarmin_quantiles(group, flat(bank.days), belief(f"{group.kind}_without_mechanism"), wanted)
        untold = alarmin_quantiles(group, bank, belief(group.kind), wanted)
        told = lambda found: leaving.told(found, ends, odds, group.scans, group.toxic, wanted)
        return {OURS: told(untold), ABLATED: told(bare), UNTOLD: untold}

    for protocol in PROTOCOLS:
        gathered: dict[str, list] = {}
        for group in teachers:
            wanted = cases(group.scans, protocol)
            if len(wanted):
                read_, ahead = group.scans.diameter[wanted[:, 0], wanted[:, 2]], wanted[:, 2] - wanted[:, 1] + 1
                for name, point in points(group, wanted).items():
                    gathered.setdefault(name, []).append((point, read_, ahead))
        errors = {
            name: errors_of(*cast(Any, map(np.concatenate, zip(*made, strict=True)))) for name, made in gathered.items()
        }
        for number, group in enumerate(known):
            mine = group.half("scoring")
            wanted = cases(mine.scans, protocol)
            if not len(wanted):
                continue
            rows, seen, at = wanted.T
            read_, ahead = mine.scans.diameter[rows, at], at - seen + 1
            foretold = points(mine, wanted)
            laid = {name: spread_out(point, ahead, errors[name]) for name, point in foretold.items()}
            laid |= ours(mine, protocol, wanted) | {SHIFTED: laid[LOCF]}
            foretold |= {name: predictive.at(laid[name], 0.5) for name in (SHIFTED, OURS, ABLATED, UNTOLD)}
            weight = leaving.unlikely(odds, mine.scans, mine.toxic, wanted)
            person = mine.people.iloc[rows].reset_index(drop=True)
            for name, point in foretold.items():
                parts.append(
                    person.assign(
                        rival=name, protocol=protocol, kind=mine.kind, ahead=ahead, read=read_, foretold=point,
                        error=np.abs(point - read_), crps=predictive.crps(laid[name], read_),
                        inside=predictive.inside(laid[name], read_), weight=weight,
                    )
                )  # fmt: skip
            if protocol == "B":
                entries += shown(mine.scans, mine.people, mine.regimen.split()[0], wanted, laid[OURS])
            if progress is not None:
                progress(f"protocol {protocol}", number + 1, len(known))
    return pd.concat(parts, ignore_index=True), entries


def learn_repeats(found: Sequence[Group]) -> tuple[float, ...]:
    """`Belief.repeat`, by logistic regression on what was read up to four scans ahead."""
    features, again = [], []
    for group in found:
        s = group.scans
        rows, seen, at = np.array(
            [(r, n, k) for r in range(len(s)) for n in range(2, s.count[r]) for k in range(n, min(n + 4, s.count[r]))]
        ).T
        features.append(repeat_features(*habits(s, rows, seen, at)))
        again.append(s.diameter[rows, at] == s.diameter[rows, seen - 1])
    x, y = np.concatenate(features), np.concatenate(again)
    loss = lambda b: np.mean(np.logaddexp(0.0, x @ b) - y * (x @ b)) + 1e-3 * b[1:] @ b[1:]
    return tuple(float(b) for b in minimize(loss, np.zeros(5)).x)
