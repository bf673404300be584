"""What held each patient back: python examples/explain_cohort.py [PATIENTS] [DAYS]"""

import sys

import alarmin as al
from alarmin.explain import explain
from alarmin.explain.summary import summary

patients, days = (int(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (12, 84)

cohort = al.cohort("nsclc", n=patients, seed=0, settings=al.Settings(lanes=64))
found = explain(cohort, "atezolizumab 1200 mg q3w", days=days, settings=al.Settings(lanes=64))

for played in (found.barriers, found.steps):
    print(played.game.title)
    for row in summary(played):
        print(f"  {row['title']:<24} worth {row['value']:+.2f}, dominant in {100 * row['dominant']:.0f} % of patients")
    # Shapley values of a patient add up to what lifting everything is worth.
    rest = played.shapley.sum(axis=0) - (played.values[-1] - played.values[0])
    assert abs(rest).max() < 1e-6
