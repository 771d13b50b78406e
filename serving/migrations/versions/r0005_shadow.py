"""Scores of challengers, kept apart from those that are shown."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0005_shadow"
down_revision = "0004_sessions"


def upgrade() -> None:
    """Make the table of shadow scores."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    op.create_table(
        "shadow_scores",
        sa.Column("batch_id", text, primary_key=True),
        sa.Column("account_id", text, primary_key=True),
        sa.Column("model_version", sa.Text, primary_key=True),
        sa.Column("health", sa.Double, nullable=False),
        sa.Column("band", sa.Text, nullable=False),
        *(sa.Column(f"risk_{days}d", sa.Double, nullable=False) for days in (30, 90, 180, 365)),
        sa.ForeignKeyConstraint(
            ["batch_id", "account_id"], ["scores.batch_id", "scores.account_id"], name="shadow_scores_score"
        ),
    )
