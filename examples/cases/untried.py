"""A combination that nobody has tried, found in one half of patients and reported in the other.

python examples/cases/untried.py [POPULATIONS] [PATIENTS]
"""

import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np

import alarmin as al
from alarmin import plots
from alarmin.explain import explain
from alarmin.explain.games import burden  # living tumor cells, never below a thousandth of those of day 0
from alarmin.patients.possible import possible_populations
from alarmin.plots.style import BLUE, STYLE, VERMILLION

populations, patients = (int(word) for word in sys.argv[1:3]) if len(sys.argv) > 2 else (6, 16)
days, settings, rng = 126, al.Settings(lanes=64), np.random.default_rng(0)
base = "atezolizumab 1200 mg q3w"
names = ("azd3965", "ciforadenant", "epacadostat", "oleclumab")
given = {name: f"{name} {al.agent(name).usual}" for name in names} | {"bevacizumab": "bevacizumab 15 mg/kg q3w"}
tried = {(): base} | {
    key: " + ".join([base, *(given[name] for name in key)]) for n in (1, 2) for key in combinations(sorted(given), n)
}

_, possible = possible_populations("nsclc", populations, 0)
groups = [
    al.cohort("nsclc", patients, number, population="prior", changes=changes, settings=settings)
    for number, changes in enumerate(possible)
]
left = lambda group, plan: burden(al.simulate(group, plan, days=days, agents=tuple(given), settings=settings), days)
cells = {key: np.log(np.stack([left(group, plan) for group in groups])) for key, plan in tried.items()}
# Log reduction beyond atezolizumab alone, of each population and patient.
gain = {key: cells[()] - values for key, values in cells.items()}
finds, reports = slice(0, None, 2), slice(1, None, 2)


def interval(values):  # resamples populations, then their patients
    n, m = values.shape
    rows = rng.integers(n, size=(4000, n))
    drawn = values[rows[..., None], rng.integers(m, size=(4000, n, m))].mean(axis=(1, 2))
    return values.mean(), *np.quantile(drawn, (0.025, 0.975)), (drawn > 0).mean()


ranked = sorted((key for key in tried if key), key=lambda key: -gain[key][:, finds].mean())
# Bevacizumab is here for comparison; an A2A antagonist and oleclumab were given together before (NCT03381274).
known = ("bevacizumab", ("ciforadenant", "oleclumab"))
pairs = [key for key in ranked if len(key) == 2 and known[0] not in key and key != known[1]]
best, shown = pairs[0], {}
for key in [*ranked[:6], *(key for key in ranked[6:] if set(key) <= set(best))]:
    shown[key] = interval(gain[key][:, reports])
    print(f"{base.split()[0]} + {' + '.join(key)}: found {gain[key][:, finds].mean():+.2f}, reported ", end="")
    print("{:+.2f} ({:+.2f} to {:+.2f}), sure {:.2f}".format(*shown[key]))
more = gain[best] - np.maximum(*(gain[(name,)] for name in best))
print(f"best untried pair: {' + '.join(best)}; beyond the better of its parts in each patient ", end="")
print("{:+.2f} ({:+.2f} to {:+.2f}), sure {:.2f}".format(*interval(more[:, reports])))
by = gain[best][:, reports].mean(axis=1)
print("by population:", ", ".join(f"{value:+.2f}" for value in by))
some = groups[0][np.arange(1, min(patients, 12), 2)]
for title, plan in (("before", base), ("after", tried[best])):
    played = explain(some, plan, days=days, settings=settings).barriers
    told = ", ".join(
        f"{one.title} {value:.2f}" for one, value in zip(played.game.switch, played.shapley.mean(axis=1), strict=True)
    )
    print(f"what still holds {len(some)} of those who report back, {title}: {told}")

plt.style.use(STYLE)
figure, axis = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for row, (key, (value, low, high, _)) in enumerate(reversed(shown.items())):
    axis.errorbar(value, row, xerr=[[value - low], [high - value]], fmt="o", color=VERMILLION if key == best else BLUE)
    axis.plot(gain[key][:, finds].mean(), row, "|", color="0.4", markersize=10)
axis.set(yticks=range(len(shown)), yticklabels=[" + ".join(key) for key in reversed(shown)])
axis.set(xlabel="log reduction beyond atezolizumab: reported (dot), found (bar)")
axis.axvline(0, color="0.7", linewidth=1, zorder=0)
print("written:", *plots.save(figure, "case-untried"))
