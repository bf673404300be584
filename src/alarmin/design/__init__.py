"""Designs of trials: what they would do, with patients of a bank of outcomes."""

from alarmin.design.boundaries import Boundaries
from alarmin.design.characteristics import Characteristics, bank_trial, operating_characteristics
from alarmin.design.loader import load
from alarmin.design.plan import Design, DesignError

__all__ = ["load", "bank_trial", "operating_characteristics", "Design", "Boundaries", "Characteristics", "DesignError"]
