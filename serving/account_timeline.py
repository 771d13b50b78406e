"""An account's timeline: what happened to it and what lies ahead, as it was known at a moment."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import select

from features.timeline import BACK
from serving.errors import BadParameter
from serving.latest import latest_score
from serving.reach import Reach
from serving.read_models import Shown, Utc
from serving.schema import timelines
from serving.scores import Batch
from serving.store import ScoreStore

Lane = Literal["contract", "touches", "tickets", "plan", "incidents", "surveys"]
State = Literal["open", "late", "done"]


class Entry(Shown):
    """One thing that happened, or will."""

    lane: Lane = Field(description="Where it belongs.", examples=["tickets"])
    kind: str = Field(
        description="Its kind, as in the source's table: of a touch, a survey or a milestone its kind, of a ticket its "
        "category, objective, outage; of a contract started, renewed, amended, notice, renewal (ahead), ended.",
        examples=["defect"],
    )
    id: str | None = Field(description="The source's own id or step, where it has one.", examples=["T-2041"])
    at: Utc = Field(
        description="Its place, UTC: when it happened or began; of an objective or a milestone when it was reached, "
        "else when it is due.",
        examples=["2026-10-20T09:30:00Z"],
    )
    began_at: Utc | None = Field(
        description="When an objective was agreed, UTC; null for other kinds.", examples=["2026-03-02T00:00:00Z"]
    )
    ended_at: Utc | None = Field(
        description="When a ticket was closed, an outage was over, a step was reached; null: not yet, or no such end.",
        examples=["2026-10-22T16:05:00Z"],
    )
    due_at: Utc | None = Field(
        description="When an objective or a milestone is due.", examples=["2026-12-31T00:00:00Z"]
    )
    known_at: Utc = Field(description="When it became known, UTC.", examples=["2026-10-20T09:30:00Z"])
    state: State | None = Field(
        description="Of what has an end: open, late (past its due date) or done.", examples=["done"]
    )
    severity: int | None = Field(description="Of a ticket or an outage: 1 is worst, 4 is least.", examples=[2])
    outcome: str | None = Field(description="How a touch went: positive, neutral or negative.", examples=["neutral"])
    direction: str | None = Field(description="Who reached out: inbound or outbound.", examples=["outbound"])
    contact_role: str | None = Field(description="Role of the customer's person.", examples=["champion"])
    score: float | None = Field(description="A survey's answer.", examples=[9.0])
    arr: float | None = Field(description="A contract's ARR, currency per year.", examples=[120000.0])


class AccountTimeline(Shown):
    """The entries of an account, the earliest first."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    as_of: Utc = Field(description="The moment the world was frozen, UTC.", examples=["2026-11-01T00:00:00Z"])
    begins_at: Utc = Field(description="What happened before isn't shown, UTC.", examples=["2025-11-01T00:00:00Z"])
    known: bool = Field(description="Whether a scoring has written a timeline of the account.", examples=[True])
    left_out: dict[Lane, int] = Field(
        description="By lane, how many older entries aren't shown because there are too many.",
        examples=[{"touches": 41}],
    )
    entries: list[Entry]


def account_timeline(store: ScoreStore, account_id: str, *, reach: Reach, as_of: date | None = None) -> AccountTimeline:
    """The timeline as known when the current batch, or that of a day, was frozen: entries known later aren't there.

    Raises UnknownAccount, NothingPublished, and BadParameter where there is no batch that old.
    """
    current = store.current()
    batch = current if as_of is None else _batch_of(store, as_of)
    with store.reading() as connection:
        latest_score(connection, account_id, reach)
        row = connection.execute(select(timelines).where(timelines.c.account_id == account_id)).one_or_none()
    held = [] if row is None else row.entries
    begins_at = current.as_of - BACK
    told = (_entry(each, batch.as_of, begins_at) for each in held)
    return AccountTimeline(
        account_id=account_id,
        as_of=batch.as_of,
        begins_at=begins_at,
        known=row is not None,
        left_out={} if row is None else row.left_out,
        entries=sorted((entry for entry in told if entry), key=lambda entry: (entry.at, entry.lane, entry.kind)),
    )


def _batch_of(store: ScoreStore, as_of: date) -> Batch:
    batch = store.at(as_of)
    if batch is None:
        raise BadParameter("as_of", "there are no scores that old: ask for a later day")
    return batch


def _entry(held: dict[str, Any], as_of: datetime, begins_at: datetime) -> Entry | None:
    """An entry as it was known at `as_of`; None where it wasn't, was no longer true, or lies before `begins_at`."""
    time = {name: datetime.fromisoformat(held[name]) for name in _TIMES if name in held}
    lane, kind, at, due_at = held["lane"], held["kind"], time["at"], time.get("due_at")
    superseded_at = time.get("superseded_at")
    if time["known_at"] > as_of or (superseded_at is not None and superseded_at <= as_of):
        return None
    ended_at = ended if (ended := time.get("ended_at")) is not None and ended <= as_of else None
    state: State | None = None
    if lane in _ENDING:
        state = "done" if ended_at else "late" if due_at is not None and due_at < as_of else "open"
    place = ended_at or due_at or at if lane == "plan" else at
    if (ended_at or place) <= begins_at and not (lane == "tickets" and state == "open"):
        return None
    made: dict[str, Any] = {
        "kind": "ended" if kind == "renewal" and at <= as_of else kind,
        "at": place,
        "began_at": at if kind == "objective" else None,
        "ended_at": ended_at,
        "state": state,
    }
    return Entry.model_validate({**_NOTHING, **held, **time, **made})


_NOTHING = dict.fromkeys(Entry.model_fields)
_TIMES = ("at", "ended_at", "due_at", "known_at", "superseded_at")
_ENDING = {"plan", "tickets", "incidents"}
