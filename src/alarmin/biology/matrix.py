"""Matrix: collagen and hyaluronan, laid down by cells and broken down."""

import jax.numpy as jnp

from alarmin.mechanism import Flow, Mechanism, Now, loss, parameter, supply


class Matrix(Mechanism):
    """Fibroblasts lay down collagen and hyaluronan, more of both under TGF-beta; tumor cells add hyaluronan.

        collagen    supply  k_C F (c_0 + h) max(0, 1 - C/C_max);   loss  d_C + x (d_x - d_C) + collagenase
        hyaluronan  supply  e [k_F F (h_0 + h_1 h) + k_n n];   loss  d_H + hyaluronidase

    h is the activation of fibroblasts, x the resorption of scars, e the factor of the patient. Content emerges from
    fibroblasts: growth dilutes collagen about as fast as it turns over.

    Reads:    caf, tumor, collagen, fibroblast_activation, scar_resorption, effects collagenase, hyaluronidase
    Changes:  collagen, hyaluronan
    Source:   records collagen_*, hyaluronan_*
    """

    collagen: float = parameter("collagen_deposition", "mg/mL/day/(Mcell/mL)")
    collagen_rest: float = parameter("collagen_deposition_rest", "dimensionless")
    collagen_most: float = parameter("collagen_most", "mg/mL")
    collagen_loss: float = parameter("collagen_loss", "1/day")
    collagen_resorption: float = parameter("collagen_resorption", "1/day")
    factor: float = parameter("hyaluronan_factor", "dimensionless")
    hyaluronan_caf: float = parameter("hyaluronan_deposition_caf", "mg/mL/day/(Mcell/mL)")
    hyaluronan_rest: float = parameter("hyaluronan_deposition_rest", "dimensionless")
    hyaluronan_gain: float = parameter("hyaluronan_deposition_gain", "dimensionless")
    hyaluronan_tumor: float = parameter("hyaluronan_deposition_tumor", "mg/mL/day/(Mcell/mL)")
    hyaluronan_loss: float = parameter("hyaluronan_loss", "1/day")

    def flows(self, now: Now) -> list[Flow]:
        active = now.fibroblast_activation
        room = jnp.maximum(1.0 - now.collagen / self.collagen_most, 0.0)
        lost = self.collagen_loss + now.scar_resorption * (self.collagen_resorption - self.collagen_loss)
        fibroblasts = self.hyaluronan_caf * now.caf * (self.hyaluronan_rest + self.hyaluronan_gain * active)
        return [
            supply("collagen", self.collagen * now.caf * (self.collagen_rest + active) * room),
            loss("collagen", lost + now.total("collagenase")),
            supply("hyaluronan", self.factor * (fibroblasts + self.hyaluronan_tumor * now.tumor)),
            loss("hyaluronan", self.hyaluronan_loss + now.total("hyaluronidase")),
        ]
