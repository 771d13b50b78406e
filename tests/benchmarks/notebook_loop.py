"""The usage signals as a notebook would make them in pandas: per snapshot and window, filter, group and divide."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

DAY = pd.Timedelta(days=1)
WINDOWS = {
    28: {
        "used": ["sum"],
        "active_users": ["sum", "max"],
        "features_used": ["max"],
        "advanced": ["sum"],
        "compared": ["sum"],
    },
    84: {"active_users": ["sum"], "advanced": ["sum"], "compared": ["sum"]},
    364: {"active_users": ["sum"]},
    None: {"used": ["sum"], "counted": ["sum"], "last_use": ["max"]},
}
"""What is aggregated within so many days, or within all that is known."""


def looped(usage: pd.DataFrame, contracts: pd.DataFrame, as_ofs: Sequence[datetime]) -> pd.DataFrame:
    """account_id, as_of and the signals made of usage alone, as `features.build` gives them."""
    usage = prepared(usage)
    return pd.concat([at_snapshot(usage, contracts, as_of) for as_of in as_ofs], ignore_index=True)


def prepared(usage: pd.DataFrame) -> pd.DataFrame:
    """The columns that are the same at every snapshot."""
    over = pd.to_datetime(usage["date"]) + DAY
    active, advanced = usage["active_users"], usage["advanced_users"]
    used = usage["events"].isna() | (usage["events"] > 0)
    return pd.DataFrame(
        {
            "account_id": usage["account_id"],
            "over": over,
            "known": over.where(usage["available_at"].isna() | (usage["available_at"] < over), usage["available_at"]),
            "active_users": active,
            "features_used": usage["features_used"],
            "used": used,
            "counted": active.notna(),
            "advanced": advanced.where(active.notna()),
            "compared": active.where(advanced.notna()),
        }
    ).assign(last_use=lambda rows: rows["known"].dt.ceil("D").where(used))


def at_snapshot(usage: pd.DataFrame, contracts: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The signals of the customers of one moment, by account_id."""
    found = customers(contracts, as_of)
    until = usage["known"] <= as_of
    for days, wanted in WINDOWS.items():
        within = until if days is None else until & (usage["known"] > as_of - timedelta(days=days))
        made = usage[within].groupby("account_id").agg(wanted)
        made.columns = [f"{column}_{how}_{days}" for column, how in made.columns]
        found = found.join(made)
    sums = [column for column in found if "_sum_" in column]
    found[sums] = found[sums].fillna(0.0)
    signals = divided(found, as_of)
    if (pd.Timestamp(as_of) - usage.loc[until, "known"].max().ceil("D")) > 14 * DAY:
        signals = signals.where(False)
    return signals.reset_index().assign(as_of=as_of)


def customers(contracts: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The seats of every account with a contract in force, as known then."""
    rows = contracts.assign(known=contracts["available_at"].fillna(contracts["term_start"]))
    rows = rows[(rows["known"] <= as_of) & (rows["term_start"] <= as_of)]
    rows = rows.sort_values(["term_start", "known", "arr"]).drop_duplicates("contract_id", keep="last")
    rows = rows[(rows["term_end"].isna() | (rows["term_end"] > as_of)) & (rows["arr"] > 0)]
    return rows.groupby("account_id").agg(seats=("seats", lambda seats: seats.sum(min_count=1)))


def divided(found: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The signals, made of what was aggregated."""
    person_days = {days: found[f"active_users_sum_{days}"] for days in (28, 84, 364)}
    seats, people = found["seats"].where(found["seats"] > 0), found["active_users_max_28"]
    counted, ever = found["counted_sum_None"] > 0, found["used_sum_None"] > 0
    advanced, compared = (
        {days: found[f"{column}_sum_{days}"] for days in (28, 84)} for column in ("advanced", "compared")
    )
    before = share(advanced[84] - advanced[28], compared[84] - compared[28])
    return pd.DataFrame(
        {
            "licences_adopted_28d": (people.fillna(0.0) / seats).clip(0, 1).where(counted),
            "seat_utilization_28d": (person_days[28] / 28 / seats).clip(0, 1).where(counted),
            "active_days_28d": found["used_sum_28"].where(ever),
            "stickiness_28d": share(person_days[28] / 28, people).clip(0, 1),
            "usage_trend_28d": trend(person_days[28], person_days[84], 28 / 56),
            "usage_trend_84d": trend(person_days[84], person_days[364], 84 / 280),
            "feature_breadth_28d": found["features_used_max_28"],
            "advanced_use_84d": share(advanced[84], compared[84]).clip(0, 1),
            "advanced_use_change_28d": (share(advanced[28], compared[28]) - before).clip(-1, 1),
            "days_since_last_use": (pd.Timestamp(as_of) - found["last_use_max_None"]) / DAY,
        }
    )


def share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """`part ÷ whole`, missing where there is no whole."""
    return part / whole.where(whole > 0)


def trend(recent: pd.Series, longer: pd.Series, weight: float) -> pd.Series:
    """The recent volume against the rest of the longer, −1 to 1."""
    before = (longer - recent) * weight
    return ((recent - before) / (recent + before)).where(longer > 0)
