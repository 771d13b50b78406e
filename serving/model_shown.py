"""The model as it is shown: which version answers, what it rests on, and what it was trained on."""

from typing import Any

from pydantic import Field

from serving.loaded_models import Loaded
from serving.read_models import Shown, Utc


class Interval(Shown):
    """How sure a health is, whatever is missing; feeds that are missing widen it."""

    spread: float = Field(
        description="Standard deviation of health between models of the same company, in points.", examples=[4.2]
    )
    share: float = Field(description="Share of accounts whose health an interval is to hold.", examples=[0.8])


class ModelShown(Shown):
    """The model version that answers what-if and scoring now."""

    name: str = Field(description="Registered model.", examples=["churn"])
    version: str = Field(description="Its version.", examples=["7"])
    aliases: list[str] = Field(description="What the registry calls it.", examples=[["champion"]])
    registered_at: Utc = Field(description="When it was registered, UTC.", examples=["2026-10-30T06:00:00Z"])
    mode: str = Field(
        description="What its numbers rest on: prior only (the scorecard), blended or learned.", examples=["learned"]
    )
    evidence: float = Field(
        description="Share of what tells accounts apart that was learned from outcomes; the rest is the scorecard's.",
        examples=[0.62],
    )
    catalogue_digest: str = Field(description="Digest of the signals it reads.", examples=["9b1c5a77d0e2f431"])
    signals: list[str] = Field(description="The signals it reads.", examples=[["active_users_share_28d"]])
    weights: dict[str, float] = Field(
        description="Share of each signal in what tells accounts apart; they sum to 1.",
        examples=[{"active_users_share_28d": 0.07}],
    )
    trained_on: dict[str, Any] = Field(
        description="What it was trained on, and until when outcomes were observed.",
        examples=[{"accounts": 1500, "churns": 214, "observed_until": "2026-10-01 00:00:00"}],
    )
    data_digest: str | None = Field(
        description="Digest of the tables it was trained on.", examples=["0a1b2c3d4e5f6071"]
    )
    code_version: str | None = Field(description="Version of the program that trained it.", examples=["0.1.0"])
    unproven: str | None = Field(description="Why it has no receipt; null where it has one.", examples=[None])
    alarms: list[str] = Field(description="What training warned of.", examples=[[]])
    recalibrated_from: str | None = Field(
        description="The version this one is at the level of newer outcomes; null: trained itself.", examples=[None]
    )
    interval: Interval
    contraction_depth: float = Field(description="Share of ARR lost by those that pay less.", examples=[0.25])
    growth: float = Field(description="What the others add in a year, a share of theirs.", examples=[0.05])
    grace_days: int = Field(description="Days without a contract before an account has churned.", examples=[30])
    scorecard: dict[str, Any] = Field(description="The prior it began from.", examples=[{}])


def model_shown(loaded: Loaded) -> ModelShown:
    """What a loaded model says of itself, and what the registry says of it."""
    card, facts, tags = loaded.model.card, loaded.facts, loaded.facts.tags
    return ModelShown(
        name=facts.version.name,
        version=facts.version.number,
        aliases=list(facts.aliases),
        registered_at=facts.registered_at,
        mode=card.mode,
        evidence=card.evidence,
        catalogue_digest=card.catalogue_digest,
        signals=list(card.signals),
        weights=card.weights,
        trained_on=card.trained_on,
        data_digest=tags.get("data_digest"),
        code_version=tags.get("code_version"),
        unproven=tags.get("unproven"),
        alarms=tags.get("alarms", "").splitlines(),
        recalibrated_from=tags.get("recalibrated_from"),
        interval=Interval(spread=card.spread, share=0.8),
        contraction_depth=card.contraction_depth,
        growth=card.growth,
        grace_days=card.grace_days,
        scorecard=loaded.model.churn.scorecard.to_json(),
    )
