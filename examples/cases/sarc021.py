"""SARC021, how many cells evofosfamide can see: python examples/cases/sarc021.py [PATIENTS]"""

import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import alarmin as al
from alarmin import plots
from alarmin.explain.games import burden  # living tumor cells, never below a thousandth of those of day 0
from alarmin.mechanism import CLONES
from alarmin.model import Moment
from alarmin.numerics.response import class_mean
from alarmin.plots.style import BLUE, STYLE, VERMILLION
from alarmin.simulation import model_of, state_of

patients, days = int(sys.argv[1]) if len(sys.argv) > 1 else 100, 126
settings, rng = al.Settings(lanes=64), np.random.default_rng(0)
cohort = al.cohort("sarcoma", n=patients, seed=0, settings=settings)

# Cells by oxygen before treatment, over all lesions of a patient.
size = np.asarray(cohort.untreated["radius"])[0] ** 3
cells = sum(np.asarray(cohort.untreated[clone]) for clone in CLONES)
cells = cells * np.diff(settings.ball.faces**3)[:, None] * size
total = cohort.sum_lesions(cells.sum(axis=0))
wide = replace(settings, lanes=cohort.lanes)
model = model_of(cohort, wide)
oxygen = Moment(model, state_of(cohort, model, wide), {}).oxygen_by_class  # far from a vessel to near, in each shell
among = lambda limit: np.asarray(class_mean(lambda pressure: 1.0 * (pressure < limit), oxygen))
below = lambda limit: cohort.sum_lesions((cells * among(limit)).sum(axis=0)) / total
for limit in (0.2, 1.0, 2.5, 10.0):
    q = 100 * np.quantile(below(limit), (0.05, 0.5, 0.95))
    print(f"below {limit:g} mmHg: {q[1]:.1f} % of the tumor cells of the median patient (90 % of patients: ", end="")
    print(f"{q[0]:.1f} to {q[2]:.1f})")

doxorubicin = "doxorubicin 75 mg/m2 q3w x6"
plans = {
    "as given": ("300 mg/m2 q3w d1,8", 1.0),
    "twice": ("600 mg/m2 q3w d1,8", 1.0),
    "four times": ("1200 mg/m2 q3w d1,8", 1.0),
    "as given, half awake at 1 mmHg": ("300 mg/m2 q3w d1,8", 5.0),
    "as given, half awake at 10 mmHg": ("300 mg/m2 q3w d1,8", 50.0),
}
half = "evofosfamide.hypoxia_activation.activation_half"  # oxygen at which half of the drug is activated [mmHg]


def run(plan, times=1.0):
    changed = cohort.records[half].model_copy(update={"value": times * cohort.records[half].value})
    those = replace(cohort, records=cohort.records | {half: changed})
    return al.simulate(those, plan, days=days, agents=["evofosfamide"], settings=settings)


alive = lambda course: np.log(burden(course, days))
smaller = lambda course: cohort.sum_lesions(course.lesions["diameter"])
control = run(doxorubicin)
dark = below(1.0) >= np.quantile(below(1.0), 0.75)
groups = {"everybody": np.ones(patients, bool), "the quarter with most cells below 1 mmHg": dark}
points = {group: [] for group in groups}
for name, (dose, times) in plans.items():
    course = run(f"evofosfamide {dose} + {doxorubicin}", times)
    gain, change = alive(control) - alive(course), smaller(course)[-1] / smaller(course)[0] - 1.0
    for group, who in groups.items():
        drawn = [gain[rng.choice(np.flatnonzero(who), who.sum())].mean() for _ in range(4000)]
        low, high = np.quantile(drawn, (0.025, 0.975))
        points[group].append((gain[who].mean(), low, high))
        print(
            f"evofosfamide {name} ({dose}), {group}: adds {gain[who].mean():+.3f} ({low:+.3f} to {high:+.3f})", end=""
        )
        print(f" in log reduction by day {days}; {100 * (change[who] <= -0.3).mean():.0f} % smaller by 30 %", end="")
        print(f" ({100 * (smaller(control)[-1] / smaller(control)[0] <= 0.7)[who].mean():.0f} % without)")

plt.style.use(STYLE)
figure, (share, effect) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for limit in (0.2, 1.0, 10.0):
    share.plot(100 * np.sort(below(limit)), np.linspace(0, 100, patients), label=f"below {limit:g} mmHg")
share.set(xlabel="share of the tumor cells [%]", ylabel="patients with at most that [%]", title="Before treatment")
share.legend(loc="lower right")
for shift, color, (group, found) in zip((0.12, -0.12), (BLUE, VERMILLION), points.items(), strict=True):
    value, low, high = np.array(found[::-1]).T
    effect.errorbar(
        value, np.arange(len(plans)) + shift, xerr=[value - low, high - value], fmt="o", color=color, label=group
    )
effect.set(yticks=range(len(plans)), yticklabels=list(plans)[::-1], xlabel=f"adds in log reduction, day {days}")
effect.axvline(0, color="0.7", linewidth=1, zorder=0)
effect.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
print("written:", *plots.save(figure, "case-sarc021"))
