"""Movements: whose health and band are others than they were in an earlier batch."""

from collections.abc import Sequence

import polars as pl
from pydantic import Field

from serving.reach import Reach
from serving.read_models import BatchShown, Shown
from serving.scores import BANDS, Band, Batch
from serving.snapshot import snapshot_of
from serving.store import ScoreStore

LEAST = 1.0
"""Points of health below which a move isn't told."""


class Moved(Shown):
    """An account that is in both batches."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    name: str = Field(description="Name shown to people.", examples=["Acme Logistics"])
    owner: str | None = Field(description="Customer success manager in charge.", examples=["Ada Byron"])
    arr: float = Field(description="ARR now, currency per year.", examples=[120000.0])
    health_before: float = Field(description="Health then, 0–100, higher is better.", examples=[52.5])
    health: float = Field(description="Health now.", examples=[41.5])
    band_before: Band = Field(description="Band then.", examples=["healthy"])
    band: Band = Field(description="Band now.", examples=["at_risk"])

    @property
    def change(self) -> float:
        """Points of health gained; negative is worse."""
        return self.health - self.health_before


class Movements(Shown):
    """What moved between two batches."""

    since: BatchShown
    worse: int = Field(description="Accounts in a worse band than then.", examples=[3])
    better: int = Field(description="Accounts in a better band than then.", examples=[2])
    crossed: list[Moved] = Field(description="Accounts in another band, the most ARR first.")
    fallen: list[Moved] = Field(description="Accounts whose health fell most.")
    risen: list[Moved] = Field(description="Accounts whose health rose most.")


def movements(store: ScoreStore, batch: Batch, before: Batch, *, reach: Reach, most: int) -> Movements:
    """What moved from one batch to a later one, `most` accounts of each kind."""
    was = snapshot_of(store, before).frame.select("account_id", health_before="health", band_before="band")
    now = snapshot_of(store, batch).frame.select("account_id", "name", "owner", "arr", "health", "band")
    if reach.owner is not None:
        now = now.filter(pl.col("owner") == reach.owner)
    rank = {band: float(place) for place, band in enumerate(BANDS)}
    both = now.join(was, on="account_id").with_columns(
        change=pl.col("health") - pl.col("health_before"),
        crossed=pl.col("band").replace_strict(rank) - pl.col("band_before").replace_strict(rank),
    )
    crossed = both.filter(pl.col("crossed") != 0).sort("arr", "account_id", descending=[True, False])
    worst_first = both.filter(pl.col("change").abs() >= LEAST).sort("change", "account_id")
    worse = sum(BANDS.index(now) > BANDS.index(was) for now, was in crossed.select("band", "band_before").iter_rows())
    return Movements(
        since=BatchShown.model_validate(before),
        worse=worse,
        better=crossed.height - worse,
        crossed=_shown(crossed.head(most)),
        fallen=_shown(worst_first.filter(pl.col("change") < 0).head(most)),
        risen=_shown(worst_first.filter(pl.col("change") > 0).reverse().head(most)),
    )


def _shown(rows: pl.DataFrame) -> Sequence[Moved]:
    return [Moved.model_validate(row) for row in rows.iter_rows(named=True)]
