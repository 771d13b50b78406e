"""The renewals worklist: whom to call first, by the ARR that is expected to be lost at the next renewal."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from pydantic import Field
from sqlalchemy import Connection, select

from serving.effects import effects_of_plays
from serving.holdouts import Holdout, keep, standing, under_way
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
    held_out: bool = Field(
        False, description="Left alone on purpose, by chance, to tell what plays achieve: don't work on it.",
        examples=[False],
    )  # fmt: skip
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
    """The renewals to work on, the largest expected loss first, with those held out among them."""

    batch: BatchShown
    within_days: int = Field(description="Days from as_of that the renewals lie within.", examples=[90])
    capacity: int = Field(description="Accounts that can be worked on in a week.", examples=[25])
    due: RenewalTotals = Field(description="All renewals within those days that are in reach.")
    covered: RenewalTotals = Field(description="The renewals of the list that aren't held out.")
    covered_share: float | None = Field(
        description="Share of the expected loss that these cover, 0–1; null where none is expected.", examples=[1.0]
    )
    renewals: list[Renewal]


Drivers = list[dict[str, Any]] | None


def worklist(
    store: ScoreStore, batch: Batch, *, within_days: int, capacity: int, reach: Reach, plays: Plays
) -> Worklist:
    """The `capacity` renewals from `as_of` to `within_days` later with the largest expected loss.

    Those that are held out stand among them and take nobody's time.
    """
    due = _due(store, batch, within_days, reach)
    with store.reading() as connection:
        drawn = standing(connection, batch.as_of)
        listed = _listed(due, capacity, {account_id for account_id, held_out in drawn.items() if held_out})
        details = _details(connection, batch, listed["account_id"].to_list())
        effects = effects_of_plays(connection)
    totals, covered = _totals(due), _totals(listed.filter(~pl.col("held_out")))
    return Worklist(
        batch=BatchShown.model_validate(batch),
        within_days=within_days,
        capacity=capacity,
        due=totals,
        covered=covered,
        covered_share=covered.expected_loss / totals.expected_loss if totals.expected_loss else None,
        renewals=[
            Renewal.model_validate(row | _why(*details[row["account_id"]], plays, effects))
            for row in listed.iter_rows(named=True)
            if row["account_id"] in details  # or it has been erased in this moment
        ],
    )


def draw(
    store: ScoreStore,
    batch: Batch,
    holdout: Holdout,
    *,
    within_days: int,
    capacity: int,
    reach: Reach,
    plays: Plays,
    author: str,
    now: datetime,
) -> int:
    """Draw for every renewal of the worklist that wasn't drawn for yet, and keep it; how many that were.

    A renewal with more ARR than `holdout` says, or with a play under way, isn't drawn for.
    """
    due = _due(store, batch, within_days, reach)
    with store.writing(exclusively=True) as connection:
        sides, busy = standing(connection, batch.as_of), under_way(connection)
        new = {
            row["account_id"]: holdout.takes(row["account_id"], row["renewal_at"])
            for row in due.iter_rows(named=True)
            if row["account_id"] not in sides.keys() | busy and holdout.concerns(row["arr"])
        }
        sides |= new
        listed = _listed(due, capacity, {account_id for account_id, held_out in sides.items() if held_out})
        listed = listed.filter(pl.col("account_id").is_in(list(new)))
        details = _details(connection, batch, listed["account_id"].to_list())
        rows = [
            {name: row[name] for name in ("account_id", "renewal_at", "held_out", "renewal_risk", "arr")}
            | {"play": None if (play := _why(*details[row["account_id"]], plays, {})["play"]) is None else play.id}
            for row in listed.iter_rows(named=True)
            if row["account_id"] in details
        ]
        same = {"share": holdout.share, "batch_id": batch.batch_id, "as_of": batch.as_of}
        keep(connection, [row | same | {"author": author, "drawn_at": now} for row in rows])
    return len(rows)


def _due(store: ScoreStore, batch: Batch, within_days: int, reach: Reach) -> pl.DataFrame:
    near = pl.col("renewal_at").is_between(batch.as_of, batch.as_of + timedelta(days=within_days))
    mine = pl.lit(True) if reach.owner is None else pl.col("owner") == reach.owner
    return (
        snapshot_of(store, batch)
        .frame.filter(near, pl.col("renewal_risk").is_not_null(), mine)
        .with_columns(expected_loss=pl.col("arr") * pl.col("renewal_risk"))
        .sort("expected_loss", "account_id", descending=[True, False])
    )


def _listed(due: pl.DataFrame, capacity: int, held_out: set[str]) -> pl.DataFrame:
    """The first rows, until `capacity` of them aren't held out; with `held_out`."""
    marked = due.with_columns(held_out=pl.col("account_id").is_in(list(held_out)))
    before = (~pl.col("held_out")).cast(pl.Int64).cum_sum().shift(1, fill_value=0)
    return marked.filter(before < capacity)


def _why(drivers: Drivers, stored: Any, plays: Plays, effects: Mapping[str, str]) -> dict[str, Any]:
    worst = reasons(drivers, stored)
    touch = signals_of(stored).get(_LAST_TOUCH, (None, 0.0))[0]
    return {"last_touch_days": touch, "reasons": worst, "play": next(iter(plays.against(worst, effects)), None)}


def _details(connection: Connection, batch: Batch, accounts: list[str]) -> dict[str, tuple[Drivers, Any]]:
    query = select(score_details.c.account_id, score_details.c.drivers, score_details.c.signals)
    query = query.where(score_details.c.batch_id == batch.batch_id, score_details.c.account_id.in_(accounts))
    return {row.account_id: (row.drivers, row.signals) for row in connection.execute(query)}


def _totals(rows: pl.DataFrame) -> RenewalTotals:
    return RenewalTotals(accounts=rows.height, arr=rows["arr"].sum(), expected_loss=rows["expected_loss"].sum())
