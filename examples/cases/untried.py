"""A combination that nobody has tried, found by `optimize` in one half of patients and reported in the other.

python examples/cases/untried.py [POPULATIONS] [PATIENTS IN ALL] [TRIALS]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from alarmin import Settings, plots
from alarmin.decide import ask
from alarmin.decide.optimize import optimize
from alarmin.decide.report import resampled
from alarmin.explain import explain
from alarmin.plots.style import BLUE, STYLE, VERMILLION
from alarmin.therapy.regimen import Regimen, parse

populations, patients, trials = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (6, 72, 60)
base, agents = "atezolizumab 1200 mg q3w", ["azd3965", "ciforadenant", "epacadostat", "oleclumab"]
# An A2A antagonist and oleclumab were given together before (NCT03381274).
known = {"ciforadenant", "oleclumab"}
question = ask(
    "nsclc", agents, backbone=base, standard_care=base, most=2, days=126, patients=patients, populations=populations
)
found = optimize(question, trials, settings=Settings(lanes=64))

partners = lambda plan: set(parse(plan).agents) - {"atezolizumab"}
ranked = found.tried.drop_duplicates("regimen").sort_values("effect", ascending=False)
untried = [plan for plan in ranked["regimen"] if len(partners(plan)) == 2 and partners(plan) != known]
if not untried:
    sys.exit(f"{trials} trials hold no pair that is new; give more")
best = untried[0]
parts = [
    str(Regimen(tuple(one for one in parse(best).treatments if one.agent != left))) for left in sorted(partners(best))
]
shown = list(dict.fromkeys([*ranked["regimen"][:5], best, *parts]))
again = resampled(found.reports.member, question.seed)


def told(plan, half):  # log reduction beyond atezolizumab alone, of each patient
    usual = parse(plan)
    return half.try_out(usual, usual)[0] - half.try_standard()[0]


def interval(values):
    drawn = values[again].mean(axis=1)
    return values.mean(), *np.quantile(drawn, (0.025, 0.975)), (drawn > 0).mean()


gains = {plan: interval(told(plan, found.reports)) for plan in shown}
for plan in shown:
    print(f"{plan}: found {told(plan, found.finds).mean():+.2f}, reported ", end="")
    print("{:+.2f} ({:+.2f} to {:+.2f}), sure {:.2f}".format(*gains[plan]))
more = told(best, found.reports) - np.maximum(*(told(part, found.reports) for part in parts))
print("best untried pair:", best)
print(
    "beyond the better of its parts in each patient {:+.2f} ({:+.2f} to {:+.2f}), sure {:.2f}".format(*interval(more))
)
member = found.reports.member
by = [told(best, found.reports)[member == number].mean() for number in range(populations)]
print("by population:", ", ".join(f"{value:+.2f}" for value in by))
some = found.reports.cohorts[0][:6]
for title, plan in (("before", base), ("after", best)):
    played = explain(some, plan, days=question.days, agents=agents, settings=Settings(lanes=64)).barriers
    held = zip(played.game.switch, played.shapley.mean(axis=1), strict=True)
    words = ", ".join(f"{one.title} {value:.2f}" for one, value in held)
    print(f"what holds back {len(some)} of the reporting patients, {title}: {words}")

plt.style.use(STYLE)
figure, axis = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
for row, plan in enumerate(reversed(shown)):
    value, low, high, _ = gains[plan]
    color = VERMILLION if plan == best else BLUE
    axis.errorbar(value, row, xerr=[[value - low], [high - value]], fmt="o", color=color)
    axis.plot(told(plan, found.finds).mean(), row, "|", color="0.4", markersize=10)
label = lambda plan: "\n+ ".join(str(one) for one in parse(plan).treatments if one.agent != "atezolizumab")
axis.set_yticks(range(len(shown)), [label(plan) for plan in reversed(shown)], fontsize=7)
axis.set(xlabel="log reduction beyond atezolizumab: reported (dot), found (bar)")
axis.axvline(0, color="0.7", linewidth=1, zorder=0)
print("written:", *plots.save(figure, "case-untried"))
