"""Antibodies against VEGF."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter


class VegfNeutralization(Action):
    """The antibody binds VEGF, and the complex leaves the tissue; vessels tighten at once as VEGF falls.

        added loss of VEGF = k_b (A/K_D)/(1 + k_b/k_off)
        blood flow x (1 - m n),   n = added loss/(added loss + own loss), the share of VEGF neutralized

    A complex that outlives its bond gives VEGF back, hence the factor k_off/(k_off + k_b).

    Reads:    the agent's concentration in tissue
    Changes:  effects vegf_neutralization, vasomotor_tone
    Source:   the agent's records affinity, dissociation, complex_loss, vasoconstriction; record vegf_loss
    """

    affinity: float = parameter(".affinity", "nM")
    dissociation: float = parameter(".dissociation", "1/day")
    complex_loss: float = parameter(".complex_loss", "1/day")
    vasoconstriction: float = parameter(".vasoconstriction", "dimensionless")
    own_loss: float = parameter("vegf_loss", "1/day")

    @effect("1/day")
    def vegf_neutralization(self, now: Now) -> Any:
        """Loss rate of free VEGF that the agent adds [1/day]."""
        bound = getattr(now, self.agent) / self.affinity
        return self.complex_loss * bound / (1.0 + self.complex_loss / self.dissociation)

    @effect("dimensionless")
    def vasomotor_tone(self, now: Now) -> Any:
        """Blood flow relative to that without the agent, at the same vessels [-]."""
        added = self.vegf_neutralization(now)
        return 1.0 - self.vasoconstriction * added / (added + self.own_loss)
