"""Chemokines CXCL9 and CXCL10: tissue answers interferons with a call for T cells."""

from alarmin.mechanism import Flow, Mechanism, Now, diffuse, loss, parameter, supply


class Cxcl10(Mechanism):
    """Secretion on interferon gamma and type-I interferon above a resting level; loss; spread.

        supply(cxcl10, k (c_0 + f (c_g h(IFN-gamma) + c_1 h(IFN-I))));   loss(cxcl10, k)

    f says how well the patient's tumor can be induced.

    Reads:    ifn_gamma_response, ifn_signal
    Changes:  cxcl10
    Source:   records cxcl10_*
    """

    rest: float = parameter(".rest", "nM")
    inducibility: float = parameter(".inducibility", "dimensionless")
    by_ifn_gamma: float = parameter(".by_ifn_gamma", "nM")
    by_ifn_type1: float = parameter(".by_ifn_type1", "nM")
    loss_rate: float = parameter(".loss", "1/day")
    diffusivity: float = parameter(".diffusivity", "mm**2/day")

    def flows(self, now: Now) -> list[Flow]:
        induced = self.by_ifn_gamma * now.ifn_gamma_response + self.by_ifn_type1 * now.ifn_signal
        return [
            supply("cxcl10", self.loss_rate * (self.rest + self.inducibility * induced)),
            loss("cxcl10", self.loss_rate),
            diffuse("cxcl10", self.diffusivity, host=self.rest, host_loss=self.loss_rate),
        ]
