"""What records are: numbers with their sources, tumor types, populations, agents and trials."""

from alarmin.records.schema.agent import Action, Agent, Event, Pharmacokinetics
from alarmin.records.schema.trial import MOST_LESIONS, Arm, Contrast, Criterion, Line, Trial, Visits
from alarmin.records.schema.tumor import TREATED, UNTREATED, Composition, Population, Rank, Tumor
from alarmin.records.schema.value import (
    Conflict,
    Correlation,
    Grade,
    Law,
    Record,
    RecordError,
    Rederivation,
    Source,
    Spread,
    Status,
    Strict,
    Unit,
)

__all__ = [
    "Action", "Agent", "Arm", "Composition", "Conflict", "Contrast", "Correlation", "Criterion", "Event", "Grade",
    "Law", "Line", "MOST_LESIONS", "Pharmacokinetics", "Population", "Rank", "Record", "RecordError",
    "Rederivation", "Source", "Spread", "Status", "Strict", "TREATED", "Trial", "Tumor", "UNTREATED", "Unit",
    "Visits",
]  # fmt: skip
