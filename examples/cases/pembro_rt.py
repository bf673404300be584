"""PEMBRO-RT, was n = 76 ever enough: python examples/cases/pembro_rt.py [POPULATIONS] [PATIENTS] [REPLICATES]"""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import alarmin as al
from alarmin import plots
from alarmin.design import Design, operating_characteristics
from alarmin.plots.style import STYLE
from alarmin.published import study
from alarmin.scoring.keeping import bank_folder, kept_bank
from alarmin.trials.bank import Bank

populations, patients, count = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (8, 48, 4000)
sizes, n = (20, 38, 76, 114, 152, 228, 304, 456), 20_000
endpoints = {"orr": "Response by 12 weeks", "pfs": "Progression or death", "os": "Death"}
# Everyone enters on day 0 of the bank; in the design they enter as they came, all within 32 months.
trial = al.trial("pembro_rt").model_copy(update={"accrual_months": 0.0})
model = kept_bank(trial, bank_folder(), members=populations, patients=patients)
# The published effect as a bank of its own: responses as counted, exponential times at the published hazard ratios.
seen, rng, parts = study("pembro_rt"), np.random.default_rng(0), []
told = {(arm.name, found.endpoint): found.value for arm in seen.arms for found in arm.endpoints}
for arm, ratio in (("RP", {pair.endpoint: pair.hr for pair in seen.contrasts}), ("P", {"pfs": 1.0, "os": 1.0})):
    part = model.table.iloc[[0] * n].assign(arm=arm, member=0, patient=range(n))
    part["response"] = np.where(rng.random(n) < told[arm, "orr"] / 100, 2.7, np.inf)
    for name in ("pfs", "os"):
        time = rng.exponential(told["P", f"median_{name}"] / np.log(2) / ratio[name], n)
        part[name], part[f"{name}_event"] = np.minimum(time, trial.months), time < trial.months
    parts.append(part)
published = Bank(trial, 0, "published", (), pd.concat(parts))


def power(bank, endpoint, size):  # at the level of the trial: 10 %, two-sided
    cut = {"months": trial.months} | ({} if endpoint == "orr" else {"events": round(0.7 * size)})
    decides = {"name": endpoint} | ({"months": 2.8} if endpoint == "orr" else {})
    plan = {"name": "case", "trial": trial.name, "experimental": ["RP"], "control": "P", "patients": size, "sides": 1}
    plan |= {"alpha": 0.05, "accrual": {"per_month": size / 32}, "cut": cut, "endpoint": decides}
    return operating_characteristics(Design.model_validate(plan), bank, count, curve=False).scenarios["alternative"]


plt.style.use(STYLE)
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True, layout="constrained")
for axis, (endpoint, title) in zip(axes, endpoints.items(), strict=True):
    for name, bank in (("model", model), ("published", published)):
        found = [power(bank, endpoint, size) for size in sizes]
        shares = np.array([one["success"]["value"] for one in found])
        enough, here = np.interp(0.8, np.maximum.accumulate(shares), sizes, right=np.inf), found[sizes.index(76)]
        print(f"{title}, {name}: power " + "{value:.2f} ({low:.2f} to {high:.2f})".format(**here["success"]), end=", ")
        needed = f"{enough:.0f}" if np.isfinite(enough) else f"more than {sizes[-1]}"
        print("{:.2f} to {:.2f}".format(*here["success_by_population"]), f"by population; 0.8 with {needed} patients")
        axis.plot(sizes, shares, marker="o", markersize=4, label=f"effect: {name}")
    axis.set(title=title, xlabel="patients", ylabel="power", ylim=(0, 1.02))
    axis.plot(
        [sizes[0], 76, 76], [0.8, 0.8, 0], color="0.7", linewidth=1, zorder=0, label="80 % power with the 76 patients"
    )
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plots.save(figure, "case-pembro-rt")
