"""What studies reported. Nothing that makes a prediction may look in here."""

from alarmin.published.loader import audit, discrepancies, studies, study, treated, untreated
from alarmin.published.schema import (
    Discrepancy,
    Measured,
    MeasuredUnder,
    Reported,
    ReportedContrast,
    Study,
    Treated,
    Untreated,
    Z,
)

__all__ = [
    "Discrepancy",
    "Measured",
    "MeasuredUnder",
    "Reported",
    "ReportedContrast",
    "Study",
    "Treated",
    "Untreated",
    "Z",
    "audit",
    "discrepancies",
    "studies",
    "study",
    "treated",
    "untreated",
]
