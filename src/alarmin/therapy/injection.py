"""An agent that is injected into a lesion, as its depot there."""

import jax.numpy as jnp

from alarmin.mechanism import Action, Flow, Now, loss, parameter, supply
from alarmin.records import agent as find_agent
from alarmin.state import Field


class Injection(Action):
    """An injection fills the lesion with the agent, from which lymph and decay remove it; blood brings none.

        c = (dose per day)/max(V, V_0) / (k + k_L)

    V is the volume of the lesion, V_0 that of the smallest injection, which spreads around a lesion that is smaller
    still, and k_L what lymph drains. Needles are moved about in a lesion, so that the agent is taken as even; what gets
    into the blood is diluted a thousandfold and left out.

    Reads:    dose, lymph_drainage, volume of the lesion
    Changes:  the agent's concentration in tissue
    Source:   the agent's records of tissue
    """

    lost: float = parameter("agent.tissue.loss", "1/day")
    least_volume: float = parameter("agent.tissue.least_volume", "mL")

    def fields(self) -> tuple[Field, ...]:
        entry = find_agent(self.agent)
        return (Field(self.agent, "molecule", f"{entry.unit}/mL", f"{entry.title} in tissue"),)

    def flows(self, now: Now) -> list[Flow]:
        volume = jnp.maximum(now.integral(1.0), self.least_volume)
        return [
            supply(self.agent, now.plasma(self.agent) / volume),
            loss(self.agent, self.lost + now.lymph_drainage),
        ]
