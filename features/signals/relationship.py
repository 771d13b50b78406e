"""Relationship: what has the customer bought, for how long, does it pay, would it recommend us?"""

import narwhals as nw

from features.measures import amount, count, known, latest, total
from features.periods import divided, seconds_between
from features.signal import Signal, days_since, growth, if_known, itself, less, share, yes

_IS_NPS = nw.col("kind") == "nps"
_NPS = nw.when(_IS_NPS).then(nw.col("score"))
_NPS_SCORE = amount("nps_score", "surveys", "responded_at", value=_NPS)
_NPS_ANSWERS = known("nps_answers", "surveys", "responded_at", value=_NPS)
_NPS_LAST = latest("nps_last_day", "surveys", "responded_at", where=_IS_NPS)

_PAID_AT = ("issued_at", "due_at", "paid_at")
_ASKS = nw.col("amount") > 0
_LATE = seconds_between(nw.col("due_at"), nw.col("paid_at")).clip(0.0, None)
_DUE = count("invoices_due", "invoices", "issued_at", "due_at", where=_ASKS)
_PAID = count("invoices_paid", "invoices", *_PAID_AT, where=_ASKS)
_SECONDS_LATE = total("invoices_seconds_late", "invoices", *_PAID_AT, value=nw.when(_ASKS).then(_LATE))

_COST = nw.col("cost")
_TOUCHES = count("served_touches", "engagements", "engaged_at")
_TOUCHES_TOLD = known("served_touches_told", "engagements", "engaged_at", value=_COST)
_TOUCHES_COST = amount("served_touches_cost", "engagements", "engaged_at", value=_COST)
_TICKETS = count("served_tickets", "tickets", "opened_at", "closed_at")
_TICKETS_TOLD = known("served_tickets_told", "tickets", "opened_at", "closed_at", value=_COST)
_TICKETS_COST = amount("served_tickets_cost", "tickets", "opened_at", "closed_at", value=_COST)


def _cost_to_serve(
    touches_cost: nw.Expr,
    touches_told: nw.Expr,
    touches: nw.Expr,
    tickets_cost: nw.Expr,
    tickets_told: nw.Expr,
    tickets: nw.Expr,
    arr: nw.Expr,
) -> nw.Expr:
    cost = if_known(touches_cost, touches_told, touches) + if_known(tickets_cost, tickets_told, tickets)
    return share(cost, arr)


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
        (
            "arr",
            "arr_364d_ago",
        ),
        growth,
        direction=1,
        lower=-1,
    ),
    Signal(
        "seats_change_364d",
        "relationship",
        "ratio",
        "Change of the seats over a year, as a share of what they were",
        (
            "seats",
            "seats_364d_ago",
        ),
        growth,
        direction=1,
        lower=-1,
    ),
    Signal(
        "recurring_share",
        "relationship",
        "share",
        "Share of the annual revenue, of known kind, from subscriptions, maintenance and service",
        ("recurring_share",),
        itself,
        direction=1,
        upper=1,
    ),
    Signal(
        "fixed_term",
        "relationship",
        "yes/no",
        "Whether every contract in force is of a fixed term, after which the work is done: running out is no churn",
        ("fixed_term",),
        itself,
        upper=1,
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
        "renewals",
        "relationship",
        "terms",
        "Terms the customer has begun after the first of each contract: renewals so far",
        ("renewals",),
        itself,
        direction=1,
    ),
    Signal(
        "days_to_renewal",
        "relationship",
        "days",
        "Days until the signed terms of the main contract end; shown to people, not to the model",
        ("days_to_renewal",),
        itself,
        in_model=False,
    ),
    Signal(
        "contract_term_days",
        "relationship",
        "days",
        "Length of the main contract's term; shown to people, not to the model",
        ("term_days",),
        itself,
        in_model=False,
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
        "products",
        "relationship",
        "products",
        "Different products in force",
        ("products",),
        itself,
        direction=1,
    ),
    Signal(
        "service_contract",
        "relationship",
        "yes/no",
        "Whether a service or maintenance contract is in force",
        ("service_arr",),
        yes,
        direction=1,
        upper=1,
    ),
    Signal(
        "service_level_known",
        "relationship",
        "yes/no",
        "Whether a service or maintenance contract in force names its level",
        ("service_level_known",),
        itself,
        upper=1,
    ),
    Signal(
        "service_step_up_364d",
        "relationship",
        "yes/no",
        "Whether more is paid for service and maintenance now than a year ago",
        (
            "service_arr",
            "service_arr_364d_ago",
        ),
        lambda now, ago: yes(now - ago),
        direction=1,
        upper=1,
    ),
    Signal(
        "invoices_overdue",
        "relationship",
        "invoices",
        "Invoices past their due date and not paid",
        (
            _DUE.ever(),
            _PAID.ever(),
        ),
        less,
        direction=-1,
    ),
    Signal(
        "days_late_364d",
        "relationship",
        "days",
        "How late the invoices paid in the last year were on average; in time counts as 0",
        (
            _SECONDS_LATE.last(364),
            _PAID.last(364),
        ),
        lambda seconds, paid: divided(share(seconds, paid), 86_400.0),
        direction=-1,
    ),
    Signal(
        "cost_to_serve_364d",
        "relationship",
        "ratio",
        "Cost of the touches and of the support requests closed in the last year, per unit of ARR",
        (
            _TOUCHES_COST.last(364),
            _TOUCHES_TOLD.last(364),
            _TOUCHES.last(364),
            _TICKETS_COST.last(364),
            _TICKETS_TOLD.last(364),
            _TICKETS.last(364),
            "arr",
        ),
        _cost_to_serve,
        direction=-1,
    ),
    Signal(
        "nps_364d",
        "relationship",
        "0 to 10",
        "Average answer of the last year to whether the customer would recommend us",
        (
            _NPS_SCORE.last(364),
            _NPS_ANSWERS.last(364),
        ),
        share,
        direction=1,
        upper=10,
    ),
    Signal(
        "days_since_nps",
        "relationship",
        "days",
        "Days since anyone of the customer last answered whether they would recommend us",
        (
            _NPS_LAST.ever(),
            "as_of_day",
        ),
        days_since,
    ),
)
