"""Relationship: what has the customer bought, for how long, does it pay, would it recommend us?"""

import narwhals as nw

from features.measures import count, known, total
from features.signal import Signal, itself, share

_NPS = nw.when(nw.col("kind") == "nps").then(nw.col("score"))
_NPS_SCORE = total("nps_score", "surveys", "responded_at", value=_NPS)
_NPS_ANSWERS = known("nps_answers", "surveys", "responded_at", value=_NPS)
_DUE = count("invoices_due", "invoices", "issued_at", "due_at")
_PAID = count("invoices_paid", "invoices", "issued_at", "due_at", "paid_at")

SIGNALS = (
    Signal(
        "arr",
        "relationship",
        "currency per year",
        "Annual recurring revenue of the contracts in force",
        ("arr",),
        itself,
    ),
    Signal(
        "arr_change_364d",
        "relationship",
        "ratio",
        "Change of the annual recurring revenue over a year, as a share of what it was",
        ("arr", "arr_364d_ago"),
        lambda now, then: nw.when(then > 0).then(now / then - 1.0),
        direction=1,
        lower=-1,
    ),
    Signal(
        "tenure_days",
        "relationship",
        "days",
        "Days since the account's first contract began",
        ("tenure_days",),
        itself,
    ),
    Signal(
        "products",
        "relationship",
        "products",
        "Different products in force",
        ("products",),
        itself,
        direction=1,
    ),
    Signal(
        "auto_renew",
        "relationship",
        "yes/no",
        "Whether the main contract renews by itself unless notice is given",
        ("auto_renew",),
        itself,
        direction=1,
        upper=1,
    ),
    Signal(
        "notice_given",
        "relationship",
        "yes/no",
        "Whether notice of leaving has been given on the main contract",
        ("notice",),
        itself,
        direction=-1,
        upper=1,
    ),
    Signal(
        "nps_364d",
        "relationship",
        "0 to 10",
        "Average answer of the last year to whether the customer would recommend us",
        (_NPS_SCORE.last(364), _NPS_ANSWERS.last(364)),
        share,
        direction=1,
        upper=10,
    ),
    Signal(
        "invoices_overdue",
        "relationship",
        "invoices",
        "Invoices past their due date and not paid",
        (_DUE.ever(), _PAID.ever()),
        lambda due, paid: due - paid,
        direction=-1,
    ),
)
