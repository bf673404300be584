"""Tumor cells divide where they are fed and not pressed, and the dead are cleared."""

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, signal, supply
from alarmin.numerics.response import class_mean, hill


class TumorGrowth(Mechanism):
    """Clones divide where oxygen and glucose allow and stress does not forbid; dying and necrotic cells are cleared.

        birth      supply(n_i, f_i b n_i),   b = k_p < p/(p + K_O) G/(G + K_G) > / (1 + sigma/sigma_d)
        k_p = a g/(1 - c),   g = ln 2 / doubling time
        clearance  loss(dying, k_cl);  loss(necrotic, k_ne + k_np S_f/(S_f + S_c))

    What is cleared as dead less what is born tells others where tumor cells get fewer (`net_loss`).

    The *net* rate g is drawn per patient, since growth as a difference of two drawn rates would often be negative;
    c is the cell-loss factor. The mean < > runs over the distance classes.

    Reads:    oxygen_by_class, glucose_by_class, solid_stress, clones, functional_surface
    Changes:  clones, dying_immunogenic, dying_silent, necrotic
    Source:   records tumor_*, clearance_*
    """

    doubling_time: float = parameter("tumor_doubling_time", "day")
    growth_factor: float = parameter("tumor_growth_factor", "dimensionless")
    loss_factor: float = parameter("tumor_loss_factor", "dimensionless")
    resistant_fitness: float = parameter("tumor_resistant_fitness", "dimensionless")
    oxygen_half: float = parameter("tumor_division_oxygen_half", "mmHg")
    glucose_half: float = parameter("tumor_division_glucose_half", "mM")
    stress_half: float = parameter("tumor_division_stress_half", "kPa")
    clearance: float = parameter("clearance_dying", "1/day")
    clearance_necrotic: float = parameter("clearance_necrotic", "1/day")
    clearance_perfused: float = parameter("clearance_necrotic_perfused", "1/day")
    clearance_surface: float = parameter("clearance_necrotic_surface_half", "mm**2/mm**3")

    @signal("Mcell/mL")
    def tumor(self, now: Now):
        """Living tumor cells of all clones [Mcell/mL]."""
        return now.tumor_sensitive + now.tumor_escaped + now.tumor_resistant

    @signal("dimensionless")
    def division_share(self, now: Now):
        """Actual over maximal division rate [-]."""
        fed = class_mean(
            lambda p, glucose: p * glucose / ((p + self.oxygen_half) * (glucose + self.glucose_half)),
            now.oxygen_by_class,
            now.glucose_by_class,
        )
        return fed / (1.0 + now.solid_stress / self.stress_half)

    @signal("1/day", kept=True)
    def birth_rate(self, now: Now):
        """Rate at which sensitive tumor cells divide [1/day]."""
        net = 0.6931471805599453 / self.doubling_time / (1.0 - self.loss_factor)
        return self.growth_factor * net * now.division_share

    @signal("1/day")
    def net_loss(self, now: Now):
        """Tumor cells cleared as dead less those born, per cell alive or dying; negative where they grow [1/day]."""
        dying = now.dying_immunogenic + now.dying_silent
        # A thousandth of a cell in a milliliter keeps the rate a number where there are none.
        return (self.clearance * dying - now.birth_rate * now.tumor) / (dying + now.tumor + 1e-9)

    def flows(self, now: Now) -> list[Flow]:
        birth = now.birth_rate
        cleared = self.clearance_necrotic + self.clearance_perfused * hill(
            now.functional_surface, self.clearance_surface
        )
        return [
            supply("tumor_sensitive", birth * now.tumor_sensitive),
            supply("tumor_escaped", birth * now.tumor_escaped),
            supply("tumor_resistant", self.resistant_fitness * birth * now.tumor_resistant),
            loss("dying_immunogenic", self.clearance),
            loss("dying_silent", self.clearance),
            loss("necrotic", cleared),
        ]
