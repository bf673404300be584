"""Scores: predictions beside what was published."""

from alarmin.score.score import Row, Scored, score

__all__ = ["Row", "Scored", "score"]
