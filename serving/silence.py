"""Silent accounts: nobody on our side has touched them for a while."""

from functools import lru_cache

import polars as pl
from pydantic import Field
from sqlalchemy import Double, cast, select

from serving.reach import Reach
from serving.read_models import Shown
from serving.schema import score_details
from serving.scores import Band, Batch
from serving.snapshot import snapshot_of
from serving.store import ScoreStore

_SINCE = "days_since_last_touch"


class Silent(Shown):
    """An account nobody has touched for a while."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    name: str = Field(description="Name shown to people.", examples=["Acme Logistics"])
    owner: str | None = Field(description="Customer success manager in charge.", examples=["Ada Byron"])
    arr: float = Field(description="ARR, currency per year.", examples=[120000.0])
    band: Band = Field(description="What its health calls for.", examples=["at_risk"])
    last_touch_days: float = Field(description="Days from the last touch to as_of.", examples=[91.0])


class Silence(Shown):
    """The silent accounts, the most ARR first."""

    after_days: int = Field(description="Days without a touch from which an account is silent.", examples=[60])
    accounts: int = Field(description="How many there are.", examples=[12])
    arr: float = Field(description="Their ARR, currency per year.", examples=[820_000.0])
    known: bool = Field(description="Whether touches are known at all.", examples=[True])
    listed: list[Silent]


def silence(store: ScoreStore, batch: Batch, *, after_days: int, reach: Reach, most: int) -> Silence:
    """The accounts of a batch without a touch for `after_days`, `most` of them listed."""
    touches = last_touches(store, batch)
    rows = snapshot_of(store, batch).frame.join(touches, on="account_id")
    if reach.owner is not None:
        rows = rows.filter(pl.col("owner") == reach.owner)
    silent = rows.filter(pl.col("last_touch_days") >= after_days).sort("arr", "account_id", descending=[True, False])
    return Silence(
        after_days=after_days,
        accounts=silent.height,
        arr=silent["arr"].sum(),
        known=touches["last_touch_days"].count() > 0,
        listed=[Silent.model_validate(row) for row in silent.head(most).iter_rows(named=True)],
    )


@lru_cache(maxsize=4)
def last_touches(store: ScoreStore, batch: Batch) -> pl.DataFrame:
    """Days since the last touch of every account that had one; a batch never changes, so they are kept."""
    value = cast(score_details.c.signals[_SINCE][0].as_string(), Double)
    query = select(score_details.c.account_id, value).where(score_details.c.batch_id == batch.batch_id)
    with store.reading() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    return pl.DataFrame(rows, schema={"account_id": pl.String, "last_touch_days": pl.Float64}, orient="row")
