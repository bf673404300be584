"""The type I error of every kind of design, with patients of made-up banks.

python benchmarks/levels.py [TRIALS] [NAME ...]
"""

import sys
from pathlib import Path

import numpy as np

from alarmin.design import sequential
from alarmin.design.characteristics import share, simulate
from alarmin.design.patients import People

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "laws")]
from test_designs import DESIGNS, GOOD, RATES  # noqa: E402

from made_up_bank import bank_of, design_of  # noqa: E402

count, wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, sys.argv[2:] or list(DESIGNS)
for name in wanted:
    design = design_of(**DESIGNS[name])
    people = People.of(bank_of(GOOD, RATES), design)
    bounds = sequential.set_boundaries(design, people, np.random.default_rng(9))
    runs = simulate(design, people, bounds, count, 1, null=True)
    found = {end: 100.0 * value for end, value in share(runs.success | runs.harm).items()}
    print(f"{name}: {found['value']:.2f} ({found['low']:.2f} to {found['high']:.2f}) %, ", end="")
    print(f"{100.0 * design.alpha:g} % allowed", flush=True)
