"""Success: does the customer reach what it bought the product for?"""

import narwhals as nw

from features.measures import count, known, latest, total
from features.signal import Signal, days_since, share, yes

_TABLE = "objectives"
_WEIGHT = nw.col("weight").fill_null(1.0)
_AGREED = count("objectives_agreed", _TABLE, "created_at")
_DUE = count("objectives_due", _TABLE, "created_at", "due_at")
_DUE_WEIGHT = total("objectives_due_weight", _TABLE, "created_at", "due_at", value=_WEIGHT)
_AGREED_WEIGHT = total("objectives_agreed_weight", _TABLE, "created_at", value=_WEIGHT)
_ACHIEVED_WEIGHT = total("objectives_achieved_weight", _TABLE, "created_at", "achieved_at", value=_WEIGHT)
_DONE = count("objectives_done", _TABLE, "created_at", "due_at", "achieved_at")
_DONE_WEIGHT = total("objectives_done_weight", _TABLE, "created_at", "due_at", "achieved_at", value=_WEIGHT)
_ON_TIME = count(
    "objectives_on_time",
    _TABLE,
    "created_at",
    "due_at",
    "achieved_at",
    where=nw.col("achieved_at") <= nw.col("due_at"),
)
_LAST = latest("objective_last_achieved", _TABLE, "achieved_at")
_EXPECTED = total("value_expected", _TABLE, "achieved_at", value=nw.col("expected_value"))
_REALIZED = total("value_realized", _TABLE, "achieved_at", value=nw.col("realized_value"))
_VALUED = known("value_known", _TABLE, "achieved_at", value=nw.col("realized_value"))

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
        lambda done, due: share(done, due).clip(0.0, 1.0),
        direction=1,
        upper=1,
    ),
    Signal(
        "objectives_overdue",
        "success",
        "objectives",
        "Objectives past their due date and not achieved",
        (_DUE.ever(), _DONE.ever()),
        lambda due, done: due - done,
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
        (_REALIZED.ever(), _EXPECTED.ever(), _VALUED.ever()),
        lambda realized, expected, valued: nw.when((expected > 0) & (valued > 0)).then(realized / expected),
        direction=1,
    ),
)
