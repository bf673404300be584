"""Pictures of results. Every function returns a matplotlib `Figure`; most take plain arrays or tables."""

from alarmin.plots.barriers import barrier_map, barrier_profiles
from alarmin.plots.biomarkers import biomarker_forest
from alarmin.plots.compare import compare
from alarmin.plots.course import diameters, immune_cells
from alarmin.plots.design import boundaries, design_figures, durations, power_curve
from alarmin.plots.forest import forest
from alarmin.plots.kymograph import kymograph
from alarmin.plots.phenotypes import phenotypes
from alarmin.plots.runs import course_figures, course_kymograph, course_section, trial_figures
from alarmin.plots.section import section
from alarmin.plots.spider import spider
from alarmin.plots.style import render, save
from alarmin.plots.survival import Landmark, Median, survival
from alarmin.plots.swimmer import swimmer
from alarmin.plots.tornado import tornado
from alarmin.plots.waterfall import waterfall

__all__ = [
    "Landmark",
    "Median",
    "barrier_map",
    "barrier_profiles",
    "biomarker_forest",
    "boundaries",
    "compare",
    "course_figures",
    "course_kymograph",
    "course_section",
    "design_figures",
    "diameters",
    "durations",
    "forest",
    "immune_cells",
    "kymograph",
    "phenotypes",
    "power_curve",
    "render",
    "save",
    "section",
    "spider",
    "survival",
    "swimmer",
    "tornado",
    "trial_figures",
    "waterfall",
]
