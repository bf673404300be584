"""Scores: predictions beside what was published."""

from alarmin.scoring.score import Row, Scored, score

__all__ = ["Row", "Scored", "score"]
