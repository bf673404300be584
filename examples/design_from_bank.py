"""Operating characteristics of a design with patients of a bank:
python examples/design_from_bank.py [MEMBERS] [PATIENTS] [REPLICATES]"""

import sys

from trial_in_python import trial

from alarmin.design import Design, bank_trial, operating_characteristics
from alarmin.trials.bank import fill

members, patients, replicates = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (4, 20, 2000)

design = Design.model_validate(
    {
        "name": "two_looks",
        "trial": trial.name,
        "experimental": ["combination"],
        "control": "docetaxel",
        "patients": 200,
        "alpha": 0.025,
        "sides": 1,
        "power": 0.8,
        "endpoint": {"name": "orr", "months": 6},
        "accrual": {"per_month": 20},
        "cut": {"months": 12},
        "looks": {"fractions": [0.5, 1.0], "spending": "obrien_fleming"},
        "bank": {"populations": members, "patients": patients},
    }
)
bank = fill(bank_trial(design, trial), members=members, patients=patients, seed=0)
found = operating_characteristics(design, bank, replicates, seed=0, curve=False)
for scenario, told in found.to_json()["scenarios"].items():
    share = told["success"]
    print(
        f"{scenario}: success in {100 * share['value']:.1f} % ({100 * share['low']:.1f} to {100 * share['high']:.1f})"
    )
