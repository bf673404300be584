"""A trial that nobody ran, written in Python: python examples/trial_in_python.py [PATIENTS]"""

import sys

import alarmin as al
from alarmin.records.schema import Arm, Contrast, Trial, Visits

trial = Trial(
    name="second_line",
    title="Second line: atezolizumab with docetaxel, or docetaxel",
    phase="II",
    tumor="nsclc",
    line="second",
    selection="NSCLC after platinum",
    arms=(
        Arm(name="combination", regimen="atezolizumab 1200 mg q3w + docetaxel 75 mg/m2 q3w", patients=100),
        Arm(name="docetaxel", regimen="docetaxel 75 mg/m2 q3w", patients=100),
    ),
    contrasts=(Contrast(experimental="combination", control="docetaxel"),),
    scans=(Visits(every=42),),
    confirmation=False,
    treatment_until_progression=True,
    months=12.0,
    accrual_months=4.0,
    endpoints=("pfs", "os", "orr"),
    primary=("pfs",),
    source="assumption",
    where="an example",
    status="provisional",
)

if __name__ == "__main__":
    result = al.run(trial, patients=int(sys.argv[1]) if len(sys.argv) > 1 else 40, seed=0)
    for arm, found in result.arms.items():
        print(f"{arm}: {found['n']} patients, response rate {100 * (found['orr'] or 0):.0f} %")
    for contrast in result.contrasts:
        if contrast["endpoint"] == "pfs":
            print(f"hazard ratio of progression or death: {contrast['hr']}")
    print("primary endpoint met" if result.success else "primary endpoint not met")
