"""One virtual patient under a regimen, drawn: python examples/simulate_and_plot.py [FOLDER]"""

import sys

import alarmin as al
from alarmin import plots

folder = sys.argv[1] if len(sys.argv) > 1 else "pictures"

cohort = al.cohort("nsclc", n=1, seed=0, settings=al.Settings(lanes=64))
course = al.simulate(cohort, "docetaxel 75 mg/m2 q3w", days=42, profile_every=1, settings=al.Settings(lanes=8))

sizes = course.lesions["diameter"]
print(f"sum of diameters: {sizes[0].sum():.1f} mm on day 0, {sizes[-1].sum():.1f} mm on day {course.days[-1]:.0f}")
for name, figure in plots.course_figures(course).items():
    written = plots.save(figure, f"{folder}/{name}")
    print("written:", *written)
