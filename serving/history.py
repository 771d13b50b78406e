"""What an account's score was, as of any moment, and as known on any day."""

from datetime import date

from pydantic import Field
from sqlalchemy import bindparam, select

from serving.latest import latest_score
from serving.reach import Reach
from serving.read_models import Shown, Utc
from serving.schema import batches, scores
from serving.scores import Band
from serving.store import ScoreStore, day_after


class HistoryPoint(Shown):
    """An account's score in one batch."""

    as_of: Utc = Field(description="The moment the world was frozen, UTC.", examples=["2026-11-01T00:00:00Z"])
    known_at: Utc = Field(description="When the score was made, UTC.", examples=["2026-11-01T04:12:09Z"])
    batch_id: str = Field(description="The batch.", examples=["4f6c0a9be24d4f7d8f1f6f3b5a0d2c11"])
    model_name: str = Field(description="Registered model.", examples=["churn"])
    model_version: str = Field(description="Version of the model.", examples=["7"])
    mode: str = Field(description="What the model rested on.", examples=["learned"])
    configuration: str | None = Field(
        description="Digest of the model's configuration, its scorecard and the account that health 50 stands for; "
        "another one marks a change. Null: not kept then.",
        examples=["1f2e3d4c5b6a7988"],
    )
    health: float = Field(description="Health, 0–100, higher is better.", examples=[41.5])
    health_low: float | None = Field(description="Lower end of its 80 % interval, 0–100.", examples=[35.0])
    health_high: float | None = Field(description="Upper end of its 80 % interval, 0–100.", examples=[48.5])
    band: Band = Field(description="What the health called for.", examples=["at_risk"])
    risk_90d: float = Field(description="Probability of churn within 90 days; higher is worse.", examples=[0.11])
    risk_365d: float = Field(description="Probability of churn within 365 days; higher is worse.", examples=[0.31])
    renewal_risk: float | None = Field(description="Probability of not renewing; higher is worse.", examples=[0.24])
    arr: float = Field(description="ARR, currency per year.", examples=[120000.0])
    arr_at_risk: float = Field(description="ARR at risk, currency per year; higher is worse.", examples=[37200.0])
    coverage: float = Field(description="Share of the model's weight on signals that were present.", examples=[0.86])


class AccountHistory(Shown):
    """All scores of an account, the earliest `as_of` first."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    points: list[HistoryPoint]


_COLUMNS = [batches.c[name] if name in batches.c else scores.c[name] for name in HistoryPoint.model_fields]

_POINTS = (
    select(*_COLUMNS)
    .join_from(batches, scores, batches.c.batch_id == scores.c.batch_id)
    .where(scores.c.account_id == bindparam("account_id"))
    .order_by(batches.c.as_of, batches.c.known_at)
)


def account_history(
    store: ScoreStore, account_id: str, *, reach: Reach, known_at: date | None = None
) -> AccountHistory:
    """Every score of an account; with `known_at` one per `as_of`, the one shown at the end of that day.

    Raises UnknownAccount.
    """
    points = _POINTS if known_at is None else _POINTS.where(batches.c.known_at < day_after(known_at))
    with store.reading() as connection:
        latest_score(connection, account_id, reach)
        rows = connection.execute(points, {"account_id": account_id}).all()
    shown = [HistoryPoint.model_validate(row) for row in rows]
    if known_at is not None:
        shown = list({point.as_of: point for point in shown}.values())  # the last of each moment
    return AccountHistory(account_id=account_id, points=shown)
