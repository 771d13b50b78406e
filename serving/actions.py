"""Actions: which play was started, done, and what came of it, so that effects can be measured. They only add up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import insert, select

from serving.latest import latest_score
from serving.opinions import Text
from serving.reach import Reach
from serving.read_models import Shown, Utc
from serving.schema import actions
from serving.scores import Band
from serving.store import ScoreStore

Step = Literal["started", "done", "outcome"]
Outcome = Literal["helped", "no_difference", "made_worse", "cannot_say"]


class ActionGiven(BaseModel):
    """A step of a play with an account."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [
                {"properties": {"step": {"enum": ["started", "done"]}, "outcome": {"type": "null"}}},
                {
                    "properties": {"step": {"enum": ["outcome"]}, "outcome": {"type": "string"}},
                    "required": ["outcome"],
                },
            ]
        },
    )

    play: Text = Field(description="Id of the play, or another word for what is done.", examples=["defect_escalation"])
    step: Step = Field(description="Whether it was started, is done, or has an outcome.", examples=["started"])
    outcome: Outcome | None = Field(None, description="What came of it; with the step outcome only.", examples=[None])
    note: Text | None = Field(None, description="Anything worth knowing.", examples=["Product promised a date."])

    @model_validator(mode="after")
    def _outcome_with_its_step(self) -> Self:
        if (self.step == "outcome") != (self.outcome is not None):
            raise ValueError("give an outcome with the step outcome, and with no other")
        return self


class ActionShown(Shown):
    """A step that was taken, beside the score of that time."""

    action_id: str = Field(description="Identifies the action.", examples=["5d1f0c3a9b7e4a51a3c2e6f7b8d90a12"])
    account_id: str = Field(description="The account.", examples=["A-1042"])
    play: str = Field(description="The play.", examples=["defect_escalation"])
    step: Step = Field(description="The step.", examples=["started"])
    outcome: Outcome | None = Field(description="What came of it.", examples=[None])
    note: str | None = Field(description="Anything worth knowing.", examples=["Product promised a date."])
    author: str = Field(description="Who said so: the id of a key, or a token's subject.", examples=["key:k7f3"])
    taken_at: Utc = Field(description="When, UTC.", examples=["2026-11-03T09:30:00Z"])
    batch_id: str = Field(
        description="The batch of the score at that time.", examples=["4f6c0a9be24d4f7d8f1f6f3b5a0d2c11"]
    )
    health: float = Field(description="Health at that time.", examples=[41.5])
    band: Band = Field(description="Band at that time.", examples=["at_risk"])


class Actions(Shown):
    """The actions with an account, the latest first."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    actions: list[ActionShown]


def take_action(
    store: ScoreStore, account_id: str, given: ActionGiven, *, author: str, now: datetime, reach: Reach
) -> ActionShown:
    """Keep an action, with the score it was taken beside. Raises UnknownAccount."""
    with store.writing() as connection:
        score = latest_score(connection, account_id, reach)
        row = {
            "action_id": uuid4().hex,
            "account_id": account_id,
            **given.model_dump(),
            "author": author,
            "taken_at": now,
            "batch_id": score.batch_id,
            "health": score.health,
            "band": score.band,
        }
        connection.execute(insert(actions), row)
    return ActionShown.model_validate(row)


def actions_of(store: ScoreStore, account_id: str, *, reach: Reach) -> Actions:
    """All actions ever taken with an account. Raises UnknownAccount."""
    with store.reading() as connection:
        latest_score(connection, account_id, reach)
        query = select(actions).where(actions.c.account_id == account_id)
        rows = connection.execute(query.order_by(actions.c.taken_at.desc(), actions.c.action_id)).all()
    return Actions(account_id=account_id, actions=[ActionShown.model_validate(row) for row in rows])


def last_steps(store: ScoreStore, accounts: Sequence[str]) -> dict[tuple[str, str], ActionShown]:
    """The latest step of each play with each of some accounts, which are in the caller's reach; by account and play."""
    query = select(actions).where(actions.c.account_id.in_(accounts))
    with store.reading() as connection:
        rows = connection.execute(query.order_by(actions.c.taken_at, actions.c.action_id.desc())).all()
    return {(row.account_id, row.play): ActionShown.model_validate(row) for row in rows}
