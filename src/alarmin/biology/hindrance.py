"""Hindrance: how the mesh of collagen and hyaluronan slows molecules and T cells."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Mechanism, Now, parameter, signal


class Hindrance(Mechanism):
    """Pores of the matrix narrow with the root of its content.

        x = M_0/(C + b HA),   r_p = r_0 sqrt(x),   d = min(d_0 sqrt(x), d_max),   gate = d^4/(d^4 + d_c^4)

    A molecule of radius a keeps the share e^(-a/r_p) of its mobility in the open mesh. T cells need pores of the
    critical diameter d_c.

    Reads:    collagen, hyaluronan
    Source:   records hindrance_*
    """

    matrix: float = parameter(".matrix_reference", "mg/mL")
    hyaluronan_weight: float = parameter(".hyaluronan_weight", "dimensionless")
    molecular: float = parameter(".molecular_pore", "nm")
    protein_radius: float = parameter(".small_protein_radius", "nm")
    cellular: float = parameter(".t_cell_pore", "um")
    widest: float = parameter(".t_cell_pore_most", "um")
    critical: float = parameter(".t_cell_pore_critical", "um")

    @signal("dimensionless", off=4.0)
    def mesh(self, now: Now) -> Any:
        """Area of the pores of the matrix relative to the reference [-]."""
        return self.matrix / jnp.maximum(now.collagen + self.hyaluronan_weight * now.hyaluronan, 0.1)

    @signal("nm", off=36.0)
    def molecular_pore(self, now: Now) -> Any:
        """Radius of the pores that molecules find [nm]."""
        return self.molecular * jnp.sqrt(now.mesh)

    @signal("dimensionless", off=1.0)
    def small_protein_hindrance(self, now: Now) -> Any:
        """Mobility of a small protein relative to the open mesh [-]."""
        return jnp.exp(-self.protein_radius / now.molecular_pore)

    @signal("um", off=7.0)
    def t_cell_pore(self, now: Now) -> Any:
        """Diameter of the pores that T cells find [um]."""
        return jnp.minimum(self.cellular * jnp.sqrt(now.mesh), self.widest)

    @signal("dimensionless", off=1.0)
    def t_cell_pore_gate(self, now: Now) -> Any:
        """Share of their mobility that the matrix leaves to T cells [-]."""
        area = jnp.minimum(self.cellular**2 * now.mesh, self.widest**2) / self.critical**2
        area = area * area
        return area / (area + 1.0)
