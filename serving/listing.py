"""Which accounts are asked for, in what order, from where on: the parameters of a list and their SQL.

Pages are cut by keyset: a cursor names a batch and the account a page starts after (or ends before). Batches never
change, so a cursor keeps its meaning when another batch is published, and ties are cut by account_id.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import from_json, to_json
from sqlalchemy import ColumnElement, Select, and_, or_, select

from serving.errors import BadCursor
from serving.folding import fold
from serving.schema import scores
from serving.scores import Band

Sort = Literal[
    "arr_at_risk", "-arr_at_risk", "health", "-health", "risk_90d", "-risk_90d", "risk_365d", "-risk_365d",
    "arr", "-arr", "renewal_at", "-renewal_at", "name", "-name",
]  # fmt: skip

Words = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


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


class AccountQuery(BaseModel):
    """What a list of accounts is asked with; an empty value is the same as none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Words | None = Field(
        None, description="Text in the name or account_id, whatever its case or accents.", examples=["acme"]
    )
    band: Band | None = Field(None, description="Only accounts in this band.", examples=["at_risk"])
    owner: Words | None = Field(
        None, description="Only accounts of this customer success manager.", examples=["Ada Byron"]
    )
    segment: Words | None = Field(None, description="Only accounts of this segment.", examples=["enterprise"])
    region: Words | None = Field(None, description="Only accounts of this region.", examples=["EMEA"])
    sort: Sort = Field(
        "-arr_at_risk",
        description="Column to sort by, with - in front for the highest first. Accounts without a value come last.",
        examples=["-health"],
    )
    limit: int = Field(50, ge=1, le=200, description="Accounts per page, 1 to 200.", examples=[50])
    cursor: str | None = Field(
        None,
        max_length=2000,
        description="Where the page starts: a next_cursor or previous_cursor of another page. It stays with that "
        "page's batch when another is published.",
        examples=["WyJlNmIyIiwiQTAxIixmYWxzZV0"],
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, dict) else values

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
        return any((self.q, self.band, self.owner, self.segment, self.region))

    def link(self, path: str, **changes: object) -> str:
        """The address of this list at `path` with some parameters changed (None: left out)."""
        parameters = self.model_dump(exclude_defaults=True) | changes
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        return f"{path}?{query}" if query else path


def selected(batch_id: str, query: AccountQuery) -> ColumnElement[bool]:
    """The condition on `scores` that keeps what the query's filters ask for."""
    conditions = [scores.c.batch_id == batch_id]
    conditions += [
        scores.c[name] == wanted
        for name in ("band", "owner", "segment", "region")
        if (wanted := getattr(query, name)) is not None
    ]
    if query.q and (words := fold(query.q.strip())):
        conditions.append(scores.c.folded.contains(words, autoescape=True))
    return and_(*conditions)


def page_of(batch_id: str, query: AccountQuery, cursor: Cursor | None, value: object) -> Select[Any]:
    """The rows of one page and one more; in opposite order if the cursor goes back.

    `value` is what the cursor's account has in the column sorted by.
    """
    column = sorted_by(query)
    back = cursor is not None and cursor.back
    falling = query.descending != back
    order = column.desc() if falling else column.asc()
    rows = select(scores).where(selected(batch_id, query)).limit(query.limit + 1)
    if cursor is not None:
        rows = rows.where(_beyond(column, value, cursor, falling))
    return rows.order_by(
        order.nulls_first() if back else order.nulls_last(),
        scores.c.account_id.desc() if back else scores.c.account_id.asc(),
    )


def sorted_by(query: AccountQuery) -> ColumnElement[Any]:
    """The column of `scores` a list is sorted by."""
    return scores.c.folded if query.sort_key == "name" else scores.c[query.sort_key]


def _beyond(column: ColumnElement[Any], value: object, cursor: Cursor, falling: bool) -> ColumnElement[bool]:
    """The rows behind the cursor's account, or before it when going back, where missing values come last."""
    ids = scores.c.account_id < cursor.account_id if cursor.back else scores.c.account_id > cursor.account_id
    if value is None:
        tied = and_(column.is_(None), ids)
        return or_(column.is_not(None), tied) if cursor.back else tied
    further = or_(column < value if falling else column > value, and_(column == value, ids))
    return further if cursor.back else or_(further, column.is_(None))
