"""What the data of a plan are as a smooth function of its numbers, learned from noisy runs.

One run of some dozens of patients gives a response rate to within several percent. The mean over populations is smooth
in their numbers, so that a few hundred runs, each of other patients, tell it far better than any one of them.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Emulator:
    """Gaussian processes with a linear mean, one for each datum (Rasmussen and Williams 2006, chapter 2).

        y(θ) = a + b'θ + f(θ) + noise,   b ~ N(0, s_b² I),   f ~ GP(0, s_f² exp(-|θ - θ'|²/2l²)),   noise ~ N(0, s_n²)

    Scales are those that make the runs likeliest; the noise is that of finite cohorts.

    Attributes:
        theta: numbers of the runs, `[run, number]`.
        center, scale: mean and SD of each datum over the runs, `[datum]`.
        kernels: s_b², s_f², l and s_n² of each datum, `[datum, 4]`.
        weights: K⁻¹ (y - center)/scale, `[datum, run]`.
        inverses: K⁻¹ of each datum, `[datum, run, run]`.
        noise: SD of a run around the mean, `[datum]`, on the scale of the data.
        explained: share of the variance of each datum that leave-one-out predictions explain, `[datum]` [-].
    """

    theta: NDArray[np.float64]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    kernels: NDArray[np.float64]
    weights: NDArray[np.float64]
    inverses: NDArray[np.float64]
    noise: NDArray[np.float64]
    explained: NDArray[np.float64]

    def mean(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of each datum at `theta` `[point, number]`, `[point, datum]`."""
        return self.center + self.scale * np.einsum("dpr,dr->pd", self._near(theta), self.weights)

    def variance(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """How uncertain that mean is, as a variance, `[point, datum]`."""
        near = self._near(theta)
        known = np.einsum("dpr,drs,dps->pd", near, self.inverses, near, optimize=True)
        linear, bend = self.kernels[:, 0], self.kernels[:, 1]
        prior = linear * (theta**2).sum(axis=1)[:, None] + bend
        return self.scale**2 * np.maximum(prior - known, 0.0)

    def slope(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """How the mean of each datum changes with each number at `theta` `[number]`, `[datum, number]`."""
        step = 0.1 * np.eye(len(theta))
        return ((self.mean(theta + step) - self.mean(theta - step)) / 0.2).T

    def only(self, data: NDArray[np.int64]) -> "Emulator":
        """The emulator of some of the data."""
        parts = (self.center, self.scale, self.kernels, self.weights, self.inverses, self.noise, self.explained)
        return Emulator(self.theta, *(part[data] for part in parts))

    def _near(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Covariance of each datum at `theta` with the runs, `[datum, point, run]`."""
        product = theta @ self.theta.T
        distance = (theta**2).sum(axis=1)[:, None] + (self.theta**2).sum(axis=1) - 2.0 * product
        linear, bend, length = (self.kernels[:, i, None, None] for i in range(3))
        return linear * product + bend * np.exp(-0.5 * np.maximum(distance, 0.0) / length**2)


def learn(theta: NDArray[np.float64], values: NDArray[np.float64]) -> Emulator:
    """The emulator of runs with the numbers `theta` `[run, number]` that gave `values` `[run, datum]`."""
    center, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
    kernels, weights, inverses, noise, explained = [], [], [], [], []
    for y in ((values - center) / scale).T:
        kernel = _likeliest(theta, y)
        inverse = np.linalg.inv(_covariance(theta, kernel))
        weight = inverse @ y
        left_out = weight / np.diag(inverse)
        kernels.append(kernel)
        weights.append(weight)
        inverses.append(inverse)
        noise.append(np.sqrt(kernel[3]))
        explained.append(1.0 - np.mean(left_out**2))
    stack = lambda parts: np.asarray(parts)
    return Emulator(
        theta, center, scale, stack(kernels), stack(weights), stack(inverses), scale * stack(noise), stack(explained)
    )


def _likeliest(theta: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """s_b², s_f², l and s_n² that make the runs likeliest."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel

    # Runs are about sqrt(2 p) apart; a shorter scale would take noise for bends.
    apart = float(np.sqrt(2.0 * theta.shape[1]))
    linear = ConstantKernel(0.1, (1e-4, 1e2)) * DotProduct(0.0, "fixed")
    bend = ConstantKernel(0.3, (1e-4, 1e2)) * RBF(2.0 * apart, (apart, 10.0 * apart))
    kernel = linear + bend + WhiteKernel(0.3, (1e-3, 2.0))
    with warnings.catch_warnings():
        # A scale at the end of its range says that the term is not needed.
        warnings.simplefilter("ignore")
        found: Any = GaussianProcessRegressor(kernel, alpha=1e-8, random_state=0).fit(theta, y).kernel_
    return np.exp(np.asarray(found.theta))


def _covariance(theta: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear, bend, length, noise = kernel
    product = theta @ theta.T
    square = np.diag(product)
    distance = np.maximum(square[:, None] + square - 2.0 * product, 0.0)
    return linear * product + bend * np.exp(-0.5 * distance / length**2) + (noise + 1e-8) * np.eye(len(theta))
