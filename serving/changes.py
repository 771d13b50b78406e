"""Why an account's score is another than it was: the ledger between two stored scores, as it is shown."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from serving.errors import UnknownAccount
from serving.loaded_models import LoadedModels
from serving.reach import Reach
from serving.read_models import Shown, Utc
from serving.store import ScoreStore, day_after
from serving.stored_rows import StoredScore, stored_score, stored_scores
from training import model as trained
from training.model import Scored


class Figures(Shown):
    """What the ledger splits."""

    health: float = Field(description="Health, 0–100 points, higher is better.", examples=[52.5])
    risk_90d: float = Field(description="Probability of churn within 90 days; higher is worse.", examples=[0.06])
    risk_365d: float = Field(description="Probability of churn within 365 days; higher is worse.", examples=[0.2])


class Moment(Figures):
    """One of the two scores."""

    batch_id: str = Field(description="The batch it is in.", examples=["4f6c0a9be24d4f7d8f1f6f3b5a0d2c11"])
    as_of: Utc = Field(description="The moment the world was frozen, UTC.", examples=["2026-11-01T00:00:00Z"])
    known_at: Utc = Field(description="When the score was made, UTC.", examples=["2026-11-01T04:12:09Z"])
    model_name: str = Field(description="Registered model.", examples=["churn"])
    model_version: str = Field(description="Version of the model that made it.", examples=["7"])


class Change(Figures):
    """What one step did: the same figures as differences."""

    kind: Literal["signal", "data", "contract", "configuration", "model", "clock", "clipping"] = Field(
        description="What changed: a signal moved, data came, stopped or was late, the contract, a configuration, the "
        "model, time passed; clipping: health ends at 0 and at 100.",
        examples=["signal"],
    )
    name: str = Field(description="The signal, table or fact.", examples=["defect_rate_84d"])
    words: str = Field(description="It in words.", examples=["Share of defects: 25 %, before: 10 %. Costs 4.2 points."])


class Changes(Shown):
    """Two scores of an account, and the steps between them, the largest first; they add up to the difference."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    before: Moment = Field(
        examples=[
            {
                "health": 52.5, "risk_90d": 0.06, "risk_365d": 0.2, "batch_id": "0aa1c9be24d4f7d8f1f6f3b5a0d2c114",
                "as_of": "2026-10-04T00:00:00Z", "known_at": "2026-10-04T04:12:09Z", "model_name": "churn",
                "model_version": "6",
            }
        ]
    )  # fmt: skip
    after: Moment
    difference: Figures = Field(examples=[{"health": -11.0, "risk_90d": 0.05, "risk_365d": 0.11}])
    entries: list[Change]


def changes(
    store: ScoreStore,
    models: LoadedModels,
    account_id: str,
    *,
    since: date | str | None,
    until: date | str | None,
    reach: Reach,
) -> Changes:
    """The ledger between two scores, each named by a day (the last score as of it or before) or by its batch.

    Without `until` the latest score, without `since` the one before it, of an earlier `as_of`. A `since` named by its
    batch is what was shown then: what has come late by `until` is told apart. Raises UnknownAccount where there is no
    such score, CannotAnswer where a model version is of another catalogue, UnavailableError where one can't be had.
    """
    held = stored_scores(store, account_id, reach=reach)
    last = held[-1] if until is None else _chosen(held, until, account_id)
    first = _before(held, last, account_id) if since is None else _chosen(held, since, account_id)
    before, after = (stored_score(store, account_id, batch_id) for batch_id, *_ in (first, last))
    restated = None
    if isinstance(since, str):
        later = [each for each in held if each[1] == first[1] and first[2] < each[2] <= last[2]]
        restated = stored_score(store, account_id, later[-1][0]).known if later else None
    split = trained.ledger(_scored(before, models), _scored(after, models), restated)
    return Changes(
        account_id=account_id,
        before=_moment(before, split.before),
        after=_moment(after, split.after),
        difference=Figures(**{name: split.after[name] - split.before[name] for name in Figures.model_fields}),
        entries=[Change.model_validate(entry) for entry in split.entries],
    )


Held = tuple[str, datetime, datetime]


def _chosen(held: list[Held], named: date | str, account_id: str) -> Held:
    if isinstance(named, str):
        found, what = [each for each in held if each[0] == named], f"in the batch {named}"
    else:
        end = day_after(named)
        found, what = [each for each in held if each[1] < end], f"as of {named} or before"
    if not found:
        raise UnknownAccount(f"there is no score of {account_id!r} {what}: its history lists those there are")
    return found[-1]


def _before(held: list[Held], last: Held, account_id: str) -> Held:
    earlier = [each for each in held if each[1] < last[1]]
    if not earlier:
        raise UnknownAccount(f"there is no score of {account_id!r} before {last[1]:%Y-%m-%d} to compare with")
    return earlier[-1]


def _scored(score: StoredScore, models: LoadedModels) -> Scored:
    return Scored(models.version(score.model_name, score.model_version), score.known, score.model_version)


def _moment(score: StoredScore, figures: dict[str, float]) -> Moment:
    told = {name: getattr(score, name) for name in Moment.model_fields if name not in Figures.model_fields}
    return Moment(**told, **figures)
