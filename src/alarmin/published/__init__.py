"""What studies reported. Nothing that makes a prediction may look in here."""

from alarmin.published.loader import studies, study
from alarmin.published.schema import Reported, ReportedContrast, Study, Z

__all__ = ["Z", "Reported", "ReportedContrast", "Study", "studies", "study"]
