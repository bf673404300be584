"""Which parameters the outcomes hang on."""

from alarmin.sensitivity.analysis import Sensitivity, overall, sensitivity
from alarmin.sensitivity.belief import FACTORS, SensitivityError, believed
from alarmin.sensitivity.outcomes import OUTCOMES

__all__ = ["FACTORS", "OUTCOMES", "Sensitivity", "SensitivityError", "believed", "overall", "sensitivity"]
