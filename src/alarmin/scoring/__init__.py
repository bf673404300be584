"""Scores: predictions beside what was published, and beside the cheapest rivals."""

from alarmin.scoring.forecast import Forecast, Scoreboard, board, forecast
from alarmin.scoring.replicates import Replicates, replicates
from alarmin.scoring.score import Row, Scored, score
from alarmin.scoring.untreated import beside

__all__ = [
    "Forecast",
    "Replicates",
    "Row",
    "Scoreboard",
    "Scored",
    "beside",
    "board",
    "forecast",
    "replicates",
    "score",
]
