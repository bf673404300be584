"""Purines: living cells leak ATP and NAD; CD39 and CD38 make AMP of them, and CD73 adenosine of that."""

from typing import Any

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, signal, supply


class Purines(Mechanism):
    """CD39 on tumor cells, Treg, macrophages and fibroblasts breaks down ATP, CD38 NAD, and CD73 makes adenosine of it.

        ATP        supply J = j (n + s F)(1 + H);   loss v E/(A + K) + k_0
        adenosine  supply f [(1 - w) v E A/(A + K) + w g J];   loss k + P S_o
        E = c (e_n n + e_T Treg + e_M M2 + e_F F)(1 + y H),   f = (e + a)/(e + a + b),   e = d e_73 (1 + y H)

    H is hypoxia; c, d and g are what agents leave of CD39, CD73 and CD38. w is the share of AMP that comes from NAD.
    Other enzymes make adenosine without CD73: a/(a + b) of it. What dying cells release comes on top.

    Reads:    atp, tumor, caf, treg, m2, hypoxia, open_surface, effects cd39_activity, cd73_activity,
              cd38_activity
    Changes:  atp, adenosine
    Source:   records purines_*
    """

    release: float = parameter(".release", "uM/day/(Mcell/mL)")
    release_caf: float = parameter(".release_caf", "dimensionless")
    cd39: float = parameter(".cd39", "uM/day/(Mcell/mL)")
    cd39_tumor: float = parameter(".cd39_tumor", "dimensionless")
    cd39_treg: float = parameter(".cd39_treg", "dimensionless")
    cd39_m2: float = parameter(".cd39_m2", "dimensionless")
    cd39_caf: float = parameter(".cd39_caf", "dimensionless")
    cd39_half: float = parameter(".cd39_half", "uM")
    hypoxia_gain: float = parameter(".hypoxia_gain", "dimensionless")
    other_loss: float = parameter(".atp_other_loss", "1/day")
    cd73: float = parameter(".cd73", "dimensionless")
    without_cd73: float = parameter(".without_cd73", "dimensionless")
    cd73_half: float = parameter(".cd73_half", "dimensionless")
    nad_share: float = parameter(".nad_share", "dimensionless")
    adenosine_loss: float = parameter(".adenosine_loss", "1/day")
    permeability: float = parameter(".adenosine_permeability", "mm/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")
    host: float = parameter(".host", "uM")
    atp_host_loss: float = parameter(".atp_host_loss", "1/day")
    adenosine_host_loss: float = parameter(".adenosine_host_loss", "1/day")

    @signal("1/day", off=0.0)
    def cd39_breakdown(self, now: Now) -> Any:
        """Rate at which CD39 breaks down ATP [1/day]."""
        cells = self.cd39_tumor * now.tumor + self.cd39_treg * now.treg + self.cd39_m2 * now.m2
        cells = (cells + self.cd39_caf * now.caf) * (1.0 + self.hypoxia_gain * now.hypoxia)
        return self.cd39 * now.product("cd39_activity") * cells / (now.atp + self.cd39_half)

    @signal("1/day", off=300.0)
    def atp_breakdown(self, now: Now) -> Any:
        """Rate at which extracellular ATP is lost in all ways [1/day]."""
        return now.cd39_breakdown + self.other_loss

    def flows(self, now: Now) -> list[Flow]:
        boost = 1.0 + self.hypoxia_gain * now.hypoxia
        enzyme = self.cd73 * now.product("cd73_activity") * boost
        turned = (enzyme + self.without_cd73) / (enzyme + self.without_cd73 + self.cd73_half)
        leak = self.release * (now.tumor + self.release_caf * now.caf) * (1.0 + now.hypoxia)
        from_atp = (1.0 - self.nad_share) * now.cd39_breakdown * now.atp
        from_nad = self.nad_share * now.product("cd38_activity") * leak
        return [
            supply("atp", leak),
            loss("atp", now.atp_breakdown),
            diffuse("atp", self.diffusivity, host=self.host, host_loss=self.atp_host_loss),
            supply("adenosine", turned * (from_atp + from_nad)),
            loss("adenosine", self.adenosine_loss + self.permeability * now.open_surface),
            diffuse("adenosine", self.diffusivity, host=self.host, host_loss=self.adenosine_host_loss),
        ]
