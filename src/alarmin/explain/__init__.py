"""What held each patient back: Shapley values of the barriers of a tumor, and of the steps of the alarm."""

from alarmin.explain.games import ExplainError, Explanation, Played, explain
from alarmin.explain.shapley import coalitions, interactions, shapley
from alarmin.explain.switches import lowered

__all__ = ["ExplainError", "Explanation", "Played", "coalitions", "explain", "interactions", "lowered", "shapley"]
