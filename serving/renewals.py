"""The renewals worklist: whom to call first, by the ARR that is expected to be lost at the next renewal."""

from datetime import timedelta
from typing import Any

import polars as pl
from pydantic import Field
from sqlalchemy import select

from serving.loading import signals_of
from serving.plays import Plays
from serving.reach import Reach
from serving.read_models import BatchShown, PlayShown, Reason, Shown, Utc
from serving.reasons import reasons
from serving.schema import score_details
from serving.scores import Band, Batch
from serving.snapshot import snapshot_of
from serving.store import ScoreStore

_LAST_TOUCH = "days_since_last_touch"


class Renewal(Shown):
    """An account whose renewal is near."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    name: str = Field(description="Name shown to people.", examples=["Acme Logistics"])
    owner: str | None = Field(description="Customer success manager in charge.", examples=["Ada Byron"])
    segment: str | None = Field(description="Peer group.", examples=["enterprise"])
    renewal_at: Utc = Field(description="Next renewal, UTC.", examples=["2027-01-31T00:00:00Z"])
    arr: float = Field(description="ARR, currency per year.", examples=[120000.0])
    renewal_risk: float = Field(description="Probability of not renewing; higher is worse.", examples=[0.24])
    expected_loss: float = Field(
        description="ARR times renewal risk, currency per year; the list is in its order.", examples=[28800.0]
    )
    health: float = Field(description="Health, 0–100, higher is better.", examples=[41.5])
    band: Band = Field(description="What the health calls for.", examples=["at_risk"])
    last_touch_days: float | None = Field(
        description="Days from the last touch to as_of; null where there was none, or touches aren't known.",
        examples=[34.0],
    )
    reasons: list[Reason] = Field(description="What pulls its health down most.", examples=[[]])
    play: PlayShown | None = Field(
        description="What to do about the worst reason; null where none answers it.", examples=[None]
    )


class RenewalTotals(Shown):
    """Sums over renewals."""

    accounts: int = Field(description="Number of accounts.", examples=[1])
    arr: float = Field(description="ARR, currency per year.", examples=[120000.0])
    expected_loss: float = Field(description="Expected loss of ARR, currency per year.", examples=[28800.0])


class Worklist(Shown):
    """The renewals to work on, the largest expected loss first."""

    batch: BatchShown
    within_days: int = Field(description="Days from as_of that the renewals lie within.", examples=[90])
    capacity: int = Field(description="Accounts that can be worked on in a week.", examples=[25])
    due: RenewalTotals = Field(description="All renewals within those days that are in reach.")
    covered: RenewalTotals = Field(description="The renewals of the list.")
    covered_share: float | None = Field(
        description="Share of the expected loss that the list covers, 0–1; null where none is expected.", examples=[1.0]
    )
    renewals: list[Renewal]


Drivers = list[dict[str, Any]] | None


def worklist(
    store: ScoreStore, batch: Batch, *, within_days: int, capacity: int, reach: Reach, plays: Plays
) -> Worklist:
    """The `capacity` renewals from `as_of` to `within_days` later with the largest expected loss."""
    near = pl.col("renewal_at").is_between(batch.as_of, batch.as_of + timedelta(days=within_days))
    mine = pl.lit(True) if reach.owner is None else pl.col("owner") == reach.owner
    due = (
        snapshot_of(store, batch)
        .frame.filter(near, pl.col("renewal_risk").is_not_null(), mine)
        .with_columns(expected_loss=pl.col("arr") * pl.col("renewal_risk"))
        .sort("expected_loss", "account_id", descending=[True, False])
    )
    listed = due.head(capacity)
    details = _details(store, batch, listed["account_id"].to_list())
    totals, covered = _totals(due), _totals(listed)
    return Worklist(
        batch=BatchShown.model_validate(batch),
        within_days=within_days,
        capacity=capacity,
        due=totals,
        covered=covered,
        covered_share=covered.expected_loss / totals.expected_loss if totals.expected_loss else None,
        renewals=[
            Renewal.model_validate(row | _why(*details[row["account_id"]], plays))
            for row in listed.iter_rows(named=True)
            if row["account_id"] in details  # or it has been erased in this moment
        ],
    )


def _why(drivers: Drivers, stored: Any, plays: Plays) -> dict[str, Any]:
    worst = reasons(drivers, stored)
    touch = signals_of(stored).get(_LAST_TOUCH, (None, 0.0))[0]
    return {"last_touch_days": touch, "reasons": worst, "play": next(iter(plays.against(worst)), None)}


def _details(store: ScoreStore, batch: Batch, accounts: list[str]) -> dict[str, tuple[Drivers, Any]]:
    query = select(score_details.c.account_id, score_details.c.drivers, score_details.c.signals)
    query = query.where(score_details.c.batch_id == batch.batch_id, score_details.c.account_id.in_(accounts))
    with store.reading() as connection:
        return {row.account_id: (row.drivers, row.signals) for row in connection.execute(query)}


def _totals(rows: pl.DataFrame) -> RenewalTotals:
    return RenewalTotals(accounts=rows.height, arr=rows["arr"].sum(), expected_loss=rows["expected_loss"].sum())
