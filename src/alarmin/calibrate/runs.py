"""The runs of a fit, kept as they come, so that a fit that was stopped goes on where it was."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alarmin import results
from alarmin.calibrate.targets import FitError

Run = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Numbers `[number]` and data `[datum]` of one population; the data are no numbers where it failed."""


@dataclass
class Runs:
    """Populations that were simulated, by number of the run.

    Attributes:
        key: what they depend on: code, records, plan, patients and seed.
        folder: where each is kept as a file; nowhere without it.
        found: what is there.
    """

    key: str
    folder: Path | None = None
    found: dict[int, Run] = field(default_factory=dict)

    @classmethod
    def of(cls, key: str, folder: Path | None) -> "Runs":
        """The runs kept in `folder`; raises `FitError` where one is of something else."""
        runs = cls(key, folder)
        for path in sorted(folder.glob("*.json")) if folder is not None else ():
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                raise FitError(f"{path} is no run of a fit: it is not JSON", remedy="move it elsewhere") from None
            if not isinstance(kept, dict) or kept.get("key") != key:
                raise FitError(
                    f"{path} is a run of another plan, code, size or seed",
                    remedy="give another folder, or remove this one to begin anew",
                )
            runs.found[int(path.stem)] = (np.asarray(kept["numbers"], float), np.asarray(kept["data"], float))
        return runs

    def add(self, number: int, theta: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Takes in one run, and writes it, whole or not at all."""
        self.found[number] = (theta, values)
        if self.folder is not None:
            kept = {"key": self.key, "numbers": theta.tolist(), "data": values.tolist()}
            results.write_file(self.folder / f"{number:04d}.json", json.dumps(kept))

    def whole(self, below: int) -> Run:
        """Numbers `[run, number]` and data `[run, datum]` of the runs below a number that did not fail, in order."""
        known = [self.found[number] for number in sorted(self.found) if number < below]
        kept = [run for run in known if np.isfinite(run[1]).all()]
        if len(kept) < max(8, 0.3 * len(known)):
            raise FitError(
                f"only {len(kept)} of {len(known)} populations can be simulated to the end",
                remedy="narrow the changes of the plan, or drop endpoints that are not reached",
            )
        return np.stack([theta for theta, _ in kept]), np.stack([values for _, values in kept])
