"""Opinions: what people say of an account, shown beside its score and never mixed into it. They only add up.

A later opinion of the same person takes the place of an earlier one; neither is edited. Where the latest standing
opinion names another band than the score, the account is in the disagreement queue, and the receipt says later who was
right.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import insert, select

from serving.errors import AlreadyEnded
from serving.events import Outbox
from serving.latest import latest_score
from serving.reach import Reach
from serving.read_models import BatchShown, OpinionShown, Shown, Utc
from serving.schema import opinions, scores
from serving.scores import Band, Batch
from serving.store import ScoreStore

Text = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", strip_whitespace=True)
]


class OpinionGiven(BaseModel):
    """What somebody says of an account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rating: Band = Field(description="The band they would put it in.", examples=["critical"])
    reason: Text = Field(description="Why.", examples=["The sponsor has left and nobody answers."])
    expires_at: Utc | None = Field(
        None, description="When it ends, UTC; without it, never.", examples=["2030-02-01T00:00:00Z"]
    )


class Opinions(Shown):
    """The opinions of an account, the latest first."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    opinions: list[OpinionShown]


class Disagreement(Shown):
    """An account whose latest standing opinion names another band than its score."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    name: str = Field(description="Name shown to people.", examples=["Acme Logistics"])
    owner: str | None = Field(description="Customer success manager in charge.", examples=["Ada Byron"])
    arr: float = Field(description="ARR, currency per year.", examples=[120000.0])
    arr_at_risk: float = Field(description="ARR at risk by the score; higher is worse.", examples=[37200.0])
    health: float = Field(description="Health now, 0–100, higher is better.", examples=[58.0])
    band: Band = Field(description="What the score calls for now.", examples=["healthy"])
    opinion: OpinionShown


class Disagreements(Shown):
    """The disagreement queue, the most ARR first."""

    batch: BatchShown
    disagreements: list[Disagreement]


def give_opinion(
    store: ScoreStore, account_id: str, given: OpinionGiven, *, author: str, now: datetime, reach: Reach
) -> OpinionShown:
    """Keep an opinion, with the score it was given beside. Raises UnknownAccount, AlreadyEnded."""
    if given.expires_at is not None and given.expires_at <= now:
        raise AlreadyEnded("expires_at", "the opinion would have ended already: give a later moment, or none")
    with store.writing() as connection:
        score = latest_score(connection, account_id, reach)
        row = {
            "opinion_id": uuid4().hex,
            "account_id": account_id,
            **given.model_dump(),
            "author": author,
            "stated_at": now,
            "batch_id": score.batch_id,
            "health": score.health,
            "band": score.band,
        }
        connection.execute(insert(opinions), row)
        shown = OpinionShown.model_validate(row)
        if given.rating != score.band:
            told = shown.model_dump(mode="json", exclude={"reason"}) | {"name": score.name, "owner": score.owner}
            Outbox(connection).put("disagreement", now, told, account_id)
    return shown


def opinions_of(store: ScoreStore, account_id: str, *, reach: Reach) -> Opinions:
    """All opinions ever given of an account. Raises UnknownAccount."""
    with store.reading() as connection:
        latest_score(connection, account_id, reach)
        query = select(opinions).where(opinions.c.account_id == account_id)
        rows = connection.execute(query.order_by(opinions.c.stated_at.desc(), opinions.c.opinion_id)).all()
    return Opinions(account_id=account_id, opinions=[OpinionShown.model_validate(row) for row in rows])


def standing_opinions(store: ScoreStore, account_id: str, now: datetime) -> list[OpinionShown]:
    """The opinions of an account that stand at `now`, the latest first."""
    with store.reading() as connection:
        rows = connection.execute(select(opinions).where(opinions.c.account_id == account_id)).all()
    return standing([OpinionShown.model_validate(row) for row in rows], now)


def standing(given: Sequence[OpinionShown], now: datetime) -> list[OpinionShown]:
    """The opinions that stand at `now`: the latest of each person, unless it has ended. The latest first."""
    latest: dict[tuple[str, str], OpinionShown] = {}
    for opinion in sorted(given, key=lambda opinion: opinion.stated_at):
        latest[opinion.account_id, opinion.author] = opinion
    stand = [opinion for opinion in latest.values() if opinion.expires_at is None or opinion.expires_at > now]
    return sorted(stand, key=lambda opinion: opinion.stated_at, reverse=True)


def disagreements(store: ScoreStore, batch: Batch, *, now: datetime, reach: Reach, limit: int) -> Disagreements:
    """Accounts of a batch whose latest standing opinion names another band."""
    query = (
        select(scores.c.name, scores.c.owner, scores.c.arr, scores.c.arr_at_risk, scores.c.account_id,
               scores.c.health.label("health_now"), scores.c.band.label("band_now"),
               *(opinions.c[name] for name in OpinionShown.model_fields if name != "account_id"))
        .join_from(opinions, scores, opinions.c.account_id == scores.c.account_id)
        .where(scores.c.batch_id == batch.batch_id)
    )  # fmt: skip
    if reach.owner is not None:
        query = query.where(scores.c.owner == reach.owner)
    with store.reading() as connection:
        rows = connection.execute(query).all()
    by_opinion = {row.opinion_id: row for row in rows}
    latest: dict[str, OpinionShown] = {}
    for opinion in standing([OpinionShown.model_validate(row) for row in rows], now):
        latest.setdefault(opinion.account_id, opinion)
    found = []
    for opinion in latest.values():
        row = by_opinion[opinion.opinion_id]
        if opinion.rating != row.band_now:
            now_shown = {"health": row.health_now, "band": row.band_now, "opinion": opinion}
            found.append(Disagreement.model_validate({**row._mapping, **now_shown}))
    found.sort(key=lambda each: (-each.arr, each.account_id))
    return Disagreements(batch=BatchShown.model_validate(batch), disagreements=found[:limit])
