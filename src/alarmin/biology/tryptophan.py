"""Tryptophan and kynurenine: IDO turns one into the other where interferon gamma calls."""

from typing import Any

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply


class Tryptophan(Mechanism):
    """IDO in tumor cells, macrophages and MDSC turns tryptophan into kynurenine; blood brings one, takes the other.

        tryptophan  supply k T_b;   loss k + I/(T + K)
        kynurenine  supply k Y_b + I T/(T + K);   loss k + d
        I = a v e (i_0 + h)(s n + s_M M2 + s_S MDSC)

    h is the response of cells to interferon gamma, e the patient's IDO, a the share that agents leave of it.

    Reads:    tryptophan, amino_acid_exchange, ifn_gamma_response, tumor, m2, mdsc, effect ido_activity
    Changes:  tryptophan, kynurenine
    Source:   records tryptophan_*, kynurenine_*, ido_*, amino_acid_*
    """

    capacity: float = parameter("ido_capacity", "uM/day/(Mcell/mL)")
    factor: float = parameter("ido_factor", "dimensionless")
    rest: float = parameter("ido_rest", "dimensionless")
    share_tumor: float = parameter("ido_share_tumor", "dimensionless")
    share_m2: float = parameter("ido_share_m2", "dimensionless")
    share_mdsc: float = parameter("ido_share_mdsc", "dimensionless")
    half: float = parameter("ido_half", "uM")
    tryptophan_blood: float = parameter("tryptophan_blood", "uM")
    kynurenine_blood: float = parameter("kynurenine_blood", "uM")
    kynurenine_loss: float = parameter("kynurenine_loss", "1/day")
    diffusivity: float = parameter("amino_acid_diffusivity", "mm**2/day")
    host_loss: float = parameter("amino_acid_host_loss", "1/day")

    @signal("1/day", off=0.0)
    def ido_rate(self, now: Now) -> Any:
        """Rate at which IDO breaks tryptophan down [1/day]."""
        cells = self.share_tumor * now.tumor + self.share_m2 * now.m2 + self.share_mdsc * now.mdsc
        induced = (self.rest + now.ifn_gamma_response) * now.product("ido_activity")
        return self.capacity * self.factor * induced * cells / (now.tryptophan + self.half)

    def flows(self, now: Now) -> list[Flow]:
        exchange = now.amino_acid_exchange
        return [
            supply("tryptophan", exchange * self.tryptophan_blood),
            loss("tryptophan", exchange + now.ido_rate),
            diffuse("tryptophan", self.diffusivity, host=self.tryptophan_blood, host_loss=self.host_loss),
            supply("kynurenine", exchange * self.kynurenine_blood + now.ido_rate * now.tryptophan),
            loss("kynurenine", exchange + self.kynurenine_loss),
            diffuse("kynurenine", self.diffusivity, host=self.kynurenine_blood, host_loss=self.host_loss),
        ]
