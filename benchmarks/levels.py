"""The type I error of every kind of design, with patients of made-up banks, and 95 % simulation intervals.

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
    told = lambda hits: "{value:.2f} ({low:.2f} to {high:.2f}) %".format(
        **{end: 100.0 * value for end, value in share(hits).items()}
    )
    overruled = runs.extra.get("success_without_futility", runs.success)
    beside = "" if (overruled == runs.success).all() else f", {told(overruled)} if futility is overruled"
    print(f"{name}: {told(runs.success | runs.harm)}{beside}; {100.0 * design.alpha:g} % allowed", flush=True)
