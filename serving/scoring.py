"""The scoring job: from checked tables and a model version to one published batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import CATALOGUE, SIGNALS
from features.errors import HistoryError
from features.findings import Checked
from features.freshness import Feed, feeds
from features.matrix import build
from features.signal import DIMENSIONS
from features.spine import spine
from features.tables import Tables
from features.timeline import timelines
from serving.book import book_parts
from serving.data_reporting import data_report
from serving.scores import AccountScore, Batch, Driver, Freshness, Signal
from serving.store import ScoreStore
from serving.timelines import account_timelines
from training.model import HealthModel, explained


def score(
    tables: Tables,
    model: HealthModel,
    store: ScoreStore,
    *,
    as_of: datetime,
    known_at: datetime,
    model_name: str,
    model_version: str,
    targets: Mapping[str, float] | None = None,
    grace_days: int = 30,
    data_digest: str | None = None,
    checked: Checked | None = None,
    quarantine: Path | None = None,
    matrix: pl.DataFrame | None = None,
    gate: Callable[[pl.DataFrame], None] = lambda _: None,
    progress: Callable[[str], None] = lambda _: None,
) -> Batch:
    """Score every account with a contract in force at `as_of` and publish the batch; the batch.

    With it go the measures of the book, the accounts' timelines, and what was found in the data: the check that
    `tables` came out of and the folder of its quarantine. Every signal of the catalogue is kept, also those the model
    doesn't use; `matrix` holds them where they have been built already. `gate` is shown the matrix with the scores
    beside it before anything is published; what it raises stops the batch. Raises HistoryError where nobody is a
    customer at `as_of`, and whatever `ScoreStore.publish` raises.
    """
    if matrix is None:
        matrix = build(tables, spine(tables, [as_of]), SIGNALS, progress)
    if matrix.is_empty():
        raise HistoryError(f"no account has a contract in force at {as_of:%Y-%m-%d}: score as of another day")
    progress(f"scores of {matrix.height:,} accounts")
    scored = scored_by(model, matrix)
    gate(scored)
    progress("drivers in words")
    scored = scored.with_columns(drivers=explained(model, matrix, scored))
    progress("measures of the book")
    book = book_parts(tables, scored, model, as_of, targets=targets or {}, grace_days=grace_days)
    batch = batch_by(
        model, accounts=scored.height, as_of=as_of, known_at=known_at, model_name=model_name,
        model_version=model_version, data_digest=data_digest,
    )  # fmt: skip
    entries = timelines(tables, as_of, matrix.select("account_id", "as_of"))
    progress(f"published to {scored.height:,} accounts' history")
    sources = feeds(tables, as_of)
    data = data_report(scored, sources, as_of, checked, quarantine)
    store.publish(
        batch, account_scores(scored, tuple(CATALOGUE), sources), book, data=data, timelines=account_timelines(entries)
    )
    return batch


def batch_by(model: HealthModel, **about: Any) -> Batch:
    """A batch scored by a model with this program; `about`: the fields of `Batch` these don't tell."""
    card = model.card
    return Batch(
        mode=card.mode, catalogue_digest=card.catalogue_digest, code_version=version("healthscore"),
        configuration=model.configuration, **about,
    )  # fmt: skip


def scored_by(model: HealthModel, matrix: pl.DataFrame) -> pl.DataFrame:
    """The matrix with the model's columns beside it, in its order."""
    return pl.concat([matrix, model.score(matrix).drop("account_id", "as_of")], how="horizontal")


def account_scores(scored: pl.DataFrame, signals: Sequence[str], sources: Sequence[Feed]) -> Iterator[AccountScore]:
    """The scores of a matrix with the model's columns; what the model doesn't give is None."""
    for row in scored.iter_rows(named=True):
        account = row["account_id"]
        yield AccountScore(
            account_id=account,
            name=row["name"] or account,
            segment=row["segment"],
            region=row["region"],
            owner=row["owner"],
            arr=row["arr_in_force"],
            renewal_at=row["renewal_at"],
            health=row["health"],
            band=row["band"],
            risk_30d=row["risk_30d"],
            risk_90d=row["risk_90d"],
            risk_180d=row["risk_180d"],
            risk_365d=row["risk_365d"],
            renewal_risk=row["renewal_risk"],
            arr_at_risk=row["arr_at_risk"],
            coverage=min(row["coverage"], 1.0),
            base_points=row["base_points"],
            points={part: row[f"points_{part}"] for part in ("segment", *DIMENSIONS) if f"points_{part}" in row},
            signals=[Signal(name, row.get(name), row.get(f"points__{name}", 0.0)) for name in signals],
            freshness={feed.table: Freshness(feed.by_account.get(account), feed.status) for feed in sources},
            health_low=row.get("health_low"),
            health_high=row.get("health_high"),
            contraction_risk=row.get("contraction_risk", row.get("contraction_risk_365d")),
            expected_arr=row.get("expected_arr"),
            drivers=_drivers(row.get("drivers")),
            notice_given=_yes(row.get("notice_given")),
            days_to_renewal=_days_between(row["as_of"], row["renewal_at"]),
            term_days=row["term_days"],
        )


def _drivers(given: Sequence[Mapping[str, Any]] | None) -> Sequence[Driver] | None:
    return None if given is None else [Driver(**driver) for driver in given]


def _yes(value: float | None) -> bool | None:
    return None if value is None else value >= 0.5


def _days_between(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds() / 86_400
