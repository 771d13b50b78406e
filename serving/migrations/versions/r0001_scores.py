"""Batches, their scores and the scores' details."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0001"
down_revision = None

by_code_point = sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "batches",
        sa.Column("batch_id", by_code_point, primary_key=True),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("known_at", sa.DateTime, nullable=False),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("catalogue_digest", sa.Text, nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.UniqueConstraint("as_of", "known_at", name="batches_moment"),
    )
    op.create_table(
        "scores",
        sa.Column("batch_id", by_code_point, sa.ForeignKey("batches.batch_id", name="scores_batch"), primary_key=True),
        sa.Column("account_id", by_code_point, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded", by_code_point, nullable=False),
        sa.Column("segment", by_code_point),
        sa.Column("region", by_code_point),
        sa.Column("owner", by_code_point),
        sa.Column("arr", sa.Double, nullable=False),
        sa.Column("renewal_at", sa.DateTime),
        sa.Column("health", sa.Double, nullable=False),
        sa.Column("band", sa.Text, nullable=False),
        sa.Column("risk_30d", sa.Double, nullable=False),
        sa.Column("risk_90d", sa.Double, nullable=False),
        sa.Column("risk_180d", sa.Double, nullable=False),
        sa.Column("risk_365d", sa.Double, nullable=False),
        sa.Column("renewal_risk", sa.Double),
        sa.Column("arr_at_risk", sa.Double, nullable=False),
        sa.Column("coverage", sa.Double, nullable=False),
        sa.CheckConstraint("health BETWEEN 0 AND 100", name="scores_health"),
        sa.CheckConstraint("band IN ('healthy', 'at_risk', 'critical')", name="scores_band"),
        sa.CheckConstraint(
            "risk_30d BETWEEN 0 AND 1 AND risk_90d BETWEEN 0 AND 1 AND risk_180d BETWEEN 0 AND 1"
            " AND risk_365d BETWEEN 0 AND 1 AND (renewal_risk IS NULL OR renewal_risk BETWEEN 0 AND 1)",
            name="scores_risks",
        ),
        sa.CheckConstraint("coverage BETWEEN 0 AND 1", name="scores_coverage"),
    )
    op.create_index("scores_by_arr_at_risk", "scores", ["batch_id", "arr_at_risk"])
    op.create_index("scores_by_owner", "scores", ["batch_id", "owner", "arr_at_risk"])
    op.create_table(
        "score_details",
        sa.Column("batch_id", by_code_point, primary_key=True),
        sa.Column("account_id", by_code_point, primary_key=True),
        sa.Column("base_points", sa.Double, nullable=False),
        sa.Column("points", sa.JSON, nullable=False),
        sa.Column("signals", sa.JSON, nullable=False),
        sa.Column("freshness", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id", "account_id"], ["scores.batch_id", "scores.account_id"], name="score_details_score"
        ),
    )
