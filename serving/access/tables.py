"""The tables of keys, sessions and the audit log, beside the scores in the same database."""

from sqlalchemy import JSON, BigInteger, Column, DateTime, Index, Integer, MetaData, SmallInteger, Table, Text

from serving.schema import ByCodePoint

metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", ByCodePoint, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("owner", Text),
    Column("scopes", JSON, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the whole key, which nobody has kept
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime),
    Column("revoked_at", DateTime),
    Column("last_used_at", DateTime),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("entry", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", DateTime, nullable=False),
    Column("who", ByCodePoint, nullable=False),
    Column("what", Text, nullable=False),
    Column("account_id", ByCodePoint),
    Column("request_id", Text),
    Column("result", SmallInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of what the browser holds
    Column("who", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("owner", Text),
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime, nullable=False),
)

Index("audit_log_by_account", audit_log.c.account_id, audit_log.c.entry)
Index("audit_log_by_who", audit_log.c.who, audit_log.c.entry)
