"""MASTERKEY-265, why response may rise alone.

python examples/cases/masterkey265.py [POPULATIONS] [PATIENTS] [REPLICATES]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import alarmin as al
from alarmin import plots
from alarmin.plots.style import BLUE, GRAY, STYLE, VERMILLION
from alarmin.scoring.keeping import bank_folder, kept_bank
from alarmin.scoring.replicates import replicates

FLOOR = 1e-3  # of the cells on day 0: fewer cannot be told from none
populations, patients, count = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (6, 40, 2000)
trial = al.trial("masterkey265")
bank = kept_bank(trial, bank_folder(), members=populations, patients=patients)

# Trials of the published size, beside what was published; what such a trial shows by chance and by what is not known.
found, say = replicates(bank, count), lambda value: "not reached" if value is None else f"{value:.2f}"
for row in found.compared:
    print(f"{row.of}, {row.endpoint}: {say(row.predicted)} ({say(row.low)} to {say(row.high)}), ", end="")
    print(f"published {say(row.published)}")
pair = found.contrasts
rises, lives = pair["difference_orr"] > 0, pair["hr_os"] < 1
print(f"response rises in {100 * rises.mean():.0f} % of trials, deaths fall in {100 * lives.mean():.0f} %; ", end="")
print(f"where response rises, deaths fall in {100 * lives[rises].mean():.0f} %")
wide = bank.table.pivot_table(index=["member", "patient"], columns="arm", values=["orr", "pfs", "os"], aggfunc="first")
gained = wide["orr"]["TP"].astype(bool) & ~wide["orr"]["PP"].astype(bool)
for name, who in (("who respond with the virus only", gained), ("all others", ~gained)):
    both = {end: (wide[end]["TP"] - wide[end]["PP"])[who] for end in ("pfs", "os")}
    print(f"{who.sum()} patients {name}: months gained, mean: {both['pfs'].mean():+.1f} without progression, ", end="")
    print(f"{both['os'].mean():+.1f} alive (cut at {trial.months:.0f})")

# The same patients in both arms, the injected lesion and the others.
settings, days = al.Settings(lanes=64), 252
cohort = al.cohort("melanoma", n=patients, seed=0, settings=settings)
agents = al.regimen(trial.arms[0].regimen).agents
first, several = cohort.lesion == 0, np.bincount(cohort.patient) > 1
parts = {"injected": ~first, "others": first}
change = {}
for arm in trial.arms:
    course = al.simulate(cohort, arm.regimen, days=days, agents=agents, settings=settings)
    size = course.lesions["tumor"]
    for part, out in parts.items():
        of = cohort.sum_lesions(size * ~out)[:, several]
        change[arm.name, part] = np.maximum(of / of[0], FLOOR)
for part in parts:
    for day in (84, 168, 252):
        ratio = np.log(change["TP", part][day] / change["PP", part][day])
        low, middle, high = np.exp(np.quantile(ratio, (0.25, 0.5, 0.75)))
        print(f"{part}, day {day}: cells with the virus over without, {several.sum()} patients: ", end="")
        print(f"{middle:.3f} (quartiles {low:.3f}, {high:.3f})")
share = (cohort.sum_lesions(size * first) / cohort.sum_lesions(size))[0, several]
print(f"the injected lesion holds {100 * np.median(share):.0f} % of the cells of the median patient with several")

plt.style.use(STYLE)
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
for axis, part in zip(axes, parts, strict=True):
    for color, arm, title in ((VERMILLION, "TP", "with the virus"), (BLUE, "PP", "pembrolizumab alone")):
        low, middle, high = np.quantile(change[arm, part], (0.25, 0.5, 0.75), axis=1)
        axis.plot(middle, color=color, label=title)
        axis.fill_between(np.arange(days + 1), low, high, color=color, alpha=0.2, linewidth=0)
    axis.set(
        yscale="log", xlabel="day", title=f"Lesion{'s' * (part == 'others')} {part.replace('others', 'not injected')}"
    )
    axis.axhline(FLOOR, color=GRAY, linewidth=0.8, linestyle=(0, (3, 3)), zorder=0, label="0.1 % of day 0, or fewer")
axes[0].set(ylabel="tumor cells, relative to day 0")
axes[0].fill_between([], [], [], color=GRAY, alpha=0.2, linewidth=0, label="quartiles of patients")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=4)
print("written:", *plots.save(figure, "case-masterkey265"))
