"""Virtual patients: from records to a cohort."""

from alarmin.patients.cohort import Cohort, CohortError
from alarmin.patients.drawing import draw, records_of

__all__ = ["Cohort", "CohortError", "draw", "records_of"]
