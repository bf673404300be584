"""Banks of outcomes with exponential times, whose truth is known."""

import numpy as np
import pandas as pd

from alarmin.design import Design
from alarmin.records import trial
from alarmin.trials.bank import READINGS, Bank


def bank_of(hazard, response=None, *, members=2, patients=400, subgroup=None, name="impower150") -> Bank:
    """A bank of IMpower150: by arm, the hazard of death [1/month] and the rate of response.

    `subgroup` gives the hazard by arm of those with pdl1 of 0.5 or more, where it differs; half of all have it.
    """
    rng, parts = np.random.default_rng(7), []
    n = members * patients
    # A stream for each reading, so that one more moves no other.
    readings = {name: np.random.default_rng([7, i]).random(n) for i, name in enumerate(READINGS)}
    luck = {arm: rng.exponential(1.0, n) for arm in hazard}
    for arm, rate in hazard.items():
        inside = readings["pdl1"] >= 0.5
        rates = np.where(inside, (subgroup or hazard)[arm], rate)
        responds = rng.random(n) < (response or {}).get(arm, 0.3)
        os = luck[arm] / rates
        parts.append(
            pd.DataFrame(
                {"member": np.repeat(np.arange(members), patients), "arm": arm, "patient": np.arange(n)}
                | {"orr": responds, "cr": False, "dcr": True, "response": np.where(responds, 2.0, np.inf)}
                | {"pfs": os / 2.0, "pfs_event": True, "ipfs": os / 1.8, "ipfs_event": True, "os": os, "os_event": True}
                | readings
            )
        )
    return Bank(trial(name), 0, "made up", (), pd.concat(parts))


PLAN = {
    "name": "plan",
    "trial": "impower150",
    "experimental": ["ABCP"],
    "control": "BCP",
    "patients": 400,
    "alpha": 0.025,
    "sides": 1,
    "endpoint": {"name": "os"},
    "accrual": {"per_month": 25.0},
    "cut": {"events": 250, "months": 60.0},
}


def design_of(**changes) -> Design:
    """A design of 400 patients and 250 deaths, with changes."""
    return Design.model_validate(PLAN | changes)


RESPONSE = {"endpoint": {"name": "orr", "months": 4.0}, "cut": {"months": 60.0}}
