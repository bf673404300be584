"""PEMBRO-RT, what happens outside the field: python examples/cases/pembro_rt_outside.py [PATIENTS]"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import alarmin as al
from alarmin import plots
from alarmin.plots.style import BLUE, STYLE, VERMILLION

patients = int(sys.argv[1]) if len(sys.argv) > 1 else 60
carried = ["pembrolizumab", "radiotherapy"]  # the same in both arms, so that they share a program
regimens = {arm.name: arm.regimen for arm in al.trial("pembro_rt").arms}

cohort = al.cohort("nsclc", n=patients, seed=0, settings=al.Settings(lanes=64))
first = np.diff(cohort.patient, prepend=-1) > 0  # the lesion that is irradiated
several = np.bincount(cohort.patient) > 1

inside, outside = {}, {}
for name, regimen in regimens.items():
    course = al.simulate(cohort, regimen, days=84, agents=carried, settings=al.Settings(lanes=64))
    size = course.lesions["diameter"]
    whole, part = cohort.sum_lesions(size), cohort.sum_lesions(size * ~first)[:, several]
    inside[name], outside[name] = size[-1, first] / size[0, first] - 1.0, part[-1] / part[0] - 1.0
    for title, values in {"all": whole[-1] / whole[0] - 1.0, "first": inside[name], "others": outside[name]}.items():
        print(f"{name}, {title}: {(values <= -0.3).sum()} of {len(values)} smaller by 30 % on day 84", end="")
        print(f", median change {100 * np.median(values):+.0f} %")

plt.style.use(STYLE)
figure, axis = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
for values, color, title in ((inside, VERMILLION, "irradiated lesion"), (outside, BLUE, "all others")):
    axis.plot(100 * values["P"], 100 * values["RP"], "o", markersize=4, alpha=0.7, color=color, label=title)
axis.plot([-100, 60], [-100, 60], color="0.7", linewidth=1, zorder=0)
axis.set(xlabel="change with pembrolizumab alone [%]", ylabel="after radiotherapy of one lesion [%]")
axis.set(title="Diameters on day 84, the same patients", xlim=(-100, 60), ylim=(-100, 60))
axis.legend(loc="upper left")
print("written:", *plots.save(figure, "case-pembro-rt-outside"))
