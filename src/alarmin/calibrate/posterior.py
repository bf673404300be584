"""What the data of a plan leave open of its numbers: draws from the posterior, by the emulator."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alarmin.calibrate.emulator import Emulator
from alarmin.calibrate.targets import Data


@dataclass(frozen=True)
class Posterior:
    """Draws of the numbers, standard normal before the data.

    Attributes:
        theta: `[draw, number]`.
        effective: draws that are worth as much as independent ones.
        directions: eigenvalues of the information of the data in units of the prior, largest first, `[number]`: above
            1 the data say more about that direction than the prior does.
    """

    theta: NDArray[np.float64]
    effective: float
    directions: NDArray[np.float64]


def log_density(
    theta: NDArray[np.float64], emulator: Emulator, data: Data, precision: NDArray[np.float64], temperature: float = 1.0
) -> NDArray[np.float64]:
    """Logarithm of the posterior density up to a constant, `[point]`.

        ln p(θ) = -|θ|²/2 - r' P r/2T,     r = y(θ) - data

    Args:
        theta: numbers, `[point, number]`.
        emulator: y.
        data: what was published.
        precision: P, the inverse covariance of published data and emulator together, `[datum, datum]`.
        temperature: T; above 1 the data count for less, so that first runs do not settle too soon.
    """
    residual = emulator.mean(theta) - data.values
    distance = np.einsum("pd,de,pe->p", residual, precision, residual, optimize=True)
    return -0.5 * (theta**2).sum(axis=1) - 0.5 * distance / temperature


def sample(
    emulator: Emulator, data: Data, draws: int, seed: int, temperature: float = 1.0, steps: int = 1500
) -> Posterior:
    """`draws` draws of the posterior, by the affine-invariant ensemble sampler (Goodman and Weare 2010; emcee)."""
    import emcee

    numbers = emulator.theta.shape[1]
    rng = np.random.Generator(np.random.Philox(key=[seed, 1]))
    # Walkers start at the likeliest of the runs and of draws from the prior.
    walkers = max(4 * numbers, 64)
    start = np.concatenate([emulator.theta, rng.standard_normal((walkers, numbers))])
    told: Any = np.linalg.inv(data.covariance)
    best = np.argsort(-log_density(start, emulator, data, told, temperature))[:walkers]
    begin = start[best] + 0.1 * rng.standard_normal((walkers, numbers))
    precision: Any = np.linalg.inv(data.covariance + np.diag(emulator.variance(begin).mean(axis=0)))
    sampler = emcee.EnsembleSampler(
        walkers,
        numbers,
        log_density,
        args=(emulator, data, precision, temperature),
        vectorize=True,
        moves=[(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)],
    )
    sampler.random_state = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(begin, steps)
    kept: Any = sampler.get_chain(discard=steps // 3, flat=True)
    length = float(np.max(sampler.get_autocorr_time(quiet=True, tol=0)))
    theta = kept[rng.choice(len(kept), draws, replace=False)]
    return Posterior(theta, len(kept) / max(length, 1.0), _directions(emulator, data, kept.mean(axis=0)))


def _directions(emulator: Emulator, data: Data, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvalues of J' C⁻¹ J at a point, largest first: what the data say, in units of the prior."""
    slope: Any = emulator.slope(at)
    information: Any = np.linalg.eigvalsh(slope.T @ np.linalg.solve(data.covariance, slope))
    return information[::-1]
