"""Suppression of T cells: every suppressor where it acts, multiplied, and never to nothing."""

from typing import Any

import jax.numpy as jnp

from alarmin.mechanism import Mechanism, Now, parameter, signal
from alarmin.numerics.response import class_mean, hill


class Suppression(Mechanism):
    """What suppressors leave of killing and of proliferation of T cells.

        s_i = 1 - h_i(x_i) of a suppressor, s_i = h_i(x_i) of arginine and glucose, which T cells need
        h(x) = x^n/(x^n + K^n), n = 2 of lactate and arginine, else 1;   s of hypoxia = 1 - mean 1/(1 + (p/K)^2)
        a step keeps 1 - m_i (1 - s_i) of itself, at least 1 - m_i
        killing         max(prod_i, floor) over PD-1, Treg, TGF-beta, adenosine, lactate, MDSC, hypoxia
        proliferation   max(prod_i, floor) over PD-1, Treg, TGF-beta, adenosine, lactate, kynurenine, arginine, glucose

    Each s_i is a quantity of its own, from 1 (no suppressor, or plenty) to 0, so that one suppressor can be held at 1
    wherever it acts. The mean is over the distance classes of oxygen p.

    Reads:    pd1_inhibition, treg, tgf_beta, adenosine, lactate, mdsc, oxygen_by_class, kynurenine, arginine,
              glucose, effect a2a_signaling
    Source:   records suppression_*
    """

    floor: float = parameter(".floor", "dimensionless")
    treg_half: float = parameter(".treg_half", "Mcell/mL")
    tgf_beta_half: float = parameter(".tgf_beta_half", "nM")
    adenosine_half: float = parameter(".adenosine_half", "uM")
    lactate_half: float = parameter(".lactate_half", "mM")
    mdsc_half: float = parameter(".mdsc_half", "Mcell/mL")
    oxygen_half: float = parameter(".oxygen_half", "mmHg")
    kynurenine_half: float = parameter(".kynurenine_half", "uM")
    arginine_half: float = parameter(".arginine_half", "uM")
    glucose_half: float = parameter(".glucose_half", "mM")
    killing_pd1: float = parameter(".killing_pd1", "dimensionless")
    killing_treg: float = parameter(".killing_treg", "dimensionless")
    killing_tgf_beta: float = parameter(".killing_tgf_beta", "dimensionless")
    killing_adenosine: float = parameter(".killing_adenosine", "dimensionless")
    killing_lactate: float = parameter(".killing_lactate", "dimensionless")
    killing_mdsc: float = parameter(".killing_mdsc", "dimensionless")
    killing_hypoxia: float = parameter(".killing_hypoxia", "dimensionless")
    proliferation_pd1: float = parameter(".proliferation_pd1", "dimensionless")
    proliferation_treg: float = parameter(".proliferation_treg", "dimensionless")
    proliferation_tgf_beta: float = parameter(".proliferation_tgf_beta", "dimensionless")
    proliferation_adenosine: float = parameter(".proliferation_adenosine", "dimensionless")
    proliferation_lactate: float = parameter(".proliferation_lactate", "dimensionless")
    proliferation_kynurenine: float = parameter(".proliferation_kynurenine", "dimensionless")
    proliferation_arginine: float = parameter(".proliferation_arginine", "dimensionless")
    proliferation_glucose: float = parameter(".proliferation_glucose", "dimensionless")

    @signal("dimensionless", off=1.0)
    def suppression_treg(self, now: Now) -> Any:
        """Freedom of T cells from regulatory T cells [-]."""
        return 1.0 - hill(now.treg, self.treg_half)

    @signal("dimensionless", off=1.0)
    def suppression_tgf_beta(self, now: Now) -> Any:
        """Freedom of T cells from TGF-beta [-]."""
        return 1.0 - hill(now.tgf_beta, self.tgf_beta_half)

    @signal("dimensionless", off=1.0)
    def suppression_adenosine(self, now: Now) -> Any:
        """Freedom of T cells from adenosine at the A2A receptors that agents leave [-]."""
        return 1.0 - hill(now.adenosine * now.product("a2a_signaling"), self.adenosine_half)

    @signal("dimensionless", off=1.0)
    def suppression_lactate(self, now: Now) -> Any:
        """Freedom of T cells from lactate and its acid [-]."""
        return 1.0 - hill(now.lactate, self.lactate_half, 2)

    @signal("dimensionless", off=1.0)
    def suppression_mdsc(self, now: Now) -> Any:
        """Freedom of T cells from myeloid-derived suppressor cells [-]."""
        return 1.0 - hill(now.mdsc, self.mdsc_half)

    @signal("dimensionless", off=1.0)
    def suppression_kynurenine(self, now: Now) -> Any:
        """Freedom of T cells from kynurenine, and from the want of tryptophan that goes with it [-]."""
        return 1.0 - hill(now.kynurenine, self.kynurenine_half)

    @signal("dimensionless", off=1.0)
    def suppression_arginine(self, now: Now) -> Any:
        """Arginine that T cells find, relative to plenty [-]."""
        return hill(now.arginine, self.arginine_half, 2)

    @signal("dimensionless", off=1.0)
    def suppression_glucose(self, now: Now) -> Any:
        """Glucose that T cells find, relative to plenty [-]."""
        return hill(now.glucose, self.glucose_half)

    @signal("dimensionless", off=0.0)
    def t_cell_hypoxia(self, now: Now) -> Any:
        """Hypoxia as T cells feel it, mean of 1/(1 + (p/K)^2) over the distance classes [-]."""
        per_half = 1.0 / self.oxygen_half
        return class_mean(lambda p: 1.0 / (1.0 + (p * per_half) ** 2), now.oxygen_by_class)

    @signal("dimensionless", off=1.0)
    def suppression_hypoxia(self, now: Now) -> Any:
        """Freedom of T cells from hypoxia [-]."""
        return 1.0 - now.t_cell_hypoxia

    @signal("dimensionless", off=1.0)
    def killing_capacity(self, now: Now) -> Any:
        """What suppressors leave of killing by T cells [-]."""
        kept = (
            kept_of(self.killing_pd1, 1.0 - now.pd1_inhibition)
            * kept_of(self.killing_treg, now.suppression_treg)
            * kept_of(self.killing_tgf_beta, now.suppression_tgf_beta)
            * kept_of(self.killing_adenosine, now.suppression_adenosine)
            * kept_of(self.killing_lactate, now.suppression_lactate)
            * kept_of(self.killing_mdsc, now.suppression_mdsc)
            * kept_of(self.killing_hypoxia, now.suppression_hypoxia)
        )
        return jnp.maximum(kept, self.floor)

    @signal("dimensionless", off=1.0)
    def proliferation_capacity(self, now: Now) -> Any:
        """What suppressors leave of the proliferation of T cells [-]."""
        kept = (
            kept_of(self.proliferation_pd1, 1.0 - now.pd1_inhibition)
            * kept_of(self.proliferation_treg, now.suppression_treg)
            * kept_of(self.proliferation_tgf_beta, now.suppression_tgf_beta)
            * kept_of(self.proliferation_adenosine, now.suppression_adenosine)
            * kept_of(self.proliferation_lactate, now.suppression_lactate)
            * kept_of(self.proliferation_kynurenine, now.suppression_kynurenine)
            * kept_of(self.proliferation_arginine, now.suppression_arginine)
            * kept_of(self.proliferation_glucose, now.suppression_glucose)
        )
        return jnp.maximum(kept, self.floor)


def kept_of(most: Any, freedom: Any) -> Any:
    """What a suppressor that takes at most `most` leaves of a step at a `freedom` between 0 and 1 [-]."""
    return 1.0 - most * (1.0 - freedom)
