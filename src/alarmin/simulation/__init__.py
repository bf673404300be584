"""Takes a cohort through a regimen: chunks of lanes through one compiled program.

Lesions run in chunks of a fixed width, whole patients in each, padded. No lane knows of another except its siblings,
so results are the same to the bit whatever the number of patients, chunks or workers, and in whatever order.
"""

from alarmin.simulation.chunks import Crew, split
from alarmin.simulation.course import Course, Timing
from alarmin.simulation.program import advance_days, balance, model_of, readings, state_of
from alarmin.simulation.run import simulate
from alarmin.simulation.settings import COARSE, LONGEST, MONTH, Failure, Manage, Settings, SimulationError

__all__ = [
    "COARSE", "LONGEST", "MONTH", "Course", "Crew", "Failure", "Manage", "Settings", "SimulationError", "Timing",
    "advance_days", "balance", "model_of", "readings", "simulate", "split", "state_of",
]  # fmt: skip
