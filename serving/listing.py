"""Which accounts are asked for, in what order, from where on: the parameters of a list.

Pages are cut by keyset: a cursor names a batch and the account a page starts after (or ends before). Batches never
change, so a cursor keeps its meaning when another batch is published, and ties are cut by account_id.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError, from_json, to_json

from features.signal import DIMENSIONS
from serving.errors import BadCursor
from serving.parameters import Asked, Day, or_empty
from serving.scores import Band

SORTED = (
    "arr_at_risk", "health", "risk_30d", "risk_90d", "risk_180d", "risk_365d", "renewal_risk", "contraction_risk",
    "arr", "expected_arr", "renewal_at", "name", "owner", "segment", "region", "coverage",
    *(f"points_{dimension}" for dimension in DIMENSIONS),
)  # fmt: skip
"""Columns a list can be sorted by."""

_SORTS = tuple(f"{sign}{column}" for column in SORTED for sign in ("", "-"))


def _known_sort(sort: str) -> str:
    if sort not in _SORTS:
        raise PydanticCustomError(
            "sort", "Input should be one of {columns}, or with - in front", {"columns": ", ".join(SORTED)}
        )
    return sort


Sort = Annotated[str, AfterValidator(_known_sort), WithJsonSchema({"type": "string", "enum": list(_SORTS)})]

Words = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]

Days = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}d?$")]

_DIMENSION = "|".join(DIMENSIONS)
PointsBelow = Annotated[str, StringConstraints(pattern=rf"^({_DIMENSION}):-?[0-9]{{1,4}}(\.[0-9]{{1,9}})?$")]

BOUNDED = ("health", "risk_90d", "risk_365d", "renewal_risk", "arr", "arr_at_risk", "coverage")
"""Columns with a parameter `<column>_min` and `<column>_max`."""

EXACT = ("band", "owner", "segment", "region")


class Cursor(NamedTuple):
    """The account a page starts after, or with `back` ends before, in one batch."""

    batch_id: str
    account_id: str
    back: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor written as `text`; BadCursor if none was."""
        try:
            batch_id, account_id, back = from_json(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        except (ValueError, TypeError) as error:
            raise BadCursor from error
        if not (isinstance(batch_id, str) and isinstance(account_id, str)) or "\x00" in batch_id + account_id:
            raise BadCursor
        return cls(batch_id, account_id, bool(back))

    def __str__(self) -> str:
        return urlsafe_b64encode(to_json(tuple(self))).decode().rstrip("=")


def _bound(which: str, what: str, example: float, most: float | None = None) -> Any:
    description = f"Only accounts with {what} of at {which} this."
    return Field(
        None, ge=0, le=most, allow_inf_nan=False, description=description, examples=[example],
        json_schema_extra=or_empty,
    )  # fmt: skip


class AccountQuery(Asked):
    """What a list of accounts is asked with."""

    q: Words | None = Field(
        None, description="Text in the name or account_id, whatever its case or accents.", examples=["acme"]
    )
    band: Band | None = Field(
        None, description="Only accounts in this band.", examples=["at_risk"], json_schema_extra=or_empty
    )
    owner: Words | None = Field(
        None, description="Only accounts of this customer success manager.", examples=["Ada Byron"]
    )
    segment: Words | None = Field(None, description="Only accounts of this segment.", examples=["enterprise"])
    region: Words | None = Field(None, description="Only accounts of this region.", examples=["EMEA"])
    health_min: float | None = _bound("least", "a health", 0, 100)
    health_max: float | None = _bound("most", "a health", 50, 100)
    risk_90d_min: float | None = _bound("least", "a churn risk within 90 days", 0.0, 1)
    risk_90d_max: float | None = _bound("most", "a churn risk within 90 days", 0.9, 1)
    risk_365d_min: float | None = _bound("least", "a churn risk within 365 days", 0.05, 1)
    risk_365d_max: float | None = _bound("most", "a churn risk within 365 days", 0.9, 1)
    renewal_risk_min: float | None = _bound("least", "a renewal risk", 0.1, 1)
    renewal_risk_max: float | None = _bound("most", "a renewal risk", 0.9, 1)
    arr_min: float | None = _bound("least", "an ARR per year", 1000.0)
    arr_max: float | None = _bound("most", "an ARR per year", 500000.0)
    arr_at_risk_min: float | None = _bound("least", "an ARR at risk", 100.0)
    arr_at_risk_max: float | None = _bound("most", "an ARR at risk", 100000.0)
    coverage_min: float | None = _bound("least", "a coverage", 0.1, 1)
    coverage_max: float | None = _bound("most", "a coverage", 1.0, 1)
    renewal_within: Days | None = Field(
        None,
        description="Only accounts whose next renewal is at most so many days after as_of.",
        examples=["90d"],
        json_schema_extra=or_empty,
    )
    points_below: PointsBelow | None = Field(
        None,
        description="Only accounts with fewer points of health than this in a dimension: name, colon, points.",
        examples=["adoption:-5"],
        json_schema_extra=or_empty,
    )
    as_of: Day | None = Field(
        None,
        description="Scores as of this day: of the latest batch that is not of a later one.",
        examples=["2026-11-01"],
        json_schema_extra=or_empty,
    )
    known_at: Day | None = Field(
        None,
        description="What was shown at the end of this day: only batches made by then.",
        examples=["2026-11-02"],
        json_schema_extra=or_empty,
    )
    sort: Sort = Field(
        "-arr_at_risk",
        description="Column to sort by, with - in front for the highest first. Accounts without a value come last.",
        examples=["-health"],
        json_schema_extra=or_empty,
    )
    limit: int = Field(
        50, ge=1, le=200, description="Accounts per page, 1 to 200.", examples=[50], json_schema_extra=or_empty
    )
    cursor: str | None = Field(
        None,
        max_length=2000,
        description="Where the page starts: a next_cursor or previous_cursor of another page. It stays with that "
        "page's batch when another is published.",
        examples=["WyJlNmIyIiwiQTAxIixmYWxzZV0"],
    )

    @property
    def descending(self) -> bool:
        """Whether the highest comes first."""
        return self.sort.startswith("-")

    @property
    def sort_key(self) -> str:
        """The column sorted by, without its direction."""
        return self.sort.removeprefix("-")

    @property
    def filtered(self) -> bool:
        """Whether some accounts of the batch are left out."""
        return bool(self.model_dump(exclude_none=True).keys() - {"sort", "limit", "cursor", "as_of", "known_at"})
