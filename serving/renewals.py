"""The renewals worklist: whom to call first, by the ARR that is expected to be lost at the next renewal."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from pydantic import Field
from sqlalchemy import Connection, case, select

from serving.effects import effects_of_plays
from serving.holdouts import Holdout, keep, standing, under_way
from serving.listing import Days, Words
from serving.parameters import Asked, or_empty
from serving.plays import Plays
from serving.reach import Reach
from serving.read_models import BatchShown, PlayShown, Reason, Shown, Utc
from serving.reasons import reasons
from serving.renewal_calendar import Span, calendar
from serving.schema import score_details
from serving.scores import Band, Batch
from serving.silence import last_touches
from serving.snapshot import snapshot_of
from serving.store import ScoreStore

_CURVE = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)


class RenewalsQuery(Asked):
    """What the worklist is asked with."""

    within: Days = Field(
        "90d",
        description="Renewals at most so many days after as_of.",
        examples=["90d"],
        json_schema_extra=or_empty,
    )
    capacity: int = Field(
        25,
        ge=1,
        le=500,
        description="Accounts that can be worked on in a week: how long the list is.",
        examples=[25],
        json_schema_extra=or_empty,
    )
    owner: Words | None = Field(
        None, description="Only accounts of this customer success manager.", examples=["Ada Byron"]
    )
    segment: Words | None = Field(None, description="Only accounts of this segment.", examples=["enterprise"])
    region: Words | None = Field(None, description="Only accounts of this region.", examples=["EMEA"])

    @property
    def within_days(self) -> int:
        """`within` as a number."""
        return int(self.within.removesuffix("d"))

    @property
    def filters(self) -> dict[str, str]:
        """What accounts must have, by column."""
        asked = {"owner": self.owner, "segment": self.segment, "region": self.region}
        return {column: value for column, value in asked.items() if value is not None}


class Renewal(Shown):
    """An account whose renewal is near."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    name: str = Field(description="Name shown to people.", examples=["Acme Logistics"])
    owner: str | None = Field(description="Customer success manager in charge.", examples=["Ada Byron"])
    segment: str | None = Field(description="Peer group.", examples=["enterprise"])
    region: str | None = Field(description="Sales region.", examples=["EMEA"])
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


class Coverage(Shown):
    """What working on the accounts with the largest expected loss would cover."""

    accounts: int = Field(description="How many of them.", examples=[25])
    expected_loss: float = Field(description="Their expected loss of ARR, currency per year.", examples=[28800.0])
    share: float = Field(description="Share of the expected loss of all renewals, 0–1.", examples=[0.71])


class Worklist(Shown):
    """The renewals to work on, the largest expected loss first, with those held out among them."""

    batch: BatchShown
    within_days: int = Field(description="Days from as_of that the renewals lie within.", examples=[90])
    capacity: int = Field(description="Accounts that can be worked on in a week.", examples=[25])
    due: RenewalTotals = Field(description="All renewals within those days that are in reach.")
    listed: int = Field(description="How many renewals the list holds, with those held out.", examples=[1])
    covered: RenewalTotals = Field(description="The renewals of the list that aren't held out.")
    covered_share: float | None = Field(
        description="Share of the expected loss that these cover, 0–1; null where none is expected.", examples=[1.0]
    )
    curve: list[Coverage] = Field(description="The share that longer and shorter lists would cover; empty: no loss.")
    calendar: list[Span] = Field(description="What is up for renewal week by week, or month by month for long spans.")
    renewals: list[Renewal]


CSV_COLUMNS = tuple(Renewal.model_fields)


def worklist(
    store: ScoreStore,
    batch: Batch,
    query: RenewalsQuery,
    *,
    reach: Reach,
    plays: Plays,
    rows: slice = slice(None),
) -> Worklist:
    """The renewals from `as_of` to `within` later, the `capacity` with the largest expected loss.

    Those that are held out stand among them and take nobody's time. Only `rows` of the list are told in full.
    """
    with store.reading() as connection:
        sides = standing(connection, batch.as_of)
        due = _marked(_due(store, batch, query, reach), sides)
        listed = _listed(due, query.capacity)
        full = listed[rows]
        why = _why(store, connection, batch, full["account_id"].to_list(), plays, effects_of_plays(connection))
    totals, covered = _totals(due), _totals(listed.filter(~pl.col("held_out")))
    return Worklist(
        batch=BatchShown.model_validate(batch),
        within_days=query.within_days,
        capacity=query.capacity,
        due=totals,
        listed=listed.height,
        covered=covered,
        covered_share=covered.expected_loss / totals.expected_loss if totals.expected_loss else None,
        curve=_curve(due.filter(~pl.col("held_out"))["expected_loss"], totals.expected_loss),
        calendar=calendar(due, batch.as_of, query.within_days),
        renewals=[
            Renewal.model_validate(row | why[row["account_id"]])
            for row in full.iter_rows(named=True)
            if row["account_id"] in why  # or it has been erased in this moment
        ],
    )


def draw(
    store: ScoreStore,
    batch: Batch,
    query: RenewalsQuery,
    holdout: Holdout,
    *,
    reach: Reach,
    plays: Plays,
    author: str,
    now: datetime,
) -> int:
    """Draw for every renewal of the worklist that wasn't drawn for yet, and keep it; how many that were.

    A renewal with more ARR than `holdout` says, or with a play under way, isn't drawn for.
    """
    due = _due(store, batch, query, reach)
    with store.writing(exclusively=True) as connection:
        sides, busy = standing(connection, batch.as_of), under_way(connection)
        new = {
            row["account_id"]: holdout.takes(row["account_id"], row["renewal_at"])
            for row in due.iter_rows(named=True)
            if row["account_id"] not in sides.keys() | busy and holdout.concerns(row["arr"])
        }
        listed = _listed(_marked(due, sides | new), query.capacity).filter(pl.col("account_id").is_in(list(new)))
        why = _why(store, connection, batch, listed["account_id"].to_list(), plays, {})
        rows = [
            {name: row[name] for name in ("account_id", "renewal_at", "held_out", "renewal_risk", "arr")}
            | {"play": None if (play := why[row["account_id"]]["play"]) is None else play.id}
            for row in listed.iter_rows(named=True)
            if row["account_id"] in why
        ]
        same = {"share": holdout.share, "batch_id": batch.batch_id, "as_of": batch.as_of}
        keep(connection, [row | same | {"author": author, "drawn_at": now} for row in rows])
    return len(rows)


def flat(renewals: Sequence[Renewal]) -> list[dict[str, Any]]:
    """The renewals as rows of `CSV_COLUMNS`: reasons in words, one after the other, and the play's name."""
    return [
        renewal.model_dump(mode="json")
        | {
            "reasons": "; ".join(reason.words for reason in renewal.reasons),
            "play": None if renewal.play is None else renewal.play.name,
        }
        for renewal in renewals
    ]


def _due(store: ScoreStore, batch: Batch, query: RenewalsQuery, reach: Reach) -> pl.DataFrame:
    near = pl.col("renewal_at").is_between(batch.as_of, batch.as_of + timedelta(days=query.within_days))
    wanted = [pl.col(column) == value for column, value in query.filters.items()]
    if reach.owner is not None:
        wanted.append(pl.col("owner") == reach.owner)
    return (
        snapshot_of(store, batch)
        .frame.filter(near, pl.col("renewal_risk").is_not_null(), *wanted)
        .with_columns(expected_loss=pl.col("arr") * pl.col("renewal_risk"))
        .sort("expected_loss", "account_id", descending=[True, False])
    )


def _marked(due: pl.DataFrame, sides: Mapping[str, bool]) -> pl.DataFrame:
    held_out = [account_id for account_id, is_held_out in sides.items() if is_held_out]
    return due.with_columns(held_out=pl.col("account_id").is_in(held_out))


def _listed(marked: pl.DataFrame, capacity: int) -> pl.DataFrame:
    """The first rows, until `capacity` of them aren't held out."""
    before = (~pl.col("held_out")).cast(pl.Int64).cum_sum().shift(1, fill_value=0)
    return marked.filter(before < capacity)


def _curve(losses: pl.Series, whole: float) -> list[Coverage]:
    """`losses` are in the order of the list, `whole` is that of all renewals."""
    summed = losses.cum_sum().to_list()
    if not summed or not whole:
        return []
    steps = [*(count for count in _CURVE if count < len(summed)), len(summed)]
    return [
        Coverage(accounts=count, expected_loss=summed[count - 1], share=summed[count - 1] / whole) for count in steps
    ]


def _why(
    store: ScoreStore,
    connection: Connection,
    batch: Batch,
    accounts: list[str],
    plays: Plays,
    effects: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """The last touch, the reasons and the play of each account. Signals are many and only read where no driver is."""
    table = score_details.c
    query = select(table.account_id, table.drivers, case((table.drivers.is_(None), table.signals)).label("signals"))
    query = query.where(table.batch_id == batch.batch_id, table.account_id.in_(accounts))
    touched = dict(last_touches(store, batch).filter(pl.col("account_id").is_in(accounts)).iter_rows())
    found = {}
    for row in connection.execute(query):
        worst = reasons(row.drivers, row.signals)
        play = next(iter(plays.against(worst, effects)), None)
        found[row.account_id] = {"last_touch_days": touched.get(row.account_id), "reasons": worst, "play": play}
    return found


def _totals(rows: pl.DataFrame) -> RenewalTotals:
    return RenewalTotals(accounts=rows.height, arr=rows["arr"].sum(), expected_loss=rows["expected_loss"].sum())
