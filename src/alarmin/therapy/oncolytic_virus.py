"""Viruses that multiply in tumor cells and burst them."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import CLONES, Action, DeathMode, Flow, Now, effect, loss, parameter, supply
from alarmin.numerics.response import hill
from alarmin.state import Field
from alarmin.units import factor


class OncolyticVirus(Action, DeathMode):
    """Virions infect tumor cells, which burst into virions and alarm, until immunity against the virus ends it.

        supply(v, dose/V + b k I);          loss(v, c + beta T + y Y)
        supply(I, beta v (T - I)/(1 + a Y));  loss(I, k + y Y)
        clones lose k I/T;   supply(Y, g I/(I + I_Y));   loss(Y, d)
        supply(IFN-I, i I);   entry of dendritic cells x (1 + m I/(I + I_G)) by GM-CSF

    I are infected cells; until they burst they are still part of the clones and take up their room. V is the volume of
    the lesion, over which the needle spreads the dose; virions are larger than the pores and do not diffuse.

    Reads:    dose, volume of the lesion, clones, tumor
    Changes:  virions, infected cells, immunity to the virus, clones, dying cells, alarm carriers, ifn_type1; effect
              dendritic_recruitment
    Source:   the agent's records of this mode
    """

    infection: float = parameter(".infection", "mL/MPFU/day")
    clearance: float = parameter(".clearance", "1/day")
    burst: float = parameter(".burst", "MPFU/Mcell")
    lysis: float = parameter(".lysis", "1/day")
    resistance: float = parameter(".immune_resistance", "dimensionless")
    immune_clearance: float = parameter(".immune_clearance", "1/day")
    immune_gain: float = parameter(".immune_gain", "1/day")
    immune_half: float = parameter(".immune_half", "Mcell/mL")
    immune_loss: float = parameter(".immune_loss", "1/day")
    interferon: float = parameter(".interferon", "nM/day/(Mcell/mL)")
    gmcsf: float = parameter(".gmcsf_gain", "dimensionless")
    gmcsf_half: float = parameter(".gmcsf_half", "Mcell/mL")
    least_volume: float = parameter(".least_volume", "mL")

    @property
    def virions(self) -> str:
        """Name of the field of virions."""
        return f"{self.agent}_virions"

    @property
    def infected(self) -> str:
        """Name of the field of infected cells."""
        return f"{self.agent}_infected"

    @property
    def immunity(self) -> str:
        """Name of the field of immunity to the virus."""
        return f"{self.agent}_immunity"

    def fields(self) -> tuple[Field, ...]:
        return (
            Field(self.virions, "molecule", "MPFU/mL", f"virions of {self.agent}"),
            Field(self.infected, "carrier", "Mcell/mL", f"tumor cells infected with {self.agent}"),
            Field(self.immunity, "property", "dimensionless", f"immunity to {self.agent}"),
        )

    @effect("dimensionless")
    def dendritic_recruitment(self, now: Now) -> Any:
        """Entry of dendritic cells relative to that without GM-CSF from infected cells [-]."""
        return 1.0 + self.gmcsf * hill(getattr(now, self.infected), self.gmcsf_half)

    def flows(self, now: Now) -> list[Flow]:
        virions, infected, immunity = (getattr(now, name) for name in (self.virions, self.infected, self.immunity))
        dose = factor("PFU", "MPFU") * now.plasma(self.agent) / jnp.maximum(now.integral(1.0), self.least_volume)
        free = jnp.maximum(now.tumor - infected, 0.0)
        burst = self.lysis * jnp.minimum(infected / jnp.maximum(now.tumor, 1e-6), 1.0)
        against = self.immune_clearance * immunity
        return [
            supply(self.virions, dose + self.burst * self.lysis * infected),
            loss(self.virions, self.clearance + self.infection * now.tumor + against),
            supply(self.infected, self.infection * virions * free / (1.0 + self.resistance * immunity)),
            loss(self.infected, self.lysis + against),
            supply(self.immunity, self.immune_gain * hill(infected, self.immune_half)),
            loss(self.immunity, self.immune_loss),
            supply("ifn_type1", self.interferon * infected),
            *self.deaths({clone: burst for clone in CLONES}),
        ]
