"""What studies reported. Nothing that makes a prediction may look in here."""

from alarmin.published.loader import audit, discrepancies, studies, study, untreated
from alarmin.published.schema import Discrepancy, Measured, Reported, ReportedContrast, Study, Untreated, Z

__all__ = [
    "Discrepancy",
    "Measured",
    "Reported",
    "ReportedContrast",
    "Study",
    "Untreated",
    "Z",
    "audit",
    "discrepancies",
    "studies",
    "study",
    "untreated",
]
