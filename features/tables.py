"""The canonical tables: what a company brings, declared once.

Validation (`features.quality`), the simulator, the mapping file, the data contract in `features/README.md` and the
signals all read this declaration. Times are UTC and carry no zone, so that every engine holds the same value; money
is in one currency. Every table may carry `available_at`, the moment a row became known; where it is missing a row is
known when it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import polars as pl

Type = Literal["text", "integer", "number", "boolean", "date", "time"]

POLARS: Mapping[Type, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "time": pl.Datetime("us"),
}


@dataclass(frozen=True)
class Column:
    """One column. Bounds are inclusive; `values` are the only ones allowed; `scales` are bounds per kind of row.

    `known_with` names the time column that reveals the value: a satisfaction score isn't known when a ticket opens.
    """

    name: str
    type: Type
    meaning: str
    required: bool = False
    unit: str | None = None
    lower: float | None = None
    upper: float | None = None
    values: tuple[str, ...] | None = None
    known_with: str | None = None
    scales: Mapping[str, tuple[float, float]] | None = None


@dataclass(frozen=True)
class Interval:
    """`end` must not lie before `start`; a row that breaks it is quarantined, or loses the `end` alone."""

    start: str
    end: str
    then: Literal["quarantine", "missing"] = "quarantine"


@dataclass(frozen=True)
class Table:
    """One canonical table. `key` identifies a row; `time` is its event time, on which freshness is judged.

    A `date` as event time stands for the whole day: the row is known when the day is over. A table that has had no row
    for any account for more than `silent_after` days has stopped being fed: its signals are missing, not zero.
    """

    name: str
    one_row_per: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    time: str | None = None
    required: bool = False
    intervals: tuple[Interval, ...] = ()
    silent_after: int | None = None

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the table has none."""
        return {column.name: column for column in self.columns}[name]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name to Polars type, in declared order."""
        return {column.name: POLARS[column.type] for column in self.columns}


@dataclass(frozen=True)
class Tables:
    """Checked canonical tables, as they were when the company's data was extracted.

    Each frame has exactly the declared columns of its table. A table the company doesn't have is absent: its signals
    are missing, which is not the same as an empty table, whose counts are zero.
    """

    extracted_at: datetime
    frames: Mapping[str, pl.LazyFrame] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.frames

    def __getitem__(self, name: str) -> pl.LazyFrame:
        return self.frames[name]

    def without(self, *names: str) -> "Tables":
        """The same tables as if the company didn't have the named ones."""
        return replace(self, frames={name: frame for name, frame in self.frames.items() if name not in names})


def _table(
    name: str,
    one_row_per: str,
    *columns: Column,
    key: tuple[str, ...] = (),
    time: str | None = None,
    required: bool = False,
    intervals: tuple[Interval, ...] = (),
    silent_after: int | None = None,
) -> Table:
    available_at = Column("available_at", "time", "when the row became known; its event time where missing")
    return Table(name, one_row_per, (*columns, available_at), key, time, required, intervals, silent_after)


_ACCOUNT = Column("account_id", "text", "the account it belongs to", required=True)

ACCOUNTS = _table(
    "accounts",
    "account",
    Column("account_id", "text", "identifies the account in every other table", required=True),
    Column("name", "text", "name shown to people"),
    Column("segment", "text", "peer group: accounts are compared within it"),
    Column("industry", "text", "industry"),
    Column("region", "text", "sales region"),
    Column("channel", "text", "how it was sold: direct, partner, web …"),
    Column("owner", "text", "customer success manager in charge"),
    Column("created_at", "time", "when the account was first known"),
    key=("account_id",),
    required=True,
)

CONTRACTS = _table(
    "contracts",
    "contract term or amendment",
    Column("contract_id", "text", "stays the same over a contract's terms and amendments", required=True),
    _ACCOUNT,
    Column("product", "text", "what is sold"),
    Column(
        "kind",
        "text",
        "what revenue it brings; a fixed_term (a project, a course) is meant to end, only an early end is churn",
        values=("subscription", "maintenance", "service", "order", "fixed_term"),
    ),
    Column("service_level", "text", "level of service bought"),
    Column("term_start", "time", "first moment of the term", required=True),
    Column("term_end", "time", "first moment after the term; missing: open-ended"),
    Column("arr", "number", "annual recurring revenue", required=True, unit="currency per year", lower=0),
    Column("seats", "integer", "licences bought", unit="people", lower=0),
    Column("auto_renew", "boolean", "renews unless notice is given"),
    Column("notice_at", "time", "when notice of leaving was given"),
    key=("contract_id", "term_start", "available_at"),
    time="term_start",
    required=True,
    intervals=(Interval("term_start", "term_end"),),
)

USAGE_DAILY = _table(
    "usage_daily",
    "account, day and product",
    _ACCOUNT,
    Column("date", "date", "day of use", required=True),
    Column("product", "text", "what was used"),
    Column("active_users", "integer", "different people who used it that day", unit="people", lower=0),
    Column("events", "integer", "product events", unit="events", lower=0),
    Column("features_used", "integer", "different features used", unit="features", lower=0),
    Column("advanced_users", "integer", "people who used an advanced feature", unit="people", lower=0),
    Column("advanced_events", "integer", "events of advanced features", unit="events", lower=0),
    key=("account_id", "date", "product"),
    time="date",
    silent_after=14,
)

USAGE_EVENTS = _table(
    "usage_events",
    "product event; rolled up to usage_daily on reading",
    _ACCOUNT,
    Column("user_id", "text", "person; never leaves the roll-up"),
    Column("event_time", "time", "when it happened", required=True),
    Column("product", "text", "what was used"),
    Column("feature", "text", "feature used"),
    Column("advanced", "boolean", "whether the feature is an advanced one"),
    time="event_time",
)

MILESTONES = _table(
    "milestones",
    "onboarding, adoption or training step",
    _ACCOUNT,
    Column(
        "kind",
        "text",
        "what the step belongs to",
        required=True,
        values=("onboarding", "adoption", "training", "certification"),
    ),
    Column("name", "text", "the step", required=True),
    Column("planned_at", "time", "when it was to be reached"),
    Column("reached_at", "time", "when it was reached"),
    Column("people", "integer", "people it covered", unit="people", lower=0, known_with="reached_at"),
    key=("account_id", "kind", "name"),
    time="reached_at",
)

OBJECTIVES = _table(
    "objectives",
    "success plan objective",
    _ACCOUNT,
    Column("objective_id", "text", "identifies the objective within the account", required=True),
    Column("created_at", "time", "when it was agreed", required=True),
    Column("due_at", "time", "when it is due"),
    Column("achieved_at", "time", "when it was achieved"),
    Column("weight", "number", "weight within the plan; 1 where missing", unit="weight", lower=0),
    Column("expected_value", "number", "value the customer expects of it", unit="currency", lower=0),
    Column(
        "realized_value", "number", "value it brought the customer", unit="currency", lower=0, known_with="achieved_at"
    ),
    key=("account_id", "objective_id"),
    time="created_at",
)

ENGAGEMENTS = _table(
    "engagements",
    "touch between customer and vendor",
    _ACCOUNT,
    Column("engaged_at", "time", "when it took place", required=True),
    Column(
        "kind",
        "text",
        "form of the touch",
        required=True,
        values=("call", "qbr", "email", "meeting", "training", "onboarding", "executive"),
    ),
    Column("direction", "text", "who reached out", values=("inbound", "outbound")),
    Column("outcome", "text", "how it went", values=("positive", "neutral", "negative")),
    Column("contact_role", "text", "role of the customer's person"),
    Column("cost", "number", "what it cost the vendor", unit="currency", lower=0),
    time="engaged_at",
    silent_after=56,
)

TICKETS = _table(
    "tickets",
    "support request",
    Column("ticket_id", "text", "identifies the request", required=True),
    _ACCOUNT,
    Column("opened_at", "time", "when it was opened", required=True),
    Column("first_response_at", "time", "when the customer first got an answer"),
    Column("closed_at", "time", "when it was closed"),
    Column("category", "text", "what it is about", values=("defect", "how_to", "request", "billing", "other")),
    Column("severity", "integer", "1 is worst, 4 is least", lower=1, upper=4),
    Column("channel", "text", "how it reached us", values=("portal", "email", "phone", "chat", "social", "community")),
    Column("escalated", "boolean", "went to a higher level", known_with="closed_at"),
    Column("reopened", "boolean", "was opened again", known_with="closed_at"),
    Column("first_contact", "boolean", "solved in the first answer", known_with="closed_at"),
    Column("csat", "number", "satisfaction with it", unit="1 to 5", lower=1, upper=5, known_with="closed_at"),
    Column("cost", "number", "what it cost the vendor", unit="currency", lower=0, known_with="closed_at"),
    key=("ticket_id",),
    time="opened_at",
    intervals=(Interval("opened_at", "closed_at"), Interval("opened_at", "first_response_at", "missing")),
    silent_after=56,
)

SURVEYS = _table(
    "surveys",
    "answer to a survey",
    _ACCOUNT,
    Column("responded_at", "time", "when it was answered", required=True),
    Column("kind", "text", "what was asked", required=True, values=("nps", "csat", "impact")),
    Column(
        "score",
        "number",
        "the answer: nps 0 to 10, csat 1 to 5, perceived impact −1 to 1",
        required=True,
        scales={"nps": (0, 10), "csat": (1, 5), "impact": (-1, 1)},
    ),
    Column("respondent_role", "text", "role of the person who answered"),
    time="responded_at",
    silent_after=364,
)

COMMUNITY_THREADS = _table(
    "community_threads",
    "thread or public post",
    Column("thread_id", "text", "identifies the thread", required=True),
    Column("account_id", "text", "the account that wrote it, where known"),
    Column("forum", "text", "where it was written", required=True),
    Column("opened_at", "time", "when it was written", required=True),
    Column("product_related", "boolean", "is about the product"),
    Column("severity", "integer", "1 is worst, 4 is least", lower=1, upper=4),
    Column("sentiment", "number", "tone of the text", unit="−1 to 1", lower=-1, upper=1),
    Column("known_answer", "boolean", "the answer was known before", known_with="resolved_at"),
    Column("in_knowledge_base", "boolean", "the answer is in the knowledge base", known_with="resolved_at"),
    Column("new_issue", "boolean", "brought up something new", known_with="resolved_at"),
    Column("resolved_at", "time", "when it was resolved"),
    Column(
        "resolved_by",
        "text",
        "who resolved it",
        values=("community", "agent", "nobody"),
        known_with="resolved_at",
    ),
    Column("deflected", "boolean", "saved a support request", known_with="resolved_at"),
    Column("answers_given", "integer", "answers the account gave to others", unit="answers", lower=0),
    Column("entitled", "boolean", "its contract covers support"),
    key=("thread_id",),
    time="opened_at",
    intervals=(Interval("opened_at", "resolved_at"),),
    silent_after=56,
)

INCIDENTS = _table(
    "incidents",
    "outage felt by an account",
    _ACCOUNT,
    Column("started_at", "time", "when it began", required=True),
    Column("ended_at", "time", "when it ended; missing: still on"),
    Column("severity", "integer", "1 is worst, 4 is least", lower=1, upper=4),
    time="started_at",
    intervals=(Interval("started_at", "ended_at"),),
)

INVOICES = _table(
    "invoices",
    "invoice",
    Column("invoice_id", "text", "identifies the invoice", required=True),
    _ACCOUNT,
    Column("issued_at", "time", "when it was issued", required=True),
    Column("due_at", "time", "when it is to be paid", required=True),
    Column("paid_at", "time", "when it was paid"),
    Column("amount", "number", "what it asks for; credits are negative", required=True, unit="currency"),
    key=("invoice_id",),
    time="issued_at",
    intervals=(Interval("issued_at", "due_at"),),
    silent_after=91,
)

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS,
        CONTRACTS,
        USAGE_DAILY,
        USAGE_EVENTS,
        MILESTONES,
        OBJECTIVES,
        ENGAGEMENTS,
        TICKETS,
        SURVEYS,
        COMMUNITY_THREADS,
        INCIDENTS,
        INVOICES,
    )
}
"""Every canonical table by name."""
