"""What is shown of accounts: one shape, rendered as JSON, CSV and HTML.

Times are UTC; money is ARR per year in the company's one currency. Higher health is better, higher risk is worse.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from serving.scores import Band, Status

_FIRST, _LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)


def _utc(time: datetime) -> datetime:
    """The time in UTC without a zone; the first or last there is where UTC has none."""
    try:
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except OverflowError:
        return _FIRST if time.year == 1 else _LAST


def _as_written(value: Any) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and value.lstrip("+-").replace(".", "").isdigit()):
        raise ValueError("write a time as 2026-11-01T00:00:00Z")  # pydantic would take seconds since 1970 too
    return value


Utc = Annotated[
    datetime,
    BeforeValidator(_as_written),
    AfterValidator(_utc),
    PlainSerializer(lambda time: f"{time.isoformat()}Z", when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Shown(BaseModel):
    """What is shown: read off a row or a value, and never changed."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _risk(horizon: str, example: float) -> Any:
    return Field(description=f"Probability of churn {horizon}, 0–1; higher is worse.", examples=[example])


class AccountRow(Shown):
    """One account in a list."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    name: str = Field(description="Name shown to people.", examples=["Acme Logistics"])
    segment: str | None = Field(description="Peer group.", examples=["enterprise"])
    region: str | None = Field(description="Sales region.", examples=["EMEA"])
    owner: str | None = Field(description="Customer success manager in charge.", examples=["Ada Byron"])
    arr: float = Field(description="Annual recurring revenue, currency per year.", examples=[120000.0])
    renewal_at: Utc | None = Field(
        description="Next renewal, UTC; null where none is known.", examples=["2027-01-31T00:00:00Z"]
    )
    health: float = Field(
        description="Health, 0–100 points, higher is better; 50 is the book's average account and every 10 points "
        "double the odds of renewing.",
        examples=[41.5],
    )
    band: Band = Field(description="What the health calls for.", examples=["at_risk"])
    risk_30d: float = _risk("within 30 days", 0.02)
    risk_90d: float = _risk("within 90 days", 0.11)
    risk_180d: float = _risk("within 180 days", 0.19)
    risk_365d: float = _risk("within 365 days", 0.31)
    renewal_risk: float | None = Field(
        description="Probability of not renewing at the next renewal, 0–1, higher is worse; null where none is known.",
        examples=[0.24],
    )
    arr_at_risk: float = Field(
        description="ARR times the probability of churn within 365 days, currency per year; higher is worse.",
        examples=[37200.0],
    )
    coverage: float = Field(
        description="Share of the model's weight on signals that are present, 0–1; higher is better.", examples=[0.86]
    )
    health_low: float | None = Field(
        description="Lower end of health's 80 % interval, 0–100; null where the model gives none.", examples=[35.0]
    )
    health_high: float | None = Field(
        description="Upper end of health's 80 % interval, 0–100; null where the model gives none.", examples=[48.5]
    )
    contraction_risk: float | None = Field(
        description="Probability of staying but paying less within 365 days, 0–1, higher is worse; null where the "
        "model gives none.",
        examples=[0.08],
    )
    expected_arr: float | None = Field(
        description="ARR expected a year from as_of, currency per year; null where the model gives none.",
        examples=[85200.0],
    )


class BatchShown(Shown):
    """Where the numbers come from."""

    batch_id: str = Field(description="Identifies the batch of scores.", examples=["4f6c0a9be24d4f7d8f1f6f3b5a0d2c11"])
    as_of: Utc = Field(description="The moment the world was frozen, UTC.", examples=["2026-11-01T00:00:00Z"])
    known_at: Utc = Field(description="When the scores were made, UTC.", examples=["2026-11-01T04:12:09Z"])
    model_name: str = Field(description="Registered model.", examples=["churn"])
    model_version: str = Field(description="Version of the model.", examples=["7"])
    mode: str = Field(description="What the model rests on.", examples=["learned"])
    code_version: str | None = Field(description="Version of the program that scored.", examples=["0.1.0"])
    data_digest: str | None = Field(description="Digest of the tables that were scored.", examples=["9b1c5a77d0e2f431"])


class Totals(Shown):
    """Sums over every account the filters keep, on all pages."""

    accounts: int = Field(description="Number of accounts.", examples=[1])
    arr: float = Field(description="ARR, currency per year.", examples=[120000.0])
    arr_at_risk: float = Field(description="ARR at risk, currency per year; higher is worse.", examples=[37200.0])
    bands: dict[Band, int] = Field(
        description="Accounts per band.", examples=[{"healthy": 0, "at_risk": 1, "critical": 0}]
    )


class AccountPage(Shown):
    """One page of a list."""

    batch: BatchShown
    superseded: bool = Field(
        description="Whether a later batch has been published; ask without cursor for it.", examples=[False]
    )
    totals: Totals
    accounts: list[AccountRow]
    next_cursor: str | None = Field(
        description="Cursor of the next page, null on the last.", examples=["WyJlNmIyIiwiQTAxIixmYWxzZV0"]
    )
    previous_cursor: str | None = Field(
        description="Cursor of the previous page, null on the first.", examples=["WyJlNmIyIiwiQTAwIix0cnVlXQ"]
    )


class SignalShown(Shown):
    """A signal and what it adds to health."""

    name: str = Field(description="Name in the signal catalogue.", examples=["defect_rate_84d"])
    meaning: str | None = Field(
        description="What it says, in a sentence; null where this version doesn't know the signal.",
        examples=["Share of the support requests of the last twelve weeks that report a defect"],
    )
    dimension: str | None = Field(description="The dimension its points belong to.", examples=["support"])
    unit: str | None = Field(description="Unit of its value.", examples=["share"])
    value: float | str | None = Field(description="Its value, null where missing.", examples=[0.25])
    points: float = Field(description="Points of health it adds; negative is worse.", examples=[-4.2])


class DriverShown(Shown):
    """A signal that moves the health most, in words."""

    signal: str = Field(description="Name in the signal catalogue.", examples=["defect_rate_84d"])
    dimension: str = Field(description="The dimension its points belong to.", examples=["support"])
    value: float | str | None = Field(description="Its value, null where missing.", examples=[0.25])
    unit: str = Field(description="Unit of its value.", examples=["share"])
    peer_median: float | None = Field(description="Median of the account's peers, null where unknown.", examples=[0.1])
    peers: str | None = Field(description="Who the peers are.", examples=["enterprise"])
    points: float = Field(description="Points of health it adds; negative is worse.", examples=[-4.2])
    words: str = Field(
        description="The driver in a sentence.", examples=["a quarter of the requests report defects, peers 10 %"]
    )


class Reason(Shown):
    """What pulls health down."""

    signal: str = Field(description="Name in the signal catalogue.", examples=["defect_rate_84d"])
    dimension: str | None = Field(description="The dimension it belongs to.", examples=["support"])
    points: float = Field(description="Points of health it takes, negative.", examples=[-4.2])
    words: str = Field(
        description="It in a sentence.",
        examples=["Share of the support requests of the last twelve weeks that report a defect"],
    )


class PlayShown(Shown):
    """Something to do about a reason."""

    id: str = Field(description="Identifies the play in the file of plays.", examples=["defect_escalation"])
    name: str = Field(description="Its name.", examples=["Defect escalation with product"])
    what: str = Field(
        description="What to do.", examples=["Bring the open defects to product with the ARR behind them."]
    )
    because: str = Field(description="The signal it answers.", examples=["defect_rate_84d"])
    effect: str = Field("unknown", description="What it achieves; unknown until outcomes tell.", examples=["unknown"])


class OpinionShown(Shown):
    """What a person says of an account; never mixed into its score."""

    opinion_id: str = Field(description="Identifies the opinion.", examples=["0c5a7c1f3b0e4e0d9a2b6a1c7d8e9f00"])
    account_id: str = Field(description="The account.", examples=["A-1042"])
    rating: Band = Field(description="The band they would put it in.", examples=["critical"])
    reason: str = Field(description="Why.", examples=["The sponsor has left and nobody answers."])
    author: str = Field(description="Who said so: the id of a key, or a token's subject.", examples=["key:k7f3"])
    stated_at: Utc = Field(description="When, UTC.", examples=["2026-11-03T09:30:00Z"])
    expires_at: Utc | None = Field(description="When it ends, UTC; null: never.", examples=["2027-02-01T00:00:00Z"])
    batch_id: str = Field(
        description="The batch of the score it was stated beside.", examples=["4f6c0a9be24d4f7d8f1f6f3b5a0d2c11"]
    )
    health: float = Field(description="That score's health.", examples=[58.0])
    band: Band = Field(description="That score's band.", examples=["healthy"])


class FreshnessShown(Shown):
    """The latest row of a table for the account, and whether the table is still being fed."""

    latest_at: Utc | None = Field(description="Latest row, UTC; null if none.", examples=["2026-10-30T00:00:00Z"])
    status: Status = Field(description="Whether the feed is fresh, has gone stale or is missing.", examples=["fresh"])


class AccountDetail(AccountRow, BatchShown):
    """One account with what its health is made of."""

    base_points: float = Field(description="Health before any points are added.", examples=[50.0])
    points: dict[str, float] = Field(
        description="Points of health per dimension, higher is better; base_points and these add up to health before "
        "it is clipped to 0–100.",
        examples=[{"adoption": -6.1, "support": -2.4}],
    )
    signals: list[SignalShown] = Field(description="Signals, the largest effect first.")
    days_to_renewal: float | None = Field(
        description="Days from as_of to the next renewal; null where none is known.", examples=[91.0]
    )
    term_days: float | None = Field(
        description="Length of the contract's term, days; null where open-ended.", examples=[365.0]
    )
    drivers: list[DriverShown] | None = Field(
        description="What moves the health most, in words; null where the model gives none.",
        examples=[[]],
    )
    freshness: dict[str, FreshnessShown] = Field(
        description="Freshness per table.",
        examples=[{"usage_daily": {"latest_at": "2026-10-30T00:00:00Z", "status": "fresh"}}],
    )
    reasons: list[Reason] = Field([], description="What pulls the health down most, the worst first.", examples=[[]])
    plays: list[PlayShown] = Field([], description="What to do about the reasons.", examples=[[]])
    held_out_until: Utc | None = Field(
        None,
        description="The renewal, UTC, until which it is left alone on purpose, by chance, to tell what plays achieve; "
        "null: it may be worked on.",
        examples=["2027-01-31T00:00:00Z"],
    )
    opinions: list[OpinionShown] = Field(
        [], description="What people say of it now, the latest first; never mixed into the score.", examples=[[]]
    )


def _end(which: str, of: str, example: float) -> Any:
    return Field(None, description=f"{which} end of {of}'s 80 % interval; null where unknown.", examples=[example])


class Forecast(Shown):
    """What the scores of a group add up to. Shares are expected ones, from the accounts' probabilities."""

    accounts: int = Field(description="Accounts scored.", examples=[120])
    arr: float = Field(description="Their ARR, currency per year.", examples=[4_200_000.0])
    leaving_share: float | None = Field(
        description="Share of the accounts expected to leave within 365 days; higher is worse.", examples=[0.14]
    )
    leaving_arr_share: float | None = Field(
        description="Share of the ARR expected to leave within 365 days; higher is worse.", examples=[0.11]
    )
    reducing_share: float | None = Field(
        description="Share of the accounts expected to stay but pay less; null where the model gives none.",
        examples=[0.06],
    )
    arr_at_risk: float = Field(description="ARR at risk, currency per year; higher is worse.", examples=[462_000.0])
    expected_arr: float | None = Field(
        description="What is expected to be left of their ARR a year from as_of; null where the model gives none.",
        examples=[3_750_000.0],
    )
    expected_arr_low: float | None = _end("Lower", "expected_arr", 3_580_000.0)
    expected_arr_high: float | None = _end("Upper", "expected_arr", 3_910_000.0)
    nrr: float | None = Field(
        description="Share of today's ARR there will be in a year, with growth of those that stay; higher is better.",
        examples=[0.931],
    )
    nrr_low: float | None = _end("Lower", "nrr", 0.887)
    nrr_high: float | None = _end("Upper", "nrr", 0.972)
    grr: float | None = Field(
        description="Share of today's ARR that is left in a year, no account above today's; higher is better.",
        examples=[0.893],
    )
    grr_low: float | None = _end("Lower", "grr", 0.852)
    grr_high: float | None = _end("Upper", "grr", 0.931)
    bands: dict[Band, int] = Field(
        description="Accounts per band.", examples=[{"healthy": 70, "at_risk": 35, "critical": 15}]
    )


class MeasureShown(Shown):
    """One measure of the book."""

    measure: str = Field(description="Its name.", examples=["grr"])
    meaning: str = Field(description="What it says.", examples=["Gross revenue retention"])
    formula: str = Field(description="What it is made of.", examples=["(start − contraction − churn) ÷ start"])
    area: str = Field(description="What it is about.", examples=["retention"])
    unit: str = Field(description="Unit of its value.", examples=["share"])
    direction: int | None = Field(
        description="1 where more is better, −1 where less is better, null where neither is.", examples=[1]
    )
    value: float | None = Field(description="Its value; null where undefined.", examples=[0.88])
    numerator: float | None = Field(description="What is counted.", examples=[3_696_000.0])
    denominator: float | None = Field(description="What it is a share of.", examples=[4_200_000.0])
    previous: float | None = Field(description="Its value 28 days before.", examples=[0.87])
    target: float | None = Field(description="What it should be.", examples=[0.9])
    status: str | None = Field(description="met, missed or no target; null without a value.", examples=["missed"])
    trend: str | None = Field(description="better, worse or same; null without direction.", examples=["better"])
    missing: str | None = Field(
        description="Why it has no value: a table that is absent, no longer fed, or holds nothing of that kind; null "
        "where it has one.",
        examples=[None],
    )


class BookPart(Shown):
    """The whole company, or one part of it."""

    group: str = Field(description="The group; all: the whole company.", examples=["enterprise"])
    forecast: Forecast | None = Field(
        description="What the scores say; null where no account of the group was scored.",
        examples=[
            {
                "accounts": 120, "arr": 4_200_000.0, "leaving_share": 0.14, "leaving_arr_share": 0.11,
                "reducing_share": 0.06, "arr_at_risk": 462_000.0, "expected_arr": 3_750_000.0,
                "expected_arr_low": 3_580_000.0, "expected_arr_high": 3_910_000.0, "nrr": 0.931, "nrr_low": 0.887,
                "nrr_high": 0.972, "grr": 0.893, "grr_low": 0.852, "grr_high": 0.931,
                "bands": {"healthy": 70, "at_risk": 35, "critical": 15},
            }
        ],
    )  # fmt: skip
    measures: list[MeasureShown]


class BookShown(Shown):
    """The book as it was when the current batch was published."""

    batch: BatchShown
    by: str | None = Field(description="The grouping; null: the whole company.", examples=["segment"])
    parts: list[BookPart]
