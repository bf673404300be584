"""Pictures of results. Every function returns a matplotlib `Figure`; most take plain arrays or tables."""

from alarmin.plots.compare import compare
from alarmin.plots.forest import forest
from alarmin.plots.phenotypes import phenotypes
from alarmin.plots.runs import course_section, trial_figures
from alarmin.plots.section import section
from alarmin.plots.style import render, save
from alarmin.plots.survival import Landmark, Median, survival
from alarmin.plots.tornado import tornado
from alarmin.plots.waterfall import waterfall

__all__ = [
    "Landmark",
    "Median",
    "compare",
    "course_section",
    "forest",
    "phenotypes",
    "render",
    "save",
    "section",
    "survival",
    "tornado",
    "trial_figures",
    "waterfall",
]
