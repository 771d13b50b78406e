"""Product events, counted per account, day and product. People's identifiers end here."""

import polars as pl

from features.tables import USAGE_DAILY

KEY = ("account_id", "date", "product")


def roll_up(events: pl.DataFrame) -> pl.DataFrame:
    """Rows of usage_daily from rows of usage_events.

    A day's figures are known when the day is over, or when the last of its events became known, if that is later.
    """
    advanced = pl.col("advanced").fill_null(False)
    known = pl.col("available_at").max()
    counts = (
        events.lazy()
        .group_by("account_id", pl.col("event_time").dt.date().alias("date"), "product")
        .agg(
            active_users=pl.col("user_id").drop_nulls().n_unique(),
            events=pl.len(),
            features_used=pl.col("feature").drop_nulls().n_unique(),
            advanced_users=pl.col("user_id").filter(advanced).drop_nulls().n_unique(),
            advanced_events=advanced.sum(),
            available_at=known,
        )
        .with_columns(
            available_at=pl.when(
                pl.col("available_at") > pl.col("date").cast(pl.Datetime("us")).dt.offset_by("1d")
            ).then("available_at")
        )
    )
    absent = {
        "user_id": ("active_users", "advanced_users"),
        "feature": ("features_used",),
        "advanced": ("advanced_users", "advanced_events"),
    }
    gone = {name for column, names in absent.items() if events[column].null_count() == events.height for name in names}
    counts = counts.with_columns(pl.lit(None).alias(name) for name in sorted(gone))
    return counts.select(pl.col(name).cast(kind) for name, kind in USAGE_DAILY.schema.items()).sort(KEY).collect()
