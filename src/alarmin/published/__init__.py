"""What studies reported. Nothing that makes a prediction may look in here."""

from alarmin.published.loader import audit, discrepancies, studies, study
from alarmin.published.schema import Discrepancy, Reported, ReportedContrast, Study, Z

__all__ = ["Z", "Discrepancy", "Reported", "ReportedContrast", "Study", "audit", "discrepancies", "studies", "study"]
