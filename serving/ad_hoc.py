"""Scores of accounts that a request brings, as they are shown; nothing of them is kept."""

from typing import Any

import polars as pl
from pydantic import Field

from features.signal import DIMENSIONS
from serving.loaded_models import Loaded
from serving.read_models import DriverShown, Shown
from serving.scores import Band
from training.model import explained


class AdHocScore(Shown):
    """What the model says of an account that was sent. Higher health is better, higher risk is worse."""

    account_id: str | None = Field(description="As it was sent.", examples=["A-1042"])
    health: float = Field(description="Health, 0–100 points.", examples=[41.5])
    health_low: float = Field(description="Lower end of its 80 % interval.", examples=[35.0])
    health_high: float = Field(description="Upper end of its 80 % interval.", examples=[48.5])
    band: Band = Field(description="What the health calls for.", examples=["at_risk"])
    risk_30d: float = Field(description="Probability of churn within 30 days.", examples=[0.02])
    risk_90d: float = Field(description="Probability of churn within 90 days.", examples=[0.11])
    risk_180d: float = Field(description="Probability of churn within 180 days.", examples=[0.19])
    risk_365d: float = Field(description="Probability of churn within 365 days.", examples=[0.31])
    renewal_risk: float | None = Field(description="Probability of not renewing; null: open-ended.", examples=[0.24])
    contraction_risk: float = Field(description="Probability of staying but paying less in a year.", examples=[0.08])
    coverage: float = Field(description="Share of the model's weight on signals that were given.", examples=[0.86])
    base_points: float = Field(description="Health before any points are added.", examples=[50.0])
    points: dict[str, float] = Field(
        description="Points of health per dimension and for the segment; with base_points they add up to health before "
        "it is clipped to 0–100.",
        examples=[{"adoption": -6.1, "support": -2.4}],
    )
    drivers: list[DriverShown] = Field(
        description="What moves the health most, in words. A request doesn't say who the peers are, so none are named.",
        examples=[[]],
    )


class AnsweredBy(Shown):
    """The model that answered."""

    name: str = Field(description="Registered model.", examples=["churn"])
    version: str = Field(description="Its version.", examples=["7"])
    mode: str = Field(description="What it rests on.", examples=["learned"])
    catalogue_digest: str = Field(description="Digest of the signals it reads.", examples=["9b1c5a77d0e2f431"])


class Found(Shown):
    """Something wrong with the rows that were sent, and what was done about it."""

    table: str = Field(description="The table.", examples=["contracts"])
    rule: str = Field(description="The rule that was broken.", examples=["end_before_start"])
    columns: list[str] = Field(description="The columns concerned.", examples=[["term_start", "term_end"]])
    rows: int = Field(description="Rows concerned.", examples=[1])
    action: str = Field(description="What was done.", examples=["put aside"])


class AdHocScores(Shown):
    """The scores of the accounts that were sent, in their order; of rows, in the order of account_id."""

    model: AnsweredBy
    scores: list[AdHocScore]
    found: list[Found] = Field([], description="Of rows: what is wrong with them.", examples=[[]])


_LISTED = tuple(name for name in AdHocScore.model_fields if name not in {"account_id", "points", "drivers"})


def ad_hoc_scores(loaded: Loaded, matrix: pl.DataFrame) -> list[dict[str, Any]]:
    """A row of `AdHocScore`'s fields per row of a matrix, in its order."""
    model = loaded.model
    scored = pl.DataFrame(model.scores(model.accounts(matrix)), nan_to_null=True)
    shown = scored.rename({"contraction_risk_365d": "contraction_risk"}).select(
        matrix["account_id"],
        *_LISTED,
        points=pl.struct(pl.col(f"points_{part}").alias(part) for part in ("segment", *DIMENSIONS)),
    )
    drivers = explained(model, matrix, scored, compared=False)
    return shown.with_columns(drivers=drivers).to_dicts()


def answered_by(loaded: Loaded) -> dict[str, str]:
    """The fields of `AnsweredBy`."""
    card, version = loaded.model.card, loaded.facts.version
    return {
        "name": version.name,
        "version": version.number,
        "mode": card.mode,
        "catalogue_digest": card.catalogue_digest,
    }
