"""What came in beside each batch: what the check found, freshness and coverage."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0005_data_reports"
down_revision = "0004_sessions"

by_code_point = sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table of reports."""
    op.create_table(
        "data_reports",
        sa.Column(
            "batch_id", by_code_point, sa.ForeignKey("batches.batch_id", name="data_reports_batch"), primary_key=True
        ),
        sa.Column("report", sa.JSON, nullable=False),
    )
