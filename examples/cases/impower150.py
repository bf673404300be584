"""IMpower150, what bevacizumab adds: python examples/cases/impower150.py [POPULATIONS] [PATIENTS] [REPLICATES]"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import alarmin as al
from alarmin import plots
from alarmin.explain.games import burden  # living tumor cells, never below a thousandth of those of day 0
from alarmin.plots.style import BLUE, GREEN, STYLE, VERMILLION
from alarmin.scoring.keeping import bank_folder, kept_bank
from alarmin.scoring.replicates import replicates

populations, patients, count = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (6, 32, 2000)
trial = al.trial("impower150")
bank = kept_bank(trial, bank_folder(), members=populations, patients=patients)

# Trials of the published size; beside them, what was published, where it was.
found = replicates(bank, count)
for row in found.rows:
    if " v " in row.of and row.endpoint.startswith("hr_"):
        seen = "not read" if row.published is None else f"{row.published:.2f}"
        print(f"{row.of}, {row.endpoint}: {row.predicted:.2f} ({row.low:.2f} to {row.high:.2f}), published {seen}")
for (arm, endpoint), values in found.arms.set_index("arm")[["orr", "median_pfs"]].stack().groupby(level=[0, 1]):
    print(f"{arm}, {endpoint}: " + "{1:.2f} ({0:.2f} to {2:.2f})".format(*np.quantile(values, (0.025, 0.5, 0.975))))

# What bevacizumab adds on atezolizumab and chemotherapy against what it adds with atezolizumab left out, by population.
table = bank.table.assign(pfs=lambda rows: rows["pfs"].clip(upper=12.0))
mean = table.groupby(["arm", "member"])["pfs"].mean().unstack("arm")
for name, (one, other) in {"bevacizumab": ("ABCP", "ACP"), "atezolizumab": ("ABCP", "BCP")}.items():
    gain = mean[one] - mean[other]
    print(f"{name} adds {gain.mean():+.1f} months of the first 12 without progression, ", end="")
    print(f"{gain.min():+.1f} to {gain.max():+.1f} by population")

# The same patients with and without it.
settings, days = al.Settings(lanes=64), 126
regimens = {arm.name: arm.regimen for arm in trial.arms}
cohort = al.cohort("nsclc", n=patients, seed=0, settings=settings)
agents = al.regimen(regimens["ABCP"]).agents
run = lambda arm: al.simulate(cohort, regimens[arm], days=days, agents=agents, profile_every=21, settings=settings)
arms = {name: run(name) for name in ("ABCP", "ACP")}
names = {"functional_surface": "vessel surface", "oxygen": "oxygen", "cd8": "CD8 T cells"}
plt.style.use(STYLE)
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
for color, (name, title) in zip((BLUE, VERMILLION, GREEN), names.items(), strict=True):
    ratio = np.log(arms["ABCP"].profiles[name].mean(axis=1) / arms["ACP"].profiles[name].mean(axis=1))
    low, middle, high = np.quantile(np.exp(ratio), (0.25, 0.5, 0.75), axis=1)
    axes[0].plot(arms["ACP"].profile_days, middle, color=color, label=title)
    axes[0].fill_between(arms["ACP"].profile_days, low, high, color=color, alpha=0.2, linewidth=0)
    said = ", ".join(f"day {21 * k} {middle[k]:.2f} ({low[k]:.2f}, {high[k]:.2f})" for k in (1, 2, 4, 6))
    print(f"{title}, with bevacizumab over without: {said} (median, quartiles of lesions)")
cells = {name: np.log(burden(course, days)) for name, course in arms.items()}
gain = cells["ACP"] - cells["ABCP"]
drawn = gain[np.random.default_rng(0).integers(patients, size=(4000, patients))].mean(axis=1)
print(f"log reduction by day {days} that it adds: {gain.mean():+.2f} ", end="")
print("({:+.2f} to {:+.2f})".format(*np.quantile(drawn, (0.025, 0.975))), end="; ")
print(f"more than 0 in {100 * (gain > 0).mean():.0f} % of {patients} patients")
axes[0].axhline(1, color="0.7", linewidth=1, zorder=0)
axes[0].set(xlabel="day", ylabel="with bevacizumab over without", title="In lesions of the same patients", yscale="log")
shares = [share for share in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5) if share > axes[0].get_ylim()[0]]
axes[0].set_yticks(shares, labels=[f"{share:g}" for share in shares])
axes[0].set_yticks([], minor=True)
axes[0].legend()
axes[1].plot(np.exp(cells["ACP"]), np.exp(cells["ABCP"]), "o", markersize=4, alpha=0.7)
axes[1].plot(*[[np.exp(min(cells["ABCP"])), np.exp(max(cells["ACP"]))]] * 2, color="0.7", linewidth=1, zorder=0)
axes[1].set(xlabel="ACP", ylabel="ABCP", xscale="log", yscale="log", title=f"Tumor cells on day {days} [Mcell]")
print("written:", *plots.save(figure, "case-impower150"))
