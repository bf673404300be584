"""Trials: who is compared with whom, when they are looked at, and what is concluded."""

from alarmin.trials.analysis import TrialResult, analyze
from alarmin.trials.endpoints import Outcomes, outcomes
from alarmin.trials.randomization import TrialError
from alarmin.trials.run import example, run

__all__ = ["run", "analyze", "example", "outcomes", "Outcomes", "TrialResult", "TrialError"]
