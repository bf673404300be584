"""How far a fit lies from trials that it has not seen: those of its training set, each left out in turn.

What a model says of the next trial is off by more than the fit leaves open, since trials differ and equations are
wrong. How much more is learned here, without a simulation: the emulator knows the data of the trial that is left out,
and as it is nearly linear where the posterior lies, the posterior of the others is nearly normal.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize

from alarmin.calibrate.emulator import Emulator
from alarmin.calibrate.targets import Data
from alarmin.records.schema import TREATED, UNTREATED


@dataclass(frozen=True)
class LeftOut:
    """Misses of the trials left out, and what they say of trials to come.

    Attributes:
        misses: predicted from the other trials, less published, `[datum]`, on the scales of `Data`.
        errors: the standard deviation that chance in the trial and the posterior of the others give it, `[datum]`.
        between_trials: SD of the log hazard of a trial, all arms alike.
        between_arms: SD of the log hazard of an arm beyond that.
        between_trials_response: SD of the logit of response of a trial.
        each: SD of each datum beyond these, for the shape of curves.
    """

    misses: NDArray[np.float64]
    errors: NDArray[np.float64]
    between_trials: float
    between_arms: float
    between_trials_response: float
    each: float


def left_out(emulator: Emulator, data: Data) -> LeftOut:
    """Leaves each trial out, predicts it from the others, and takes the spreads that make the misses likeliest.

        miss = A e + w + prediction and chance,     e ~ N(0, diag(trial², arm², response²)),  w ~ N(0, each² I)

    The row of A for a datum says how its trial, its arm and, in a hazard ratio, the arm it is compared with move it.
    What is known of tumors before treatment is left out together, as a trial is, and so is what is known of them under
    treatment; neither says anything of the spreads.
    """
    trials = np.asarray([name.partition(".")[0] for name in data.names])
    misses, covariance = np.zeros(len(trials)), np.zeros((len(trials), len(trials)))
    for trial in dict.fromkeys(trials):
        mine, others = np.flatnonzero(trials == trial), np.flatnonzero(trials != trial)
        at, spread = _posterior(emulator.only(others), data.only(others))
        there = emulator.only(mine)
        misses[mine] = there.mean(at[None])[0] - data.values[mine]
        slope = there.slope(at)
        told = slope @ spread @ slope.T + np.diag(there.variance(at[None])[0])
        covariance[np.ix_(mine, mine)] = told + data.sampling[np.ix_(mine, mine)]
    counts = np.flatnonzero(
        [".lesion_" not in name and not name.startswith((UNTREATED, TREATED)) for name in data.names]
    )
    shares = _shares([data.names[i] for i in counts])
    block = covariance[np.ix_(counts, counts)]

    def unlikely(log_spreads: NDArray[np.float64]) -> float:
        spreads = np.exp(2.0 * log_spreads)
        total = block + spreads[3] * np.eye(len(counts))
        for spread, share in zip(spreads, shares, strict=False):
            total = total + spread * share @ share.T
        miss = misses[counts]
        return 0.5 * float(np.linalg.slogdet(total)[1] + miss @ np.linalg.solve(total, miss))

    best: Any = minimize(unlikely, np.log([0.24, 0.12, 0.3, 0.1]), bounds=[(np.log(0.01), np.log(2.0))] * 4)
    return LeftOut(misses, np.sqrt(np.diag(covariance)), *(float(spread) for spread in np.exp(best.x)))


def _posterior(emulator: Emulator, data: Data) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the posterior is highest `[number]`, and its covariance there, `[number, number]`."""
    lower: Any = np.linalg.cholesky(data.covariance + np.diag(emulator.variance(0.0 * emulator.theta[:1])[0]))
    whiten = lambda values: np.linalg.solve(lower, values)
    numbers = emulator.theta.shape[1]
    found = least_squares(
        lambda theta: np.concatenate([theta, whiten(emulator.mean(theta[None])[0] - data.values)]),
        np.zeros(numbers),
        jac=lambda theta: np.concatenate([np.eye(numbers), whiten(emulator.slope(theta))]),  # pyright: ignore[reportArgumentType]
    )
    return found.x, np.linalg.inv(found.jac.T @ found.jac)


def _shares(names: list[str]) -> list[NDArray[np.float64]]:
    """How each datum `[datum, effect]` moves with the hazard of trials, with that of arms, and with their response."""
    parts = [name.split(".") for name in names]
    trials = sorted({trial for trial, _, _ in parts})
    arms = sorted({(trial, arm) for trial, arm, _ in parts})
    of_trial, of_response = np.zeros((len(names), len(trials))), np.zeros((len(names), len(trials)))
    of_arm = np.zeros((len(names), len(arms)))
    for row, (trial, arm, endpoint) in enumerate(parts):
        if endpoint == "orr":
            of_response[row, trials.index(trial)] = 1.0
        elif endpoint.startswith("hr_"):
            # The arm it is compared with has the opposite share; of trials with ratios in a plan there are two arms.
            of_arm[row, [i for i, known in enumerate(arms) if known[0] == trial]] = -1.0
            of_arm[row, arms.index((trial, arm))] = 1.0
        else:
            # A higher hazard shortens medians and raises the complementary log-log of survival.
            sign = -1.0 if endpoint.startswith("median") else 1.0
            of_trial[row, trials.index(trial)] = sign
            of_arm[row, arms.index((trial, arm))] = sign
    return [of_trial, of_arm, of_response]
