"""The tables of the score store, and how a database is brought up to them.

What a list shows is kept apart from what only one account's page shows, so that a whole batch is read in narrow rows.
Every table with a column `account_id` holds something on an account: `serving.erasure` finds them by that. Texts
compare by code point on every database (SQLite's own way, collation "C" on PostgreSQL): the same order everywhere.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Double,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TEXT

from features.signal import DIMENSIONS
from serving.errors import StoreTooNew

ByCodePoint = Text().with_variant(TEXT(collation="C"), "postgresql")

metadata = MetaData()

batches = Table(
    "batches",
    metadata,
    Column("batch_id", ByCodePoint, primary_key=True),
    Column("as_of", DateTime, nullable=False),
    Column("known_at", DateTime, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("catalogue_digest", Text, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("code_version", Text),
    Column("data_digest", Text),
    Column("erased", Integer, nullable=False, server_default="0"),  # accounts erased since
    Column("configuration", Text),
    UniqueConstraint("as_of", "known_at", name="batches_moment"),
)

scores = Table(
    "scores",
    metadata,
    Column("batch_id", ByCodePoint, ForeignKey("batches.batch_id", name="scores_batch"), primary_key=True),
    Column("account_id", ByCodePoint, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", ByCodePoint, nullable=False),  # name and account_id for sorting and searching
    Column("segment", ByCodePoint),
    Column("region", ByCodePoint),
    Column("owner", ByCodePoint),
    Column("arr", Double, nullable=False),
    Column("renewal_at", DateTime),
    Column("health", Double, nullable=False),
    Column("band", Text, nullable=False),
    Column("risk_30d", Double, nullable=False),
    Column("risk_90d", Double, nullable=False),
    Column("risk_180d", Double, nullable=False),
    Column("risk_365d", Double, nullable=False),
    Column("renewal_risk", Double),
    Column("arr_at_risk", Double, nullable=False),
    Column("coverage", Double, nullable=False),
    Column("health_low", Double),
    Column("health_high", Double),
    Column("contraction_risk", Double),
    Column("expected_arr", Double),
    Column("notice_given", Boolean),
    Column("settled_band", Text),  # the band without flapping, see `serving.bands`
    *(Column(f"points_{dimension}", Double) for dimension in DIMENSIONS),
    CheckConstraint("health BETWEEN 0 AND 100", name="scores_health"),
    CheckConstraint("band IN ('healthy', 'at_risk', 'critical')", name="scores_band"),
    CheckConstraint(
        "risk_30d BETWEEN 0 AND 1 AND risk_90d BETWEEN 0 AND 1 AND risk_180d BETWEEN 0 AND 1"
        " AND risk_365d BETWEEN 0 AND 1 AND (renewal_risk IS NULL OR renewal_risk BETWEEN 0 AND 1)",
        name="scores_risks",
    ),
    CheckConstraint("coverage BETWEEN 0 AND 1", name="scores_coverage"),
)

score_details = Table(
    "score_details",
    metadata,
    Column("batch_id", ByCodePoint, primary_key=True),
    Column("account_id", ByCodePoint, primary_key=True),
    Column("base_points", Double, nullable=False),
    Column("points", JSON, nullable=False),
    Column("signals", JSON, nullable=False),
    Column("freshness", JSON, nullable=False),
    Column("drivers", JSON(none_as_null=True)),
    Column("days_to_renewal", Double),
    Column("term_days", Double),
    ForeignKeyConstraint(
        ["batch_id", "account_id"], ["scores.batch_id", "scores.account_id"], name="score_details_score"
    ),
)

books = Table(
    "books",
    metadata,
    Column("batch_id", ByCodePoint, ForeignKey("batches.batch_id", name="books_batch"), primary_key=True),
    Column("grouping", Text, primary_key=True),
    Column("parts", JSON, nullable=False),
)

data_reports = Table(
    "data_reports",
    metadata,
    Column("batch_id", ByCodePoint, ForeignKey("batches.batch_id", name="data_reports_batch"), primary_key=True),
    Column("report", JSON, nullable=False),
)

timelines = Table(
    "timelines",
    metadata,
    Column("account_id", ByCodePoint, primary_key=True),
    Column("batch_id", ByCodePoint, ForeignKey("batches.batch_id", name="timelines_batch"), nullable=False),
    Column("entries", JSON, nullable=False),
    Column("left_out", JSON, nullable=False),
)

shadow_scores = Table(
    "shadow_scores",  # what a challenger says, never shown as the score
    metadata,
    Column("batch_id", ByCodePoint, primary_key=True),
    Column("account_id", ByCodePoint, primary_key=True),
    Column("model_version", Text, primary_key=True),
    Column("health", Double, nullable=False),
    Column("band", Text, nullable=False),
    *(Column(f"risk_{days}d", Double, nullable=False) for days in (30, 90, 180, 365)),
    ForeignKeyConstraint(
        ["batch_id", "account_id"], ["scores.batch_id", "scores.account_id"], name="shadow_scores_score"
    ),
)

opinions = Table(
    "opinions",
    metadata,
    Column("opinion_id", Text, primary_key=True),
    Column("account_id", ByCodePoint, nullable=False),
    Column("rating", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("stated_at", DateTime, nullable=False),
    Column("expires_at", DateTime),
    Column("batch_id", Text, nullable=False),  # of the score it was stated beside
    Column("health", Double, nullable=False),
    Column("band", Text, nullable=False),
    CheckConstraint("rating IN ('healthy', 'at_risk', 'critical')", name="opinions_rating"),
)

actions = Table(
    "actions",
    metadata,
    Column("action_id", Text, primary_key=True),
    Column("account_id", ByCodePoint, nullable=False),
    Column("play", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("outcome", Text),
    Column("note", Text),
    Column("author", Text, nullable=False),
    Column("taken_at", DateTime, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("health", Double, nullable=False),
    Column("band", Text, nullable=False),
    CheckConstraint("step IN ('started', 'done', 'outcome')", name="actions_step"),
)

draws = Table(  # by chance, before anything was done: see `serving.holdouts`
    "draws",
    metadata,
    Column("account_id", ByCodePoint, primary_key=True),
    Column("renewal_at", DateTime, primary_key=True),
    Column("held_out", Boolean, nullable=False),
    Column("share", Double, nullable=False),  # that was to be held out
    Column("play", Text),  # that was recommended then
    Column("batch_id", Text, nullable=False),  # of the score it was drawn from
    Column("as_of", DateTime, nullable=False),
    Column("renewal_risk", Double, nullable=False),
    Column("arr", Double, nullable=False),
    Column("author", Text, nullable=False),
    Column("drawn_at", DateTime, nullable=False),
    Column("released_at", DateTime),  # since when it may be worked on after all
)

measured_effects = Table(
    "measured_effects",
    metadata,
    Column("measured_at", DateTime, primary_key=True),
    Column("observed_until", DateTime, nullable=False),
    Column("effects", JSON, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("account_hash", Text, nullable=False),
    Column("erased_at", DateTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("rows", Integer, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("subscription_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("secret", Text, nullable=False),  # signing needs it as it is
    Column("author", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
)

events = Table(
    "events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account_id", ByCodePoint),
    Column("happened_at", DateTime, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("once", Text),  # at most one event of a value
    UniqueConstraint("once", name="events_once"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Integer, primary_key=True),
    Column("event_id", Integer, ForeignKey("events.event_id", name="deliveries_event"), nullable=False),
    Column("subscription_id", Text, ForeignKey("subscriptions.subscription_id", name="deliveries_subscription"),
           nullable=False),
    Column("due_at", DateTime),  # none: delivered or given up
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("delivered_at", DateTime),
)  # fmt: skip

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", Integer, primary_key=True),
    Column("delivery_id", Integer, ForeignKey("deliveries.delivery_id", name="attempts_delivery"), nullable=False),
    Column("tried_at", DateTime, nullable=False),
    Column("status", Integer),
    Column("error", Text),
)

looks = Table(
    "looks",  # at the model in use, by `healthscore monitor`
    metadata,
    Column("look_id", Text, primary_key=True),
    Column("as_of", DateTime, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("model_name", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("result", JSON, nullable=False),
)

let_through = Table(
    "let_through",  # publications that alarms would have held back
    metadata,
    Column("let_through_id", Text, primary_key=True),
    Column("as_of", DateTime, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("alarms", JSON, nullable=False),
)

Index("timelines_by_batch", timelines.c.batch_id)
Index("opinions_by_account", opinions.c.account_id)
Index("actions_by_account", actions.c.account_id)
Index("events_by_account", events.c.account_id)
Index("deliveries_by_due", deliveries.c.due_at)
Index("deliveries_by_event", deliveries.c.event_id)
Index("attempts_by_delivery", attempts.c.delivery_id)

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_305_811  # any number, the same in every process


def upgrade(engine: Engine) -> None:
    """Bring the database up to these tables; safe when several processes start at once.

    Raises StoreTooNew if a later program has changed the tables.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _revision(connection) == script.get_current_head():
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        revision = _revision(connection)
        if revision not in {None, *(known.revision for known in script.walk_revisions())}:
            raise StoreTooNew(
                f"the score store is at revision {revision}, which this healthscore doesn't know: upgrade healthscore"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
