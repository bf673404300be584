"""Tumor cells change: some lose their antigen, some learn to withstand drugs."""

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, parameter, transfer


class Editing(Mechanism):
    """Heritable loss of antigen presentation at all times, resistance under cytotoxic drugs alone.

        transfer(tumor_sensitive -> tumor_escaped, m);   transfer(tumor_sensitive -> tumor_resistant, q min(P, 1))

    P is the pressure of all cytotoxic drugs; without drugs there is none.

    Reads:    effect cytotoxic_pressure
    Changes:  tumor_sensitive, tumor_escaped, tumor_resistant
    Source:   records editing_*
    """

    escape: float = parameter(".escape", "1/day")
    resistance: float = parameter(".resistance", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        pressure = jnp.minimum(now.total("cytotoxic_pressure"), 1.0)
        return [
            transfer("tumor_sensitive", "tumor_escaped", self.escape),
            transfer("tumor_sensitive", "tumor_resistant", self.resistance * pressure),
        ]
