"""The causal statements of a review of immunogenic cell death, and what each comes to when it is run."""

from alarmin.review.ledger import Entry, ledger
from alarmin.review.statements import ReviewError, Statement, statements, vocabulary

__all__ = ["Entry", "ReviewError", "Statement", "ledger", "statements", "vocabulary"]
