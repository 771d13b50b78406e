"""The tables of the score store, and how a database is brought up to them.

What a list shows is kept apart from what only one account's page shows, so that lists read narrow rows. Texts
compare by code point on every database (SQLite's own way, collation "C" on PostgreSQL): the same order everywhere.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
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
    CheckConstraint("health BETWEEN 0 AND 100", name="scores_health"),
    CheckConstraint("band IN ('healthy', 'at_risk', 'critical')", name="scores_band"),
    CheckConstraint(
        "risk_30d BETWEEN 0 AND 1 AND risk_90d BETWEEN 0 AND 1 AND risk_180d BETWEEN 0 AND 1"
        " AND risk_365d BETWEEN 0 AND 1 AND (renewal_risk IS NULL OR renewal_risk BETWEEN 0 AND 1)",
        name="scores_risks",
    ),
    CheckConstraint("coverage BETWEEN 0 AND 1", name="scores_coverage"),
)

Index("scores_by_arr_at_risk", scores.c.batch_id, scores.c.arr_at_risk)
Index("scores_by_owner", scores.c.batch_id, scores.c.owner, scores.c.arr_at_risk)

score_details = Table(
    "score_details",
    metadata,
    Column("batch_id", ByCodePoint, primary_key=True),
    Column("account_id", ByCodePoint, primary_key=True),
    Column("base_points", Double, nullable=False),
    Column("points", JSON, nullable=False),
    Column("signals", JSON, nullable=False),
    Column("freshness", JSON, nullable=False),
    ForeignKeyConstraint(
        ["batch_id", "account_id"], ["scores.batch_id", "scores.account_id"], name="score_details_score"
    ),
)

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
