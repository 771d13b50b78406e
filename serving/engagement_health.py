"""Engagement against health: how healthy the accounts are that we talked to lately, and those we did not."""

from functools import lru_cache

import polars as pl
from pydantic import Field

from serving.read_models import BatchShown, Shown
from serving.scores import BANDS, Band, Batch
from serving.silence import last_touches
from serving.snapshot import snapshot_of
from serving.store import ScoreStore

BEGINS = (0, 15, 29, 57, 85)
"""Days since the last touch at which the groups begin: two, four, eight and twelve weeks are the ends of the first."""


class Touched(Shown):
    """The accounts whose last touch is so many days ago."""

    from_days: int | None = Field(description="Least days since the last touch; null: never touched.", examples=[15])
    to_days: int | None = Field(description="Most days since the last touch; null: no end.", examples=[28])
    accounts: int = Field(description="Number of accounts.", examples=[120])
    arr: float = Field(description="Their ARR, currency per year.", examples=[4_200_000.0])
    arr_at_risk: float = Field(description="Their ARR at risk, currency per year; higher is worse.", examples=[4.6e5])
    health: float | None = Field(description="Their average health; null where there is none.", examples=[51.5])
    bands: dict[Band, int] = Field(
        description="Accounts per band.", examples=[{"healthy": 70, "at_risk": 35, "critical": 15}]
    )


class EngagementHealth(Shown):
    """The scored accounts by the days since their last touch, the latest touched first."""

    batch: BatchShown
    known: bool = Field(description="Whether touches are known at all.", examples=[True])
    touched: list[Touched]


@lru_cache(maxsize=4)
def engagement_health(store: ScoreStore, batch: Batch) -> EngagementHealth:
    """Of all accounts of a batch, which it names none of; a batch never changes, so it is kept."""
    touches = last_touches(store, batch)
    rows = snapshot_of(store, batch).frame.join(touches, on="account_id", how="left")
    days = pl.col("last_touch_days")
    touched = []
    for begins, following in zip(BEGINS, [*BEGINS[1:], None], strict=True):
        within = days >= begins if following is None else (days >= begins) & (days < following)
        touched.append(_touched(rows.filter(within), begins, None if following is None else following - 1))
    return EngagementHealth(
        batch=BatchShown.model_validate(batch),
        known=touches["last_touch_days"].count() > 0,
        touched=[*touched, _touched(rows.filter(days.is_null()), None, None)],
    )


def _touched(rows: pl.DataFrame, begins: int | None, end: int | None) -> Touched:
    health = rows["health"].mean()
    assert health is None or isinstance(health, float)
    return Touched(
        from_days=begins,
        to_days=end,
        accounts=rows.height,
        arr=rows["arr"].sum(),
        arr_at_risk=rows["arr_at_risk"].sum(),
        health=health,
        bands={band: rows.filter(pl.col("band") == band).height for band in BANDS},
    )
