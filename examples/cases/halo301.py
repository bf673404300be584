"""HALO-301, what made it null in the model: python examples/cases/halo301.py [PATIENTS]"""

import sys
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import alarmin as al
from alarmin import plots
from alarmin.explain.games import burden  # living tumor cells, never below a thousandth of those of day 0
from alarmin.model import Lift
from alarmin.plots.style import BLUE, STYLE, VERMILLION
from alarmin.readouts.biopsy import Biopsy
from alarmin.readouts.dose_changes import manage

patients, days = int(sys.argv[1]) if len(sys.argv) > 1 else 120, 112
settings, rng = al.Settings(lanes=64), np.random.default_rng(0)
regimens = {arm.name: arm.regimen for arm in al.trial("halo301").arms}
agents = al.regimen(regimens["PAG"]).agents  # carried in both arms, so that they share a program
cohort = al.cohort("pdac", n=patients, seed=0, settings=settings)

# Who is rich in hyaluronan: by one biopsy, as the trial took patients, and as many by the content of all lesions.
read = Biopsy(cohort, settings).hyaluronan >= 0.5
size = np.asarray(cohort.untreated["radius"])[0] ** 3
content = np.diff(settings.ball.faces**3) @ np.asarray(cohort.untreated["hyaluronan"])
whole = cohort.sum_lesions(content * size) / cohort.sum_lesions(size)
rich = np.argsort(np.argsort(-whole)) < read.sum()
print(f"{read.sum()} of {patients} are rich by biopsy, {(read & ~rich).sum()} of them not among the richest as a whole")


def run(arm, *, lasting=False, toxic=False):
    # Lasting: a tenth of the hyaluronan is seen from the first day of treatment to the last.
    held = Lift(np.full(cohort.lanes, lasting), 0.0, kept=np.full(cohort.lanes, 0.1))
    plan = regimens[arm]
    rule = {"manage": manage(al.regimen(plan))} if toxic else {}
    held = {"hyaluronan": held}
    return al.simulate(cohort, plan, days=days, agents=agents, clamped=held, profile_every=7, settings=settings, **rule)


cells = lambda course: np.log(burden(course, days))
alone, both = run("AG"), run("PAG")
gain = {
    "as given": cells(alone) - cells(both),
    "lasting": cells(alone) - cells(run("PAG", lasting=True)),
    "with toxicity": cells(run("AG", toxic=True)) - cells(run("PAG", toxic=True)),
}
groups = {"rich by biopsy": read, "rich in all lesions": rich, "everybody": np.ones(patients, bool)}
mean = lambda who, values: values[rng.choice(np.flatnonzero(who), (4000, who.sum()))].mean(axis=1)
ends = lambda drawn: "({:+.3f} to {:+.3f})".format(*np.quantile(drawn, (0.025, 0.975)))
points = []
for why, values in gain.items():
    for group, who in groups.items():
        drawn = mean(who, values)
        points.append((f"{why}, {group}", values[who].mean(), *np.quantile(drawn, (0.025, 0.975))))
        print(f"{why}, {group}: PEGPH20 adds {values[who].mean():+.3f} {ends(drawn)} in log reduction by day {days}")
given = gain["as given"]
wrong = mean(rich, given) - mean(read, given)
print(f"the wrong patients cost {given[rich].mean() - given[read].mean():+.3f} {ends(wrong)}")
for what, lost in (("a return", gain["lasting"] - given), ("toxicity", given - gain["with toxicity"])):
    print(f"{what} costs {lost[read].mean():+.3f} {ends(mean(read, lost))}")
seen = 3.24 * cells(alone)[read].std() * np.sqrt(1 / 327 + 1 / 165)
print(f"a trial with 327 and 165 patients sees {seen:.2f} (90 % power, two-sided 5 %)")
left = both.profiles["hyaluronan"] / alone.profiles["hyaluronan"]
left = np.median(left.mean(axis=1)[:, read[cohort.patient]], axis=1)
open_ = [np.median(c.profiles["open_fraction"].mean(axis=1)[:, read[cohort.patient]], axis=1) for c in (alone, both)]
for day in (7, 28, 56, 84, 112):
    at = partial(np.interp, day, both.profile_days)
    print(f"day {day}: hyaluronan {100 * at(left):.0f} % of that without PEGPH20; open vessels", end=" ")
    print(f"{100 * at(open_[0]):.0f} % without, {100 * at(open_[1]):.0f} % with")

plt.style.use(STYLE)
figure, (axis, course) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
names, value, low, high = zip(*points[::-1], strict=True)
axis.errorbar(value, range(len(names)), xerr=[np.subtract(value, low), np.subtract(high, value)], fmt="o", color=BLUE)
axis.set(yticks=range(len(names)), yticklabels=names, xlabel=f"what PEGPH20 adds in log reduction, day {days}")
axis.axvline(0, color="0.7", linewidth=1, zorder=0)
course.plot(both.profile_days, 100 * left, color=VERMILLION)
course.set(xlabel="day", ylabel="hyaluronan, relative to none given [%]", ylim=(0, 105), title="Rich by biopsy, median")
print("written:", *plots.save(figure, "case-halo301"))
