"""Decisions: whom to treat, by what is known before treatment, and with what."""

from alarmin.decide.biomarkers import BiomarkerError, Biomarkers, biomarkers, contrast_of
from alarmin.decide.question import Question, ask
from alarmin.decide.schedules import OptimizeError

__all__ = ["BiomarkerError", "Biomarkers", "OptimizeError", "Question", "ask", "biomarkers", "contrast_of"]
