"""Two regimens in the same virtual patients: python examples/compare_regimens.py [PATIENTS]"""

import sys

import numpy as np

import alarmin as al

patients = int(sys.argv[1]) if len(sys.argv) > 1 else 24
regimens = {"alone": "docetaxel 75 mg/m2 q3w", "together": "docetaxel 75 mg/m2 q3w + atezolizumab 1200 mg q3w"}

cohort = al.cohort("nsclc", n=patients, seed=0, settings=al.Settings(lanes=64))
# Both runs carry the same agents along, so that they share one compiled program.
agents = ["atezolizumab", "docetaxel"]
change = {}
for name, regimen in regimens.items():
    course = al.simulate(cohort, regimen, days=84, agents=agents, settings=al.Settings(lanes=64))
    sums = cohort.sum_lesions(course.lesions["diameter"])  # [time, patient]
    change[name] = 100.0 * (sums[-1] / sums[0] - 1.0)
    print(f"{name:>9}: {np.median(change[name]):+.0f} % in the median patient on day 84")

# The patients are the same, so the difference is free of who they are.
better = np.mean(change["together"] < change["alone"])
print(f"{100 * better:.0f} % of {patients} patients have smaller lesions on both")
