"""What-if as it is asked and shown: the stored score of an account beside the score it would have with some changes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, create_model

from serving.errors import CannotAnswer
from serving.loaded_models import LoadedModels
from serving.read_models import Shown, Utc
from serving.scores import Band
from serving.signal_values import fields
from serving.stored_rows import StoredScore
from training import model as trained
from training.model import Answer, WhatIfRefused

SignalChanges = create_model(
    "SignalChanges",
    __config__=ConfigDict(extra="forbid", frozen=True),
    __doc__="Signals by name, with the value each would have; those that aren't named stay.",
    **fields(only_in_model=True, missing=False),
)


class WhatIfAsked(BaseModel):
    """What would be other; what isn't named stays as it is stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signals: Annotated[
        SignalChanges,
        Field(description="Signals by name, with the value each would have.", examples=[{"open_tickets": 0}]),
    ] = Field(default_factory=SignalChanges)
    renewal_at: Utc | None = Field(
        None, description="Another day of renewal, after as_of, UTC.", examples=["2099-06-30T00:00:00Z"]
    )
    term_days: float | None = Field(
        None, strict=True, gt=0, le=36_500, description="Another length of the contract's term.", examples=[365]
    )


class Said(Shown):
    """What the model says. Higher health is better, higher risk is worse."""

    health: float = Field(description="Health, 0–100 points.", examples=[41.5])
    band: Band = Field(description="What the health calls for.", examples=["at_risk"])
    risk_30d: float = Field(description="Probability of churn within 30 days.", examples=[0.02])
    risk_90d: float = Field(description="Probability of churn within 90 days.", examples=[0.11])
    risk_180d: float = Field(description="Probability of churn within 180 days.", examples=[0.19])
    risk_365d: float = Field(description="Probability of churn within 365 days.", examples=[0.31])
    renewal_risk: float | None = Field(description="Probability of not renewing; null: open-ended.", examples=[0.24])
    contraction_risk: float = Field(description="Probability of staying but paying less in a year.", examples=[0.08])
    points: dict[str, float] = Field(description="Points of health per dimension.", examples=[{"support": -2.4}])


class Difference(Shown):
    """After less before: positive health is better, positive risk is worse."""

    health: float = Field(description="Points of health.", examples=[3.5])
    risk_30d: float = Field(description="Of the probability of churn within 30 days.", examples=[-0.01])
    risk_90d: float = Field(description="Of the probability of churn within 90 days.", examples=[-0.02])
    risk_180d: float = Field(description="Of the probability of churn within 180 days.", examples=[-0.03])
    risk_365d: float = Field(description="Of the probability of churn within 365 days.", examples=[-0.05])
    renewal_risk: float | None = Field(description="Of the probability of not renewing.", examples=[-0.04])
    contraction_risk: float = Field(description="Of the probability of paying less.", examples=[-0.01])
    points: dict[str, float] = Field(description="Points of health per dimension.", examples=[{"support": 3.5}])


class WhatIfShown(Shown):
    """An association seen among accounts, not a promise."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    as_of: Utc = Field(description="The moment of the stored score, UTC.", examples=["2026-11-01T00:00:00Z"])
    model_name: str = Field(description="Registered model.", examples=["churn"])
    model_version: str = Field(description="The version that made the stored score.", examples=["7"])
    before: Said
    after: Said
    difference: Difference
    label: str = Field(
        description="How to read it.",
        examples=["Association, not a promise: how accounts with these values have fared, all else as it is."],
    )


def what_if(models: LoadedModels, account_id: str, stored: StoredScore, asked: WhatIfAsked) -> WhatIfShown:
    """The stored score and what it would be, by the version that made it.

    Raises CannotAnswer where this model, or this account, can't tell: it names each field. Raises UnavailableError.
    """
    model = models.version(stored.model_name, stored.model_version)
    changed = asked.signals.model_dump(exclude_unset=True)
    try:
        told = trained.what_if(model, stored.known, changed, asked.renewal_at, asked.term_days)
    except WhatIfRefused as error:
        raise CannotAnswer(
            str(error), {f"signals.{name}" if name in changed else name: said for name, said in error.problems.items()}
        ) from error
    return WhatIfShown(
        account_id=account_id,
        as_of=stored.as_of,
        model_name=stored.model_name,
        model_version=stored.model_version,
        before=_said(told.before),
        after=_said(told.after),
        difference=Difference.model_validate(_renamed(told.difference) | {"points": told.points_difference}),
        label=told.label,
    )


def _said(answer: Answer) -> Said:
    return Said.model_validate(_renamed(answer.figures) | {"band": answer.band, "points": answer.points})


def _renamed(figures: dict[str, float | None]) -> dict[str, object]:
    return {name.replace("contraction_risk_365d", "contraction_risk"): value for name, value in figures.items()}
