"""Timelines of accounts, and what configuration a batch was scored with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0006_timelines"
down_revision = "0005_data_reports"

by_code_point = sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table of timelines, and widen that of batches."""
    op.add_column("batches", sa.Column("configuration", sa.Text))
    op.create_table(
        "timelines",
        sa.Column("account_id", by_code_point, primary_key=True),
        sa.Column("batch_id", by_code_point, sa.ForeignKey("batches.batch_id", name="timelines_batch"), nullable=False),
        sa.Column("entries", sa.JSON, nullable=False),
        sa.Column("left_out", sa.JSON, nullable=False),
    )
    op.create_index("timelines_by_batch", "timelines", ["batch_id"])
