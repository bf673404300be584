"""Records: every number that Alarmin uses, with its unit, source, grade and status, as data files."""

from alarmin.records.loader import (
    agent,
    agents,
    parameters,
    population,
    populations,
    rederivations,
    sources,
    trial,
    trial_names,
    trials,
    tumor,
    tumors,
)
from alarmin.records.schema import Agent, Population, Record, RecordError, Rederivation, Source, Spread, Trial, Tumor

__all__ = [
    "Agent",
    "Population",
    "Record",
    "RecordError",
    "Rederivation",
    "Source",
    "Spread",
    "Trial",
    "Tumor",
    "agent",
    "agents",
    "parameters",
    "population",
    "populations",
    "rederivations",
    "sources",
    "trial",
    "trial_names",
    "trials",
    "tumor",
    "tumors",
]
