"""Learns how much of the mechanism to believe, and how scans scatter, from the lesions of many patients.

A case is what was read of a lesion until some scan, and a later reading y of it. Of readings that changed, the numbers
of a belief maximize the mean log score

    ln Σ_j w_j T((u(y) - m_j) / s) / s

with the weights w_j and means m_j of the virtual lesions, the standard deviation s, and Student's law T
(`condition`, `predictive`). The search is that of Nelder and Mead on the logarithms of the numbers. Then the believed
shares of shrinkage and growth are those of a grid with the least CRPS on other cases: what they decide is how far off
a forecast is in millimeters, of which the log score of heavy tails says little. Repeats are learned by themselves.

Without the mechanism the bank is one lesion that never changes: size, sharpness and both shares then do nothing, and
stay about where the search began.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, logsumexp

from alarmin.forecast import predictive
from alarmin.forecast.bank import Bank
from alarmin.forecast.belief import OFFSET, Belief
from alarmin.forecast.condition import Series, condition
from alarmin.forecast.contest import Group, flat, habits, learn_repeats

Report = Callable[[str, int, int], None]

COMMON = {"scan_error": 0.025, "walk": 8e-5, "drift": 7e-4, "drift_memory": 140.0, "size": 0.9, "sharpness": 0.4}
START = {
    "checkpoint": COMMON | {"shrinkage": 0.35, "growth": 0.4, "tails": 2.2},
    "cytotoxic": COMMON | {"shrinkage": 0.05, "growth": 0.6, "tails": 2.2},
}
"""Where the search begins; `BARE` replaces it without the mechanism, whose part the drift then takes."""
BARE = {"drift": 1e-3}
MOST = {"sharpness": 1.0}
LEAST = {"tails": 1.05}
EVERY = {"checkpoint": 5, "cytotoxic": 2}
"""Every how manyth case is used: neighbors say nearly the same, and more lesions were followed under atezolizumab."""
THIN = 4
"""Every how manyth virtual lesion is used."""
STEP, EVALUATIONS = 0.3, 150
"""Of the search: first step of each logarithm, and after how many scores it ends."""
SHRINKAGE, GROWTH = (0.0, 0.15, 0.3, 0.45), (0.15, 0.3, 0.45, 0.6)


@dataclass(frozen=True)
class Lesson:
    """Lesions, virtual lesions to lay beside them, and cases: lesion, scans seen, place of the target, `[case, 3]`."""

    scans: Series
    bank: Bank
    cases: NDArray[np.int64]


def learn(
    found: Sequence[Group], bank_of: Callable[[str, str], Bank], progress: Report | None = None
) -> dict[str, Belief]:
    """Beliefs by name, with and without the mechanism, for each kind of treatment.

    Args:
        found: groups of patients who teach, that is, `group.half("fitting")`.
        bank_of: the bank of a tumor type and a regimen.
        progress: is told what is being done, and how much of how much.
    """
    repeat, beliefs = learn_repeats(found), {}
    for kind in dict.fromkeys(group.kind for group in found):
        mine = [group for group in found if group.kind == kind]
        banks = [bank_of(group.tumor, group.regimen) for group in mine]
        for name, beside in ((kind, banks), (f"{kind}_without_mechanism", None)):
            beliefs[name] = learn_kind(mine, beside, repeat, progress and _named(progress, name))
    return beliefs


def learn_kind(
    found: Sequence[Group],
    banks: Sequence[Bank] | None,
    repeat: tuple[float, ...],
    progress: Report | None = None,
) -> Belief:
    """The belief for one kind of treatment.

    Args:
        found: groups of patients of that kind who teach.
        banks: the bank of each group; without, one lesion that never changes.
        repeat: `Belief.repeat`.
        progress: is told what is being done, and how much of how much.
    """
    kind = found[0].kind
    beside = [thinned(bank) for bank in banks] if banks else [flat(np.array([0.0, 7.0]))] * len(found)
    lessons = [
        [Lesson(g.scans, bank, cases(g.scans, EVERY[kind], first)) for g, bank in zip(found, beside, strict=True)]
        for first in (0, 1)
    ]
    start = START[kind] | ({} if banks else BARE) | {"offset": OFFSET, "repeat": repeat, "learned": _how(bool(banks))}
    made = search(Belief.model_validate(start), lessons[0], progress)
    return shares(made, lessons[1], progress) if banks else made


def cases(scans: Series, every: int = 1, first: int = 0) -> NDArray[np.int64]:
    """All later readings after two scans or more, thinned, `[case, 3]`."""
    n = scans.count
    found = [(row, seen, at) for row in range(len(scans)) for seen in range(2, n[row]) for at in range(seen, n[row])]
    return np.array(found, np.int64).reshape(-1, 3)[first::every]


def thinned(bank: Bank) -> Bank:
    """A bank with every fourth of its lesions, and nothing of their parameters."""
    return replace(bank, diameter=bank.diameter[:, ::THIN], patient=bank.patient[::THIN], parameters={})


def search(start: Belief, lessons: Sequence[Lesson], progress: Report | None = None) -> Belief:
    """The belief with the best log score that the search of Nelder and Mead finds from `start`."""
    names = tuple(START["checkpoint"])
    scored = 0

    def at(place: NDArray[Any]) -> Belief:
        values = dict(zip(names, np.exp(place), strict=True))
        values |= {name: min(values[name], most) for name, most in MOST.items()}
        values |= {name: max(values[name], least) for name, least in LEAST.items()}
        return start.model_copy(update={name: float(value) for name, value in values.items()})

    def loss(place: NDArray[Any]) -> float:
        nonlocal scored
        scored += 1
        if progress is not None:
            progress("log score", min(scored, EVALUATIONS), EVALUATIONS)
        return -log_score(at(place), lessons)

    first = np.log([getattr(start, name) for name in names])
    corners = first + STEP * np.vstack([np.zeros(len(names)), np.eye(len(names))])
    options = {"maxfev": EVALUATIONS, "xatol": 0.03, "fatol": 1e-4, "adaptive": True, "initial_simplex": corners}
    return at(minimize(loss, first, method="Nelder-Mead", options=options).x)


def shares(believed: Belief, lessons: Sequence[Lesson], progress: Report | None = None) -> Belief:
    """The belief with those shares of further shrinkage and growth that have the least CRPS."""
    tried = []
    for shrinkage, growth in product(SHRINKAGE, GROWTH):
        other = believed.model_copy(update={"shrinkage": shrinkage, "growth": growth})
        tried.append((crps(other, lessons), shrinkage, growth, other))
        if progress is not None:
            progress("CRPS", len(tried), len(SHRINKAGE) * len(GROWTH))
    return min(tried, key=lambda one: one[:3])[-1]


def log_score(believed: Belief, lessons: Sequence[Lesson]) -> float:
    """Mean logarithm of the density of u of the readings that changed."""
    nu = believed.tails
    constant = gammaln((nu + 1.0) / 2.0) - gammaln(nu / 2.0) - 0.5 * np.log(nu * np.pi)
    found = []
    for lesson in lessons:
        rows, seen, at = lesson.cases.T
        beside = condition(lesson.scans, lesson.bank, believed)
        mean, spread = beside.ahead(rows, seen, at)
        read, last = lesson.scans.diameter[rows, at], lesson.scans.diameter[rows, seen - 1]
        z = (believed.level(read)[:, None] - mean) / spread[:, None]
        density = constant - (nu + 1.0) / 2.0 * np.log1p(z * z / nu) - np.log(spread)[:, None]
        found.append(logsumexp(density, axis=1, b=beside.weights(rows, seen))[read != last])
    return float(np.concatenate(found).mean())


def crps(believed: Belief, lessons: Sequence[Lesson]) -> float:
    """Mean CRPS of all readings [mm]."""
    found = []
    for lesson in lessons:
        rows, seen, at = lesson.cases.T
        beside = condition(lesson.scans, lesson.bank, believed)
        repeat = believed.repeats(*habits(lesson.scans, rows, seen, at))
        last, weight = lesson.scans.diameter[rows, seen - 1], beside.weights(rows, seen)
        laws = predictive.quantiles(believed, *beside.ahead(rows, seen, at), weight, last, repeat)
        found.append(predictive.crps(laws, lesson.scans.diameter[rows, at]))
    return float(np.concatenate(found).mean())


def written(believed: Belief, lesions: str) -> str:
    """A belief as a data file, four digits of each number, under the command that makes it.

    Args:
        believed: the numbers.
        lesions: name of the file of lesions that taught them.
    """
    four = lambda value: float(f"{value:.4g}")
    lines = []
    for name, value in believed.model_dump().items():
        shown = (
            json.dumps(value) if isinstance(value, str) else [*map(four, value)] if name == "repeat" else four(value)
        )
        lines.append(f"{name} = {shown}\n")
    head = f"# Learned from the fitting half of {lesions} by: alarmin contest {lesions} --learn DIR\n"
    return f"{head}# Nothing in it is of one patient.\n\n{''.join(lines)}"


def _how(believed: bool) -> str:
    bank = "" if believed else "a bank of one lesion that never changes; "
    told = "; believed shares by CRPS" if believed else ""
    return f"{bank}log score of readings that changed, by Nelder and Mead{told}; repeats by logistic regression"


def _named(progress: Report, name: str) -> Report:
    return lambda what, done, total: progress(f"{name}: {what}", done, total)
