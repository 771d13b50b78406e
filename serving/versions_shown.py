"""The versions of the registered model as they are shown: what each rests on, and who decided what about it."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from serving.loaded_models import Listed, LoadedModels
from serving.read_models import Shown, Utc


class VersionShown(Shown):
    """One version, as the registry lists it. What its run or its tags don't say is null."""

    version: str = Field(description="Its number.", examples=["7"])
    aliases: list[str] = Field(description="What the registry calls it.", examples=[["champion"]])
    registered_at: Utc = Field(description="When it was registered, UTC.", examples=["2026-10-30T06:00:00Z"])
    mode: str | None = Field(description="What its numbers rest on.", examples=["learned"])
    until: Utc | None = Field(description="Moment it was trained at, UTC.", examples=["2026-10-01T00:00:00Z"])
    accounts: int | None = Field(description="Accounts it was trained on.", examples=[1500])
    churns: int | None = Field(description="Churns among them.", examples=[214])
    auc_90d: float | None = Field(description="AUC of its proof at 90 days; null: unproven.", examples=[0.81])
    expected_to_actual_90d: float | None = Field(
        description="Accounts its proof expected to leave within 90 days over those that left.", examples=[1.02]
    )
    unproven: str | None = Field(description="Why it has no receipt; null where it has one.", examples=[None])
    recalibrated_from: str | None = Field(
        description="The version this one is at the level of newer outcomes; null: trained itself.", examples=[None]
    )
    data_digest: str | None = Field(description="Digest of the tables.", examples=["0a1b2c3d4e5f6071"])
    code_version: str | None = Field(description="Version of the program that trained it.", examples=["0.1.0"])
    decision: str | None = Field(description="What was decided about it.", examples=["promoted"])
    decision_reason: str | None = Field(description="Why.", examples=["every floor is met"])
    promoted_by: str | None = Field(description="Who promoted it.", examples=["ada"])
    promoted_at: Utc | None = Field(description="When, UTC.", examples=["2026-10-30T07:00:00Z"])
    promotion_reason: str | None = Field(description="Why.", examples=["better at every horizon"])
    run_id: str = Field(description="The MLflow run that made it.", examples=["5c1d0a6f2b7e4d7f9a3c8e1b6d2f4a90"])


class VersionsShown(Shown):
    """The versions registered last, the newest first."""

    name: str = Field(description="Registered model.", examples=["churn"])
    versions: list[VersionShown]


def versions_shown(models: LoadedModels) -> VersionsShown:
    """The versions of the champion's model, as they were when the registry was looked at last. Raises NoModel."""
    name = models.champion().facts.version.name
    return VersionsShown(name=name, versions=[_shown(listed) for listed in models.versions()])


def _shown(listed: Listed) -> VersionShown:
    facts, tags = listed.facts, listed.facts.tags
    parameters: Mapping[str, str] = listed.run.parameters if listed.run else {}
    metrics: Mapping[str, float] = listed.run.metrics if listed.run else {}
    said = ("mode", "unproven", "recalibrated_from", "data_digest", "code_version")
    decided = ("decision", "decision_reason", "promoted_by", "promotion_reason")
    return VersionShown(
        version=facts.version.number,
        aliases=list(facts.aliases),
        registered_at=facts.registered_at,
        until=_moment(parameters.get("until")),
        accounts=_whole(parameters.get("accounts")),
        churns=_whole(parameters.get("churns")),
        auc_90d=metrics.get("auc_90d"),
        expected_to_actual_90d=metrics.get("expected_to_actual_90d"),
        promoted_at=_moment(tags.get("promoted_at")),
        run_id=facts.version.run_id,
        **{name: tags.get(name) for name in (*said, *decided)},
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _moment(text: str | None) -> datetime | None:
    """What a tag says, which anybody may have written; None where it is no time."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
