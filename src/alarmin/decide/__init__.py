"""Decisions: whom to treat, by what is known before treatment, and with what."""

from alarmin.decide.biomarkers import BiomarkerError, Biomarkers, biomarkers, contrast_of

__all__ = ["BiomarkerError", "Biomarkers", "biomarkers", "contrast_of"]
