"""What happened to each account, and what is known to lie ahead of it, as known at a moment.

A row is an **entry** in one of six lanes: contract, touches, tickets, plan, incidents, surveys. It says when (`at`), of
what kind, and the few facts a reader needs; of people it holds their role and nothing else. An entry counts once it is
known: at the later of its time and its `available_at`, but for a contract's row, which may be known ahead of its term.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from features.tables import Tables

BACK = timedelta(days=365)
"""How far back entries are kept."""
MOST = 300
"""Entries that a lane of an account keeps: the latest of them."""

_TIMES = ("at", "ended_at", "due_at", "known_at", "superseded_at")
_TEXTS = ("account_id", "lane", "kind", "id", "outcome", "direction", "contact_role")
_NUMBERS = ("severity", "score", "arr")
FACTS = (
    "id",
    "ended_at",
    "due_at",
    "superseded_at",
    "severity",
    "outcome",
    "direction",
    "contact_role",
    "score",
    "arr",
)
"""What an entry may have beside `lane`, `kind`, `at` and `known_at`."""
_SCHEMA = {
    **dict.fromkeys(_TEXTS, pl.String()),
    **dict.fromkeys(_TIMES, pl.Datetime("us")),
    **dict.fromkeys(_NUMBERS, pl.Float64()),
}


def timelines(tables: Tables, as_of: datetime, accounts: pl.DataFrame) -> pl.DataFrame:
    """The entries of `accounts` (column `account_id`) as known at `as_of`, each account's lanes in order of time.

    Columns: account_id, lane, kind, at, known_at, the `FACTS` (missing where they don't apply), and `left_out`: how
    many older entries of the last `BACK` that lane of the account has beyond the latest `MOST`. Kinds are those of the
    tables; a contract's are `started`, `renewed`, `amended`, `notice`, and `renewal` for the end of its signed terms.
    `ended_at` is empty until it has come; `superseded_at`: when a later row of the contract made it untrue.
    """
    lanes = list(_lanes(tables))
    entries = pl.concat(lanes) if lanes else pl.LazyFrame(schema=_SCHEMA)
    reached = pl.max_horizontal("at", "ended_at", "due_at")
    ended = pl.when(pl.col("ended_at") <= as_of).then(pl.col("ended_at"))
    found = (
        entries.join(accounts.lazy().select("account_id").unique(), on="account_id", how="semi")
        .with_columns(ended_at=ended)
        .filter(
            pl.col("known_at") <= as_of,
            (reached > as_of - BACK) | ((pl.col("lane") == "tickets") & pl.col("ended_at").is_null()),
            # What was untrue before the year began was never shown in it.
            pl.col("superseded_at").is_null() | (pl.col("superseded_at") > as_of - BACK),
        )
        .with_columns(
            newest=pl.struct("at", "known_at", "kind", "id").rank("ordinal", descending=True).over("account_id", "lane")
        )
        .with_columns(left_out=pl.len().over("account_id", "lane").cast(pl.Int64).sub(MOST).clip(lower_bound=0))
        .filter(pl.col("newest") <= MOST)
        .sort("account_id", "lane", "newest", descending=[False, False, True])
    )
    return found.select("account_id", "lane", "kind", "at", "known_at", *FACTS, "left_out").collect()


def _lanes(tables: Tables) -> Iterator[pl.LazyFrame]:
    """The entries of each table the company has."""
    yield from _contracts(tables["contracts"]) if "contracts" in tables else ()
    if "engagements" in tables:
        touched = tables["engagements"].with_columns(at="engaged_at")
        yield _entries(touched, "touches", "kind", "outcome", "direction", "contact_role")
    if "tickets" in tables:
        asked = tables["tickets"].with_columns(at="opened_at", ended_at="closed_at", id="ticket_id")
        yield _entries(asked, "tickets", "category", "ended_at", "id", "severity")
    if "objectives" in tables:
        agreed = tables["objectives"].with_columns(at="created_at", ended_at="achieved_at", id="objective_id")
        yield _entries(agreed, "plan", pl.lit("objective"), "ended_at", "due_at", "id")
    if "milestones" in tables:
        planned, reached = pl.col("planned_at"), pl.col("reached_at")
        steps = tables["milestones"].with_columns(
            at=pl.coalesce(planned, reached), ended_at=reached, due_at=planned, id="name",
            # A plan that doesn't say when it became known is known when its day has come.
            available_at=pl.coalesce("available_at", pl.min_horizontal(planned, reached)),
        )  # fmt: skip
        yield _entries(steps, "plan", "kind", "ended_at", "due_at", "id", known_at=pl.col("available_at"))
    if "incidents" in tables:
        outages = tables["incidents"].with_columns(at="started_at")
        yield _entries(outages, "incidents", pl.lit("outage"), "ended_at", "severity")
    if "surveys" in tables:
        answers = tables["surveys"].with_columns(at="responded_at", contact_role="respondent_role")
        yield _entries(answers, "surveys", "kind", "score", "contact_role")


def _contracts(contracts: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """Terms as they begin, amendments as they become known, notices, and where the signed terms end."""
    order = ("contract_id", "term_start", "known_at")
    known_at = pl.coalesce("available_at", "term_start")
    later = pl.col("known_at").reverse().cum_min().reverse().shift(-1)
    versions = (
        contracts.with_columns(known_at=known_at, id="contract_id")
        .sort(*order, "arr")
        .with_columns(superseded_at=later.over("contract_id"), first=pl.col("term_start").min().over("contract_id"))
        .with_columns(opens=pl.int_range(pl.len()).over("contract_id", "term_start") == 0)
    )
    opens, begins = pl.col("opens"), pl.col("term_start") == pl.col("first")
    kind = pl.when(~opens).then(pl.lit("amended")).when(begins).then(pl.lit("started")).otherwise(pl.lit("renewed"))
    at = pl.when(opens).then(pl.col("term_start")).otherwise(pl.col("known_at"))
    known = pl.col("known_at")
    yield _entries(versions.with_columns(at=at).drop("superseded_at"), "contract", kind, "id", "arr", known_at=known)
    notices = versions.filter(pl.col("notice_at").is_not_null()).unique(
        ["contract_id", "notice_at"], keep="first", maintain_order=True
    )
    told = pl.max_horizontal("notice_at", "available_at")
    yield _entries(notices.with_columns(at="notice_at"), "contract", pl.lit("notice"), "id", known_at=told)
    ends = versions.filter(pl.col("term_end").is_not_null()).with_columns(at="term_end")
    yield _entries(ends, "contract", pl.lit("renewal"), "id", "superseded_at", "arr", known_at=known)


def _entries(
    rows: pl.LazyFrame, lane: str, kind: str | pl.Expr, *facts: str, known_at: pl.Expr | None = None
) -> pl.LazyFrame:
    """Rows as entries of a lane, with these facts; those without a time aren't any."""
    kind = pl.col(kind) if isinstance(kind, str) else kind
    known_at = pl.max_horizontal("at", "available_at") if known_at is None else known_at
    held = {name: pl.col(name) for name in facts}
    made = {"account_id": pl.col("account_id"), "lane": pl.lit(lane), "kind": kind.fill_null("other"),
            "at": pl.col("at"), "known_at": known_at, **held}  # fmt: skip
    return rows.filter(pl.col("at").is_not_null()).select(
        (made.get(name, pl.lit(None)).cast(dtype)).alias(name) for name, dtype in _SCHEMA.items()
    )
