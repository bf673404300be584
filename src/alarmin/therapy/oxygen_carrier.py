"""Particles in blood that carry oxygen."""

from typing import Any

from alarmin.mechanism import Action, Now, effect, parameter


class OxygenCarrier(Action):
    """Blood brings the oxygen that particles carry in addition; where no blood flows, it brings none.

        added supply of oxygen = o c/c_ref Q

    o is what particles give off at the level c_ref, as the tension that it would have in tissue, Q the blood flow.

    Reads:    plasma, blood_flow
    Changes:  effect oxygen_release
    Source:   the agent's records of this mode
    """

    content: float = parameter(".content", "mmHg")
    reference: float = parameter(".reference", "uM")

    @effect("mmHg/day")
    def oxygen_release(self, now: Now) -> Any:
        """Oxygen that the particles bring [mmHg/day]."""
        return self.content * now.plasma(self.agent) / self.reference * now.blood_flow
