"""Success: does the customer reach what it bought the product for?"""

import narwhals as nw

from features.measures import amount, count, known, latest
from features.signal import Signal, capped_share, days_since, if_any, if_known, less, share, yes

_TABLE = "objectives"
_WEIGHT = nw.col("weight").fill_null(1.0)
_VALUE = nw.col("realized_value")
_ACHIEVED_AT = ("created_at", "achieved_at")
_DONE_AT = ("created_at", "due_at", "achieved_at")
_AGREED = count("objectives_agreed", _TABLE, "created_at")
_AGREED_WEIGHT = amount("objectives_agreed_weight", _TABLE, "created_at", value=_WEIGHT)
_DUE = count("objectives_due", _TABLE, "created_at", "due_at")
_DUE_WEIGHT = amount("objectives_due_weight", _TABLE, "created_at", "due_at", value=_WEIGHT)
_DONE = count("objectives_done", _TABLE, *_DONE_AT)
_DONE_WEIGHT = amount("objectives_done_weight", _TABLE, *_DONE_AT, value=_WEIGHT)
_ON_TIME = count("objectives_on_time", _TABLE, *_DONE_AT, where=nw.col("achieved_at") <= nw.col("due_at"))
_ACHIEVED = count("objectives_achieved", _TABLE, *_ACHIEVED_AT)
_ACHIEVED_WEIGHT = amount("objectives_achieved_weight", _TABLE, *_ACHIEVED_AT, value=_WEIGHT)
_LAST = latest("objective_last_achieved", _TABLE, *_ACHIEVED_AT)
_REALIZED = amount("value_realized", _TABLE, *_ACHIEVED_AT, value=_VALUE)
_VALUED = known("value_known", _TABLE, *_ACHIEVED_AT, value=_VALUE)
_EXPECTED = amount(
    "value_expected", _TABLE, *_ACHIEVED_AT, value=nw.when(~_VALUE.is_null()).then(nw.col("expected_value"))
)
_MET = amount("value_met", _TABLE, *_ACHIEVED_AT, value=nw.when(~nw.col("expected_value").is_null()).then(_VALUE))

_IMPACT = nw.when(nw.col("kind") == "impact").then(nw.col("score"))
_IMPACT_SCORE = amount("impact_score", "surveys", "responded_at", value=_IMPACT)
_IMPACT_ANSWERS = known("impact_answers", "surveys", "responded_at", value=_IMPACT)

SIGNALS = (
    Signal(
        "success_plan",
        "success",
        "yes/no",
        "Whether a success plan with objectives has been agreed",
        (_AGREED.ever(),),
        yes,
        direction=1,
        upper=1,
    ),
    Signal(
        "plan_realization",
        "success",
        "share",
        "Weighted share of the objectives due by now that have been achieved",
        (_DONE_WEIGHT.ever(), _DUE_WEIGHT.ever()),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "plan_achieved",
        "success",
        "share",
        "Weighted share of all objectives agreed, due or not, that have been achieved",
        (_ACHIEVED_WEIGHT.ever(), _AGREED_WEIGHT.ever()),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "plan_realization_84d",
        "success",
        "share",
        "Weight of the objectives completed in the last twelve weeks against the weight that fell due then",
        (_DONE_WEIGHT.last(84), _DUE_WEIGHT.last(84)),
        capped_share,
        direction=1,
        upper=1,
    ),
    Signal(
        "objectives_overdue",
        "success",
        "objectives",
        "Objectives past their due date and not achieved",
        (_DUE.ever(), _DONE.ever()),
        less,
        direction=-1,
    ),
    Signal(
        "objectives_on_time",
        "success",
        "share",
        "Share of the objectives achieved, of those due, that were achieved by their due date",
        (_ON_TIME.ever(), _DONE.ever()),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "days_since_objective",
        "success",
        "days",
        "Days since the last objective was achieved",
        (_LAST.ever(), "as_of_day"),
        days_since,
        direction=-1,
    ),
    Signal(
        "value_realized",
        "success",
        "ratio",
        "Value realized by the objectives achieved, against the value expected of them",
        (_MET.ever(), _EXPECTED.ever()),
        share,
        direction=1,
    ),
    Signal(
        "value_per_arr_364d",
        "success",
        "ratio",
        "Value realized by the objectives achieved in the last year per unit of ARR: the customer's return",
        (_REALIZED.last(364), _VALUED.last(364), _ACHIEVED.last(364), _AGREED.ever(), "arr"),
        lambda value, known, rows, agreed, arr: if_any(if_known(share(value, arr), known, rows), agreed),
        direction=1,
    ),
    Signal(
        "impact_364d",
        "success",
        "−1 to 1",
        "Average impact of the product the customer's people perceived in the last year, by their own answers",
        (_IMPACT_SCORE.last(364), _IMPACT_ANSWERS.last(364)),
        share,
        direction=1,
        lower=-1,
        upper=1,
    ),
)
