"""What was seen of a model in use, and publications that a person let through."""

import sqlalchemy as sa
from alembic import op

revision = "0008_looks"
down_revision = "0007_shadow"


def upgrade() -> None:
    """Make the tables of looks and of publications against an alarm."""
    op.create_table(
        "looks",
        sa.Column("look_id", sa.Text, primary_key=True),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
    )
    op.create_table(
        "let_through",
        sa.Column("let_through_id", sa.Text, primary_key=True),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("alarms", sa.JSON, nullable=False),
    )
