"""What plays achieve, as it was measured last: kept in the store, shown by the API and beside each play."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, insert, select

from serving.read_models import Shown, Utc
from serving.schema import measured_effects
from serving.store import ScoreStore

NOT_AN_EFFECT = (
    "Told only from accounts that were drawn at random to be worked on or held out. What became of accounts that "
    "somebody chose to work on is no effect, and none is made of it."
)


class Interval(Shown):
    """A share with the interval that holds the true one 95 times of 100."""

    value: float = Field(description="The share.", examples=[0.061])
    low: float = Field(description="Lower end.", examples=[0.012])
    high: float = Field(description="Upper end.", examples=[0.11])


class ToldShown(Shown):
    """How much larger a share stayed for being worked on, or why that is unknown."""

    kept: Interval | None = Field(
        description="Share that stayed of those worked on, less that of those held out; null: unknown.",
        examples=[{"value": 0.061, "low": 0.012, "high": 0.11}],
    )
    unknown: str | None = Field(description="Why it is unknown; null where it isn't.", examples=[None])
    needed: int = Field(
        description="About how many more drawn accounts must have an outcome to tell an effect of five points.",
        examples=[0],
    )


class SideShown(Shown):
    """Accounts of one side whose outcome is known."""

    accounts: int = Field(description="Number of accounts.", examples=[640])
    lost: int = Field(description="How many of them left by their renewal.", examples=[83])
    arr: float = Field(description="Their ARR when drawn, currency per year.", examples=[9_600_000.0])
    lost_arr: float = Field(description="ARR of those that left, currency per year.", examples=[1_150_000.0])
    acted_on: int = Field(description="With how many of them an action was recorded.", examples=[512])


class EffectShown(Shown):
    """The effect of a play, or of all of the worklist."""

    play: str | None = Field(
        description="Id of the play that was recommended when the account was drawn; null: the worklist as a whole.",
        examples=[None],
    )
    words: str = Field(
        description="The effect in a sentence.",
        examples=["of 100 accounts 6.1 more stayed (95 %: +1.2 to +11.0)"],
    )
    worked: SideShown
    held_out: SideShown
    waiting: int = Field(description="Accounts drawn whose outcome isn't known yet.", examples=[210])
    accounts: ToldShown
    arr: ToldShown


class Effects(Shown):
    """What plays achieve."""

    measured_at: Utc | None = Field(description="When measured, UTC; null: never.", examples=["2027-06-01T04:30:00Z"])
    observed_until: Utc | None = Field(
        description="Up to when it is known who left, UTC; null: nothing was measured.",
        examples=["2027-05-01T00:00:00Z"],
    )
    rests_on: str = Field(NOT_AN_EFFECT, description="What an effect is told from.", examples=[NOT_AN_EFFECT])
    effects: list[EffectShown]


def keep_effects(
    store: ScoreStore, found: list[dict[str, Any]], *, observed_until: datetime, measured_at: datetime
) -> Effects:
    """Keep what was measured; `found` are the effects of `training.effects` as plain values."""
    told = [effect | {"words": in_words(effect["accounts"], effect["arr"])} for effect in found]
    row = {"measured_at": measured_at, "observed_until": observed_until, "effects": told}
    with store.writing() as connection:
        connection.execute(insert(measured_effects), row)
    return Effects.model_validate(row)


def latest_effects(store: ScoreStore) -> Effects:
    """What was measured last; empty where nothing ever was."""
    query = select(measured_effects).order_by(measured_effects.c.measured_at.desc()).limit(1)
    with store.reading() as connection:
        row = connection.execute(query).one_or_none()
    return Effects(measured_at=None, observed_until=None, effects=[]) if row is None else Effects.model_validate(row)


def effects_of_plays(connection: Connection) -> dict[str, str]:
    """The effect of each play in words, as measured last."""
    query = select(measured_effects.c.effects).order_by(measured_effects.c.measured_at.desc()).limit(1)
    return {effect["play"]: effect["words"] for effect in connection.scalar(query) or [] if effect["play"]}


def in_words(accounts: Mapping[str, Any], arr: Mapping[str, Any]) -> str:
    """An effect in a sentence."""
    if accounts["kept"] is None:
        more = f"; about {accounts['needed']:,} more outcomes are needed" if accounts["needed"] else ""
        return f"unknown: {accounts['unknown']}{more}"
    said = f"of 100 accounts {_of(accounts['kept'])}"
    if arr["kept"] is not None:
        said += f"; of 100 of ARR {_of(arr['kept'])}"
    low, high = accounts["kept"]["low"], accounts["kept"]["high"]
    if low <= 0 <= high:
        said += f"; that may be no effect at all, about {accounts['needed']:,} more outcomes would tell five points"
    return said


def _of(kept: Mapping[str, float]) -> str:
    value, low, high = (100 * kept[name] for name in ("value", "low", "high"))
    return f"{abs(value):.1f} {'more' if value >= 0 else 'fewer'} stayed (95 %: {low:+.1f} to {high:+.1f})"
