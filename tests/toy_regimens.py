"""Regimens tried on patients without biology: what each does follows from its text, so that it costs nothing.

As a program, it runs a study in the database that is named, slowly, so that it can be killed on the way.
"""

import sys
import time
import zlib
from pathlib import Path

import numpy as np

from alarmin.decide import ask
from alarmin.decide import optimize as module

PAUSE = 0.0


class Anyone:
    """Patients of whom nothing is known but how many there are."""

    def __init__(self, count):
        self.lanes = self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, rows):
        return Anyone(len(rows))


class Toy(module.Half):
    """Effect and toxicity are drawn by the text of the regimen."""

    def try_out(self, plan, usual):
        time.sleep(PAUSE)
        draw = np.random.default_rng(zlib.crc32(str(plan).encode()))
        n = len(self.member)
        return draw.uniform(0.0, 2.0) + draw.normal(0.0, 0.1, n), np.full(n, draw.uniform(0.1, 0.5))


def study(storage, trials, **changes):
    """The optimization of toy regimens of three agents, the study kept in `storage`."""
    module.enroll = lambda tumor, n, *arguments, **options: Anyone(n)
    module.Half = Toy
    asked = {"patients": 8, "populations": 2, "standard_care": "docetaxel 75 mg/m2 q3w"} | changes
    question = ask("nsclc", ["docetaxel", "atezolizumab", "bevacizumab"], **asked)
    return module.optimize(question, trials, storage=storage)


if __name__ == "__main__":
    PAUSE = 0.05
    study(Path(sys.argv[1]), 10_000)
