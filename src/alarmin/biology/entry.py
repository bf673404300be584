"""Entry of T cells: through vessels, over the margin, and their way through the matrix."""

from typing import Any

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, drift, loss, parameter, signal, supply
from alarmin.numerics.response import hill, suppress


class Entry(Mechanism):
    """T cells leave the blood through perfused, adhesive vessels where chemokine calls, and crawl through the matrix.

        E = S_f t a c b x n,    entry clearance CL = k_e f E        [mL blood per mL tissue and day]
        a = 1 - m_V h(VEGF),   c = c_0 + (1 - c_0) h(CXCL10),   b = 1 - m_T h(TGF-beta),   n = n_0 + (1 - n_0) p
        supply(cd8, CL blood_cd8/V_B);   supply(cd8_bystander, s CL c_m L);   loss(cd8_bystander, d)
        diffusivity D = D_T p b,   drift v = v_T p b grad CXCL10/(|grad CXCL10| + K)
        margin: exchange D/w with a strip of k_e f S_n t c blood_cd8/(V_B d_s), of bystanders k_e f S_n t c s c_m L/d

    x is what CXCL12 leaves of the way into the nests, p the pore gate of the matrix. The gate acts on crawling and,
    between the floor n_0 and 1, on the short way from the vessel into the nests: cells that diffuse half a millimeter
    a month would otherwise not notice the matrix at all. The strip is filled through the vessels S_n of normal stroma,
    by no gate but the chemokine of the outer half millimeter of the lesion, and emptied at d_s (bystanders: d).
    Bystanders are memory cells of blood (density c_m, times the relative lymphocyte count L); they cross less easily.

    Reads:    functional_surface, vegf, cxcl10, cxcl12_freedom, tgf_beta, t_cell_pore_gate, blood_cd8, lymphocytes,
              effect vegf_receptor_free
    Changes:  cd8, cd8_bystander
    Source:   records entry_*, blood_*, leukocyte_traffic
    """

    traffic: float = parameter("leukocyte_traffic", "dimensionless")
    blood_volume: float = parameter("blood_volume", "mL")
    memory_density: float = parameter("blood_memory_cd8", "Mcell/mL")
    clearance: float = parameter(".clearance", "mm/day")
    factor: float = parameter(".factor", "dimensionless")
    vegf_half: float = parameter(".vegf_half", "nM")
    vegf_most: float = parameter(".vegf_most", "dimensionless")
    cxcl10_half: float = parameter(".cxcl10_half", "nM")
    chemokine_floor: float = parameter(".chemokine_floor", "dimensionless")
    tgf_beta_half: float = parameter(".tgf_beta_half", "nM")
    tgf_beta_most: float = parameter(".tgf_beta_most", "dimensionless")
    nest_floor: float = parameter(".nest_floor", "dimensionless")
    bystander_share: float = parameter(".bystander_share", "dimensionless")
    bystander_loss: float = parameter(".bystander_loss", "1/day")
    motility: float = parameter(".motility", "mm**2/day")
    speed: float = parameter(".speed", "mm/day")
    gradient_half: float = parameter(".gradient_half", "nM/mm")
    strip_surface: float = parameter(".strip_surface", "mm**2/mm**3")
    strip_width: float = parameter(".strip_width", "mm")
    strip_loss: float = parameter(".strip_loss", "1/day")

    @signal("dimensionless", off=1.0)
    def adhesion(self, now: Now) -> Any:
        """What VEGF leaves of the adhesiveness of vessels [-]."""
        return suppress(now.vegf * now.product("vegf_receptor_free"), self.vegf_half, self.vegf_most)

    @signal("dimensionless", off=1.0)
    def chemokine_gate(self, now: Now) -> Any:
        """Share of passing cells that chemokine arrests, relative to the most [-]."""
        return self.chemokine_floor + (1.0 - self.chemokine_floor) * hill(now.cxcl10, self.cxcl10_half)

    @signal("dimensionless", off=1.0)
    def t_cell_freedom(self, now: Now) -> Any:
        """What TGF-beta leaves of entry and motility [-]."""
        return suppress(now.tgf_beta, self.tgf_beta_half, self.tgf_beta_most)

    @signal("dimensionless", off=1.0)
    def nest_access(self, now: Now) -> Any:
        """Share of arrested cells that get from the vessel into the nests past CXCL12 and matrix [-]."""
        return now.cxcl12_freedom * (self.nest_floor + (1.0 - self.nest_floor) * now.t_cell_pore_gate)

    @signal("mm**2/mm**3", off=0.0)
    def entry_surface(self, now: Now) -> Any:
        """Vessel surface that lets T cells through, weighted by its gates and the patient's traffic [mm2/mm3]."""
        gates = now.adhesion * now.chemokine_gate * now.t_cell_freedom * now.nest_access
        return self.traffic * now.functional_surface * gates

    @signal("1/day", off=0.0)
    def t_cell_entry(self, now: Now) -> Any:
        """Blood that tissue clears of activated T cells [mL/mL/day]."""
        return self.clearance * self.factor * now.entry_surface

    def flows(self, now: Now) -> list[Flow]:
        specific = now.blood_cd8 / self.blood_volume
        bystander = self.bystander_share * self.memory_density * now.lymphocytes
        free = now.t_cell_pore_gate * now.t_cell_freedom
        diffusivity = self.motility * free
        exchange = diffusivity / self.strip_width
        strip = self.clearance * self.factor * self.traffic * self.strip_surface
        strip = strip * now.margin_mean(now.chemokine_gate, 0.5)
        slope = now.gradient(now.cxcl10)
        velocity = self.speed * free * slope / (abs(slope) + self.gradient_half)
        outside = {"cd8": specific / self.strip_loss, "cd8_bystander": bystander / self.bystander_loss}
        found: list[Flow] = [
            supply("cd8", now.t_cell_entry * specific),
            supply("cd8_bystander", now.t_cell_entry * bystander),
            loss("cd8_bystander", self.bystander_loss),
        ]
        for name, density in outside.items():
            found.append(diffuse(name, diffusivity, host=strip * density, exchange=exchange))
            found.append(drift(name, velocity))
        return found
