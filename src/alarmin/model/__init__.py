"""Mechanisms assembled into one model, the present as they see it, and a step through time."""

from alarmin.model.assembly import actions, assemble, biology, make, needs, record_id
from alarmin.model.model import Budget, Model, Sums
from alarmin.model.moment import Lift, ModelError, Moment

__all__ = [
    "Budget", "Lift", "Model", "ModelError", "Moment", "Sums", "actions", "assemble", "biology", "make", "needs",
    "record_id",
]  # fmt: skip
