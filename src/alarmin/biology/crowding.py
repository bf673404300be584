"""Crowding: leukocytes that leave no room for one another die or go."""

from alarmin.mechanism import LEUKOCYTES, Flow, Mechanism, Now, loss, parameter


class Crowding(Mechanism):
    """Every leukocyte is lost faster the more of the room in the tissue leukocytes take up.

        loss(leukocyte, k x^4),   x = w leukocytes/packing

    w is the mean volume of a leukocyte; the fourth power leaves ordinary infiltrates alone.

    Reads:    leukocytes, packing
    Changes:  all leukocytes
    Source:   records crowding_*
    """

    rate: float = parameter(".rate", "1/day")
    cell_volume: float = parameter(".cell_volume", "mL/Mcell")

    def flows(self, now: Now) -> list[Flow]:
        filled = self.cell_volume * now.leukocytes / now.packing
        lost = self.rate * (filled * filled) ** 2
        return [loss(name, lost) for name in LEUKOCYTES]
