"""Scores of accounts that a request brings, as they are shown; nothing of them is kept."""

from typing import Any

import numpy as np
from pydantic import Field

from features.signal import DIMENSIONS
from serving.loaded_models import Loaded
from serving.read_models import DriverShown, Shown
from serving.scores import Band
from serving.vectors import Vectors
from training.model import Accounts, explained_alone


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


_FIGURES = ("health_low", "health_high", "band", "risk_30d", "risk_90d", "risk_180d", "risk_365d",
            "coverage", "base_points")  # fmt: skip
_PARTS = ("segment", *DIMENSIONS)


def ad_hoc_scores(loaded: Loaded, vectors: Vectors) -> list[dict[str, Any]]:
    """`AdHocScore`'s fields per account, in their order."""
    model, names = loaded.model, loaded.model.card.signals
    segments = np.array(vectors.segments, dtype=object)
    accounts = Accounts(vectors.values.astype(np.float32), vectors.days_to_renewal, vectors.term_days, segments)
    scores = model.scores(accounts)
    points = np.column_stack([scores[f"points__{name}"] for name in names]).reshape(len(accounts), len(names))
    columns: dict[str, list[Any]] = {name: np.asarray(scores[name]).tolist() for name in _FIGURES}
    parts = [scores[f"points_{part}"].tolist() for part in _PARTS]
    columns |= {
        "account_id": vectors.account_ids,
        "health": scores["health"].tolist(),
        "renewal_risk": [None if risk != risk else risk for risk in scores["renewal_risk"].tolist()],
        "contraction_risk": scores["contraction_risk_365d"].tolist(),
        "points": [dict(zip(_PARTS, of_account, strict=True)) for of_account in zip(*parts, strict=True)],
        "drivers": explained_alone(model, vectors.values, points),
    }
    shown = [columns[name] for name in AdHocScore.model_fields]
    return [dict(zip(AdHocScore.model_fields, told, strict=True)) for told in zip(*shown, strict=True)]


def answered_by(loaded: Loaded) -> dict[str, str]:
    """The fields of `AnsweredBy`."""
    card, version = loaded.model.card, loaded.facts.version
    return {
        "name": version.name,
        "version": version.number,
        "mode": card.mode,
        "catalogue_digest": card.catalogue_digest,
    }
