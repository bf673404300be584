"""How much of the mechanism is believed, and how scans scatter: the few numbers that are learned from real lesions.

They stand in a data file with the command that made them, and say nothing about any one patient.
"""

from importlib.resources import files
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from alarmin.records.loader import check, read
from alarmin.records.schema import Strict

DATA = files("alarmin.forecast") / "data"
Positive = Annotated[float, Field(gt=0)]
OFFSET = 10.0
"""Added to diameters before the logarithm [mm], so that readings of all sizes scatter alike; it is set, since no score
of a logarithm can compare offsets."""


class Belief(Strict):
    """Numbers of the forecast. Sizes are u = ln(d + `offset`), on which readings of all sizes scatter alike.

    Attributes:
        offset: added to diameters before the logarithm [mm].
        scan_error: standard deviation of a reading [-].
        walk: variance that the level gains a day beyond the mechanism [1/day].
        drift: standard deviation of a growth rate beyond the mechanism [1/day]; it fades over `drift_memory` [day].
        size: standard deviation of the logarithm of the ratio of sizes of virtual and real lesions that are alike [-].
        sharpness: power of the likelihood of virtual lesions; below 1 as scans of one lesion tell less than they seem.
        shrinkage, growth: share of the mechanism's further shrinkage and growth that is believed [-].
        tails: degrees of freedom of Student's law of errors [-].
        repeat: of the log odds that a reading repeats the last one: constant, logarithm of the months since it,
            last reading was a repeat itself, share of repeats, lesion was gone.
        learned: on what, and how.
    """

    offset: Positive
    scan_error: Positive
    walk: Positive
    drift: Positive
    drift_memory: Positive
    size: Positive
    sharpness: Annotated[float, Field(gt=0, le=1)]
    shrinkage: Annotated[float, Field(ge=0)]
    growth: Annotated[float, Field(ge=0)]
    tails: Annotated[float, Field(gt=1)]
    repeat: tuple[float, float, float, float, float]
    learned: str = ""

    def level(self, diameter: NDArray[np.float64]) -> NDArray[np.float64]:
        """u of a diameter [mm]."""
        return np.log(diameter + self.offset)

    def diameter(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """The diameter [mm] of u; nothing is left of a lesion below 0 mm."""
        return np.maximum(np.exp(level) - self.offset, 0.0)

    def covariance(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Covariance of what the mechanism leaves open, `[..., time, time]`, of days `[..., time]` from the first scan.

            q min(t, t') + s² (2 l min(t, t') + l² (exp(-t/l) + exp(-t'/l) - 1 - exp(-|t - t'|/l)))

        a random walk of the level, and the integral of a growth rate that fades; q is `walk`, s `drift`, l
        `drift_memory`. The level itself is free.
        """
        one, two = days[..., :, None], days[..., None, :]
        least, memory = np.minimum(one, two), self.drift_memory
        fading = np.exp(-one / memory) + np.exp(-two / memory) - 1.0 - np.exp(-np.abs(one - two) / memory)
        return self.walk * least + self.drift**2 * (2.0 * memory * least + memory**2 * fading)

    def repeats(
        self,
        gap: NDArray[np.float64],
        repeated: NDArray[np.float64],
        share: NDArray[np.float64],
        gone: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Probability that a reading is the last one again: readers measure against the scan before.

        Args:
            gap: time since the last reading [day].
            repeated: whether the last reading repeated the one before it (0 or 1).
            share: share of the readings so far that were repeats.
            gone: whether the last reading was 0 mm.
        """
        return expit(repeat_features(gap, repeated, share, gone) @ np.asarray(self.repeat))


def repeat_features(
    gap: NDArray[np.float64], repeated: NDArray[np.float64], share: NDArray[np.float64], gone: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What `Belief.repeat` multiplies, `[..., 5]`."""
    months = np.log(np.maximum(gap, 7.0) / 30.0)
    return np.stack(np.broadcast_arrays(np.ones_like(months), months, repeated, share, gone), axis=-1)


def belief(name: str) -> Belief:
    """The numbers for a kind of treatment, "checkpoint" or "cytotoxic"; with `_without_mechanism`, of the ablation."""
    return check(Belief, read(DATA / f"{name}.toml"), f"{name}.toml")
