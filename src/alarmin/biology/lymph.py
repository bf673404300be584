"""Lymph: vessels near the margin drain what floats in the interstitium."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, signal

PROTEINS = ("vegf", "tgf_beta", "il10", "ifn_gamma", "ifn_type1", "cxcl10", "hmgb1")


class Lymph(Mechanism):
    """There are no working lymph vessels inside a tumor; interstitial proteins drain at its margin.

        loss(protein, k e^(-(R - r)/l))

    Reads:    depth
    Changes:  vegf, tgf_beta, il10, ifn_gamma, ifn_type1, cxcl10, hmgb1
    Source:   records lymph_*
    """

    rate: float = parameter(".rate", "1/day")
    reach: float = parameter(".reach", "mm")

    @signal("1/day", off=0.0)
    def lymph_drainage(self, now: Now) -> Any:
        """Rate at which lymph carries interstitial proteins away [1/day]."""
        return self.rate * jnp.exp(-now.depth / self.reach)

    def flows(self, now: Now) -> list[Flow]:
        return [loss(protein, now.lymph_drainage) for protein in PROTEINS]
