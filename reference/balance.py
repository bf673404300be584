"""What the sections of the lesion share: numbers, the balance of fields, responses, and the two rules of a step."""

from collections import defaultdict

import numpy as np

CARRIERS = ("atp", "hmgb1", "ifn", "inhibitor")

WEIGHTS = np.array([0.05, 0.20, 0.25, 0.25, 0.25])
"""Shares of tissue in five classes of distance from a vessel, far to near."""
QUANTILES = 2.0 * ((np.cumsum(WEIGHTS) - WEIGHTS / 2.0) ** -0.5 - 1.0)
"""Middle of each class in y = pi N x^2, where the share 1/(1 + y/2)^2 of tissue is further than x from a vessel."""


class Numbers:
    """The numbers of one patient by record id, as attributes; `read` holds the ids that were ever asked for."""

    def __init__(self, values, prefix="", read=None):
        self.values, self.prefix, self.read = values, prefix, set() if read is None else read

    def __getattr__(self, name):
        record = self.prefix + name
        self.read.add(record)
        return self.values[record]

    def under(self, prefix):
        """The numbers whose ids begin with `prefix`, by the rest of their id."""
        return Numbers(self.values, self.prefix + prefix, self.read)


class Balance:
    """Gains and losses of all fields, and what passes from one to another (see `reference/lesion.py`)."""

    def __init__(self):
        self.gain, self.loss = defaultdict(float), defaultdict(float)
        self.moving, self.charging, self.margin = [], [], {}

    def move(self, source, target, rate):
        self.loss[source] += rate
        self.moving.append((source, target, rate))

    def charge(self, source, target, rate):
        self.charging.append((source, target, rate))


def hill(x, half, power=1):
    return x**power / (x**power + half**power)


def left(x, half, most):
    """What a suppressor leaves, from 1 down to 1 - most."""
    return 1.0 - most * hill(x, half)


def mean(values):
    """Mean over the five distance classes."""
    return WEIGHTS @ values


def in_series(crossing, flow):
    """1/k = 1/crossing + 1/flow."""
    return crossing * flow / max(crossing + flow, 1e-12)


def exposure(distance, length):
    """Concentration in each distance class over the mean, of what falls off from a vessel over `length`."""
    fall = np.exp(-distance / length)
    return fall / mean(fall)


def die(b, mode, rates, rest="dying_silent"):
    """Kills each clone at its rate: some dying cells show calreticulin, and all charge the carriers of the alarm."""
    for clone, rate in rates.items():
        b.move(clone, "dying_immunogenic", mode.calreticulin * rate)
        b.move(clone, rest, (1.0 - mode.calreticulin) * rate)
        for name in CARRIERS:
            b.charge(clone, f"alarm_{name}", getattr(mode, name) * rate)
        b.charge(clone, "alarm_killed", rate)


def at_margin(b, now, name, diffusivity, host, host_loss):
    """A molecule goes on into host tissue, where it is lost: exchange velocity D (1/l + 1/R), l = sqrt(D/loss)."""
    b.margin[name] = (diffusivity, diffusivity * (np.sqrt(host_loss / diffusivity) + 1.0 / now.radius), host)


def through_margin(value, loss, margin, radius):
    """Balance of `value` (its supply) with its loss and its exchange with the host."""
    crossing = through(margin, loss, radius)
    return (value + crossing * margin[2]) / (loss + crossing)


def through(margin, loss, radius):
    """How much of the lesion the margin exchanges with the host in a day, past a layer of what is lost there."""
    diffusivity, exchange, _ = margin
    layer = min(radius / 2.0, np.sqrt(diffusivity / loss))
    return 3.0 / radius * exchange * diffusivity / (exchange * layer + diffusivity) if exchange > 0.0 else 0.0


def follow(value, gain, loss, dt):
    """dx/dt = gain - loss x: the value after `dt`, and its integral over the step."""
    z = loss * dt
    if z < 1e-3:
        f, g = 1.0 - z / 2.0 + z**2 / 6.0, 0.5 - z / 6.0 + z**2 / 24.0
    else:
        f, g = -np.expm1(-z) / z, (z + np.expm1(-z)) / z**2
    return value * np.exp(-z) + gain * dt * f, value * dt * f + gain * dt**2 * g
