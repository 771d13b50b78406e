"""What replay needs, books, opinions, actions, erasures and webhooks; lists are read whole, so their indexes go."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0003_history"
down_revision = "0002_access"

by_code_point = sa.Text().with_variant(TEXT(collation="C"), "postgresql")

DIMENSIONS = ("onboarding", "adoption", "success", "engagement", "support", "availability", "community", "relationship")


def upgrade() -> None:
    """Widen the first tables and make the others."""
    for column in (
        sa.Column("code_version", sa.Text),
        sa.Column("data_digest", sa.Text),
        sa.Column("erased", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("batches", column)
    for column in (
        sa.Column("health_low", sa.Double),
        sa.Column("health_high", sa.Double),
        sa.Column("contraction_risk", sa.Double),
        sa.Column("expected_arr", sa.Double),
        sa.Column("notice_given", sa.Boolean),
        sa.Column("settled_band", sa.Text),
        *(sa.Column(f"points_{dimension}", sa.Double) for dimension in DIMENSIONS),
    ):
        op.add_column("scores", column)
    op.drop_index("scores_by_arr_at_risk", "scores")
    op.drop_index("scores_by_owner", "scores")
    for column in (
        sa.Column("drivers", sa.JSON),
        sa.Column("days_to_renewal", sa.Double),
        sa.Column("term_days", sa.Double),
    ):
        op.add_column("score_details", column)
    if op.get_bind().dialect.name == "postgresql":  # a batch is published a quarter faster
        op.execute("""
            DO $$ BEGIN ALTER TABLE score_details ALTER signals SET COMPRESSION lz4;
            EXCEPTION WHEN feature_not_supported THEN NULL; END $$
        """)
    op.create_table(
        "books",
        sa.Column("batch_id", by_code_point, sa.ForeignKey("batches.batch_id", name="books_batch"), primary_key=True),
        sa.Column("grouping", sa.Text, primary_key=True),
        sa.Column("parts", sa.JSON, nullable=False),
    )
    op.create_table(
        "opinions",
        sa.Column("opinion_id", sa.Text, primary_key=True),
        sa.Column("account_id", by_code_point, nullable=False),
        sa.Column("rating", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("stated_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("health", sa.Double, nullable=False),
        sa.Column("band", sa.Text, nullable=False),
        sa.CheckConstraint("rating IN ('healthy', 'at_risk', 'critical')", name="opinions_rating"),
    )
    op.create_table(
        "actions",
        sa.Column("action_id", sa.Text, primary_key=True),
        sa.Column("account_id", by_code_point, nullable=False),
        sa.Column("play", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("taken_at", sa.DateTime, nullable=False),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("health", sa.Double, nullable=False),
        sa.Column("band", sa.Text, nullable=False),
        sa.CheckConstraint("step IN ('started', 'done', 'outcome')", name="actions_step"),
    )
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.Text, primary_key=True),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("account_hash", sa.Text, nullable=False),
        sa.Column("erased_at", sa.DateTime, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
    )
    op.create_table(
        "subscriptions",
        sa.Column("subscription_id", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
    )
    op.create_table(
        "events",
        sa.Column("event_id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("account_id", by_code_point),
        sa.Column("happened_at", sa.DateTime, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("once", sa.Text),
        sa.UniqueConstraint("once", name="events_once"),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.Integer, sa.ForeignKey("events.event_id", name="deliveries_event"), nullable=False),
        sa.Column(
            "subscription_id",
            sa.Text,
            sa.ForeignKey("subscriptions.subscription_id", name="deliveries_subscription"),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("delivered_at", sa.DateTime),
    )
    op.create_table(
        "attempts",
        sa.Column("attempt_id", sa.Integer, primary_key=True),
        sa.Column(
            "delivery_id", sa.Integer, sa.ForeignKey("deliveries.delivery_id", name="attempts_delivery"), nullable=False
        ),
        sa.Column("tried_at", sa.DateTime, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
    )
    op.create_index("opinions_by_account", "opinions", ["account_id"])
    op.create_index("actions_by_account", "actions", ["account_id"])
    op.create_index("events_by_account", "events", ["account_id"])
    op.create_index("deliveries_by_due", "deliveries", ["due_at"])
    op.create_index("deliveries_by_event", "deliveries", ["event_id"])
    op.create_index("attempts_by_delivery", "attempts", ["delivery_id"])
