"""Accounts drawn to be worked on or held out, and what that told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0009_holdouts"
down_revision = "0008_looks"

by_code_point = sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables of what was drawn and of what was measured."""
    op.create_table(
        "draws",
        sa.Column("account_id", by_code_point, primary_key=True),
        sa.Column("renewal_at", sa.DateTime, primary_key=True),
        sa.Column("held_out", sa.Boolean, nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("play", sa.Text),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("renewal_risk", sa.Double, nullable=False),
        sa.Column("arr", sa.Double, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("drawn_at", sa.DateTime, nullable=False),
        sa.Column("released_at", sa.DateTime),
    )
    op.create_table(
        "measured_effects",
        sa.Column("measured_at", sa.DateTime, primary_key=True),
        sa.Column("observed_until", sa.DateTime, nullable=False),
        sa.Column("effects", sa.JSON, nullable=False),
    )
