"""How fast survival statistics of many trials are, beside lifelines one trial at a time, and whether they agree.

    python benchmarks/survival.py [patients] [replicates]

Each trial: Kaplan-Meier curves of both arms, the log-rank test, and Cox's model with its standard error; times are
rounded to days of scans, so that most are tied.
"""

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd

from alarmin.trials import resampling


def trials(patients: int, replicates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times [month], events, and who is in the first arm, `[replicate, patient]`; a hazard ratio of 0.75."""
    draw = np.random.default_rng(0)
    first = np.broadcast_to(np.arange(patients) < patients // 2, (replicates, patients))
    wait = np.ceil(draw.exponential(12.0 / np.where(first, 0.75, 1.0)) / 0.25) * 0.25
    follow = draw.uniform(6.0, 30.0, (replicates, patients))
    return np.minimum(wait, follow), wait <= follow, first


def ours(months: np.ndarray, event: np.ndarray, first: np.ndarray) -> dict[str, np.ndarray]:
    """Survival at 12 months by arm, chi-square of the log-rank test, effect and standard error, `[replicate]` each."""
    half = int(first[0].sum())
    arms = [resampling.curves(months[:, side], event[:, side]).at(12.0) for side in (np.s_[:half], np.s_[half:])]
    score, variance = resampling.log_ranks(months, event, first)
    effect, error = resampling.cox(months, event, first)
    return {
        "first": arms[0],
        "other": arms[1],
        "chi2": score[:, 0] ** 2 / variance[:, 0, 0],
        "effect": effect,
        "error": error,
    }


def theirs(months: np.ndarray, event: np.ndarray, first: np.ndarray, **options: float) -> dict[str, float]:
    """The same of one trial by lifelines."""
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import logrank_test

    arms = [KaplanMeierFitter().fit(months[side], event[side]).predict(12.0) for side in (first, ~first)]
    test = logrank_test(months[first], months[~first], event[first], event[~first])
    table = pd.DataFrame({"months": months, "event": event, "first": first.astype(float)})
    fit = CoxPHFitter().fit(table, "months", "event", fit_options=options)
    found = {"effect": float(fit.params_["first"]), "error": float(fit.standard_errors_["first"])}
    return {"first": float(arms[0]), "other": float(arms[1]), "chi2": float(test.test_statistic)} | found


def measure(patients: int = 600, replicates: int = 2000, compared: int = 20, repeats: int = 5) -> dict[str, float]:
    """Rates [trial/s], their ratio, and the largest difference relative to lifelines; medians of `repeats`."""
    data = trials(patients, replicates)
    warnings.simplefilter("ignore")
    chunk, spent = 100, {"ours": [], "theirs": []}
    theirs(*(part[0] for part in data))
    for _ in range(repeats):
        begin = time.process_time()
        parts = [ours(*(part[i : i + chunk] for part in data)) for i in range(0, replicates, chunk)]
        spent["ours"].append((time.process_time() - begin) / replicates)
        begin = time.process_time()
        for row in range(compared):
            theirs(*(part[row] for part in data))
        spent["theirs"].append((time.process_time() - begin) / compared)
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    far = 0.0
    for row in range(compared):
        exact = theirs(*(part[row] for part in data), precision=1e-16, r_precision=0.0)
        far = max(far, *(abs(found[name][row] / value - 1.0) for name, value in exact.items()))
    mine, other = (1.0 / float(np.median(times)) for times in spent.values())
    return {
        "patients": patients,
        "trials_per_s": mine,
        "lifelines_trials_per_s": other,
        "ratio": mine / other,
        "largest_relative_difference": far,
    }


if __name__ == "__main__":
    print(json.dumps(measure(*(int(word) for word in sys.argv[1:])), indent=1))
