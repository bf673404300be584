"""Tables and courses of a results folder, read back: python examples/read_results.py RUN_FOLDER"""

import sys

from alarmin import plots, results

run = results.read(sys.argv[1])
made = run.provenance
print(f"{made.subject}, seed {made.seed}, {made.patients} patients, made by alarmin {made.alarmin}")
print(f"{made.trust['grade']} records, from {len(made.citations)} sources")

adtte = run.tables["adtte"]
os = adtte[adtte["PARAMCD"] == "OS"]
arms = {}
for arm, rows in os.groupby("ARM", sort=False):
    arms[str(arm)] = (rows["AVAL"] / 30.4375, rows["CNSR"] == 0)
    print(f"{arm}: {len(rows)} patients, {int((rows['CNSR'] == 0).sum())} deaths")
print("written:", *plots.save(plots.survival(arms, title="Overall survival", event="alive"), "overall-survival"))

for name, course in run.courses.items():
    sizes = course["lesion_diameter"].groupby("patient").sum()
    print(f"{name}: {sizes.sizes['patient']} patients, {float(sizes.isel(day=0).mean()):.0f} mm on average on day 0")
