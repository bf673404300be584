"""Cohorts of any size: cut into chunks, on one machine or many, written as they come, and never lost."""

from alarmin.cohorts.folder import Manifest
from alarmin.cohorts.plan import Plan, RunError, candidates_in_chunk
from alarmin.cohorts.run import resume, start
from alarmin.cohorts.summary import summary
from alarmin.cohorts.workers import distributed, local

__all__ = [
    "start", "resume", "summary", "local", "distributed", "Manifest", "Plan", "RunError", "candidates_in_chunk",
]  # fmt: skip
