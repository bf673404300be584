"""Replicate trials from a bank of outcomes: python examples/replicate_trials.py [MEMBERS] [PATIENTS] [REPLICATES]"""

import sys

import numpy as np
from trial_in_python import trial

from alarmin.trials.bank import fill, replicate

members, patients, count = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (4, 20, 500)

# Each member is a population that agrees with what is known; each patient goes through every arm.
bank = fill(trial, members=members, patients=patients, seed=0)
arms, contrasts = replicate(bank, count, seed=0)

for name, rows in arms.groupby("arm", sort=False):
    low, middle, high = np.nanquantile(100 * rows["orr"], (0.025, 0.5, 0.975))
    print(f"{name}: response rate {middle:.0f} % ({low:.0f} to {high:.0f})")
ratios = np.nanquantile(contrasts["hr_pfs"], (0.025, 0.5, 0.975), method="nearest")
print("hazard ratio of progression or death: {1:.2f} ({0:.2f} to {2:.2f})".format(*ratios))
print(f"chance of success: {contrasts['success'].mean():.2f}")
