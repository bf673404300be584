"""Volume: what cells, vessels and matrix take up, which decides how a lesion grows and shrinks."""

from typing import Any

from alarmin.mechanism import Mechanism, Now, parameter, signal


class Volume(Mechanism):
    """Everything but fluid fills a constant share of the tissue, so that tissue moves where its content swells.

        occupied = sum_j w_j n_j over cells, vessels (r_v/2 per surface), collagen and hyaluronan
        packing  = Phi, the share that is always filled

    Where the content needs more than `packing`, tissue moves apart; where it needs less, tissue closes in. The radius
    is the sum of that, and there is no other limit to growth.

    Reads:    cells, vessels, collagen, hyaluronan
    Source:   records volume_*, vessel_radius
    """

    tumor_cell: float = parameter(".tumor", "mL/Mcell")
    fibroblast: float = parameter(".fibroblast", "mL/Mcell")
    leukocyte: float = parameter(".leukocyte", "mL/Mcell")
    macrophage: float = parameter(".macrophage", "mL/Mcell")
    dying: float = parameter(".dying", "mL/Mcell")
    necrotic: float = parameter(".necrotic", "mL/Mcell")
    collagen: float = parameter(".collagen", "mL/mg")
    hyaluronan: float = parameter(".hyaluronan", "mL/mg")
    vessel_radius: float = parameter("vessel_radius", "mm")
    filled: float = parameter(".packing", "dimensionless")

    @signal("Mcell/mL")
    def leukocytes(self, now: Now) -> Any:
        """Immune cells of all kinds [Mcell/mL]."""
        lymphocytes = now.cd8 + now.cd8_exhausted + now.cd8_bystander + now.cd4 + now.treg + now.nk
        return lymphocytes + now.dc_immature + now.dc_mature + now.m1 + now.m2 + now.mdsc

    @signal("dimensionless")
    def packing(self, now: Now) -> Any:
        """Share of tissue that cells, vessels and matrix fill, everything but fluid [-]."""
        return self.filled

    @signal("dimensionless")
    def tumor_share(self, now: Now) -> Any:
        """Share of what is filled that living tumor cells fill [-]."""
        return self.tumor_cell / self.filled * now.tumor

    @signal("dimensionless")
    def occupied(self, now: Now) -> Any:
        """Volume that the content of a volume of tissue needs [-]."""
        dead = self.dying * (now.dying_immunogenic + now.dying_silent) + self.necrotic * now.necrotic
        immune = self.leukocyte * now.leukocytes + (self.macrophage - self.leukocyte) * (now.m1 + now.m2)
        matrix = self.collagen * now.collagen + self.hyaluronan * now.hyaluronan
        vessels = 0.5 * self.vessel_radius * (now.vessel_mature + now.vessel_immature)
        return self.tumor_cell * now.tumor + self.fibroblast * now.caf + dead + immune + matrix + vessels
