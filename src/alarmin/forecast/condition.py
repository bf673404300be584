"""Conditions virtual lesions on the scans of a real one, and carries both on.

The level of a lesion is the course of a virtual lesion, brought to the size of the real one at its first scan, plus
what the mechanism leaves open: a free constant, a random walk, and a growth rate that fades. A reading adds an error:

    u(t) = m_j(t) + c + x(t) + e(t),     m_j(t) = ln(d_j(t) d(0) / d_j(0) + offset)

Given the virtual lesion j, all is normal, so that its weight and its forecast are closed forms. One triangular root of
the covariance over all times serves every number of scans: of the whitened residuals L⁻¹(u - m_j), the first n are what
n scans tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alarmin.forecast.bank import Bank
from alarmin.forecast.belief import Belief

FREE = 30.0
"""Standard deviation of the constant c, in those of a reading: as good as unknown."""


@dataclass(frozen=True)
class Series:
    """Readings of lesions, padded to the longest.

    Attributes:
        days: `[lesion, time]`; times without a reading may follow those with one.
        diameter: `[lesion, time]` [mm]; anything where there is no reading.
        width: half the width of what a reading leaves open [mm]: 0 for a measurement, 2.5 mm for a lesion that is
            present and too small, `[lesion, time]`.
        count: number of readings of each lesion, `[lesion]`.
        times: number of times of each lesion, readings included, `[lesion]`.
    """

    days: NDArray[np.float64]
    diameter: NDArray[np.float64]
    width: NDArray[np.float64]
    count: NDArray[np.int64]
    times: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, rows: slice) -> "Series":
        return Series(self.days[rows], self.diameter[rows], self.width[rows], self.count[rows], self.times[rows])


def series(
    readings: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]],
    further: Sequence[NDArray[np.float64]] | None = None,
    small: float = 5.0,
) -> Series:
    """Readings of lesions as one table.

    Args:
        readings: of each lesion, days, diameters [mm], and which of them were too small to measure.
        further: of each lesion, later days to forecast.
        small: below what a lesion is too small to measure [mm].
    """
    count = np.array([len(days) for days, _, _ in readings])
    later = [np.zeros(0)] * len(readings) if further is None else further
    times = count + np.array([len(days) for days in later])
    shape = (len(readings), int(times.max()))
    days, diameter, width = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for row, (at, read, tiny) in enumerate(readings):
        n, end = count[row], times[row]
        days[row, :n], days[row, n:end] = at, later[row]
        days[row, end:] = days[row, end - 1]
        diameter[row, :n] = read
        width[row, :n] = np.where(tiny, small / 2.0, 0.0)
    return Series(days, diameter, width, count, times)


@dataclass(frozen=True)
class Conditioned:
    """Virtual lesions beside real ones, for any number of scans.

    Attributes:
        root: triangular root of the covariance of readings, `[lesion, time, time]`.
        course: virtual lesions at the size of the real one, as u, `[lesion, time, virtual]`.
        white: whitened residuals, `[lesion, time, virtual]`.
        log_weight: logarithm of the weight of a virtual lesion after so many scans, `[lesion, time, virtual]`.
        variance: of the reading error alone, `[lesion, time]`.
    """

    belief: Belief
    root: NDArray[np.float64]
    course: NDArray[np.float64]
    white: NDArray[np.float64]
    log_weight: NDArray[np.float64]
    variance: NDArray[np.float64]

    def weights(self, lesion: NDArray[np.int64], scans: NDArray[np.int64]) -> NDArray[np.float64]:
        """Weights of the virtual lesions for each case, `[case, virtual]`: lesion `lesion` after `scans` scans."""
        found = self.log_weight[lesion, scans - 1]
        found = np.exp(found - found.max(axis=1, keepdims=True))
        return found / found.sum(axis=1, keepdims=True)

    def ahead(
        self, lesion: NDArray[np.int64], scans: NDArray[np.int64], at: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean `[case, virtual]` and standard deviation `[case]` of the reading at time `at` after `scans` scans.

        Of the change that a virtual lesion foretells after the last scan, the believed share counts.
        """
        place = np.arange(self.root.shape[1])[None, :]
        row = self.root[lesion, at]
        known = np.where(place < scans[:, None], row, 0.0)
        last = self.course[lesion, scans - 1]
        change = self.course[lesion, at] - last
        believed = np.where(change < 0.0, self.belief.shrinkage, self.belief.growth) * change
        residual = np.matmul(known[:, None, :], self.white[lesion])[:, 0]
        ahead = (place >= scans[:, None]) & (place <= at[:, None])
        return last + believed + residual, np.sqrt(np.where(ahead, row**2, 0.0).sum(axis=1))


def condition(readings: Series, bank: Bank, belief: Belief) -> Conditioned:
    """Lays every virtual lesion of a bank beside every real one."""
    started = readings.days - readings.days[:, :1]
    own = belief.scan_error**2 + (readings.width / (readings.diameter + belief.offset)) ** 2 / 3.0
    covariance = belief.covariance(started) + (FREE * belief.scan_error) ** 2
    covariance += np.einsum("nt,ts->nts", own, np.eye(readings.days.shape[1]))
    root = np.linalg.cholesky(covariance)

    diameter = courses(bank, readings.days)
    ratio = readings.diameter[:, 0, None] / diameter[:, 0]
    course = belief.level(diameter * ratio[:, None, :])
    residual = belief.level(readings.diameter)[:, :, None] - course
    white = np.linalg.solve(root, residual)
    log_weight = -0.5 * belief.sharpness * np.cumsum(white**2, axis=1)
    log_weight -= 0.5 * (np.log(ratio) / belief.size)[:, None, :] ** 2 + np.log(_siblings(bank))
    return Conditioned(belief, root, course, white, log_weight, own)


def courses(bank: Bank, days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Diameters of the virtual lesions at days `[lesion, time]`, `[lesion, time, virtual]` [mm].

    Before the first dose a lesion is as it was then; what lies beyond the end of the bank stays as it is there.
    """
    at = np.clip(days, bank.days[0], bank.days[-1])
    before = np.clip(np.searchsorted(bank.days, at, side="right") - 1, 0, len(bank.days) - 2)
    share = ((at - bank.days[before]) / (bank.days[before + 1] - bank.days[before]))[..., None]
    return bank.diameter[before] * (1.0 - share) + bank.diameter[before + 1] * share


def _siblings(bank: Bank) -> NDArray[np.float64]:
    """How many lesions the patient of each virtual lesion has: patients weigh alike."""
    return np.bincount(bank.patient)[bank.patient].astype(np.float64)
