"""The scoring job: from checked tables and a model version to one published batch."""

from collections.abc import Callable, Iterator
from datetime import datetime

import polars as pl

from features.catalogue import CATALOGUE
from features.errors import HistoryError
from features.freshness import Feed, feeds
from features.matrix import build
from features.signal import DIMENSIONS
from features.spine import spine
from features.tables import Tables
from serving.scores import AccountScore, Batch, Freshness, Signal
from serving.store import ScoreStore
from training.model import HealthModel


def score(
    tables: Tables,
    model: HealthModel,
    store: ScoreStore,
    *,
    as_of: datetime,
    known_at: datetime,
    model_name: str,
    model_version: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Batch:
    """Score every account with a contract in force at `as_of` and publish the batch; the batch.

    Raises HistoryError where nobody is a customer at `as_of`, and whatever `ScoreStore.publish` raises.
    """
    accounts = spine(tables, [as_of])
    if accounts.is_empty():
        raise HistoryError(f"no account has a contract in force at {as_of:%Y-%m-%d}: score as of another day")
    matrix = build(tables, accounts, [CATALOGUE[name] for name in model.card.signals], progress)
    progress(f"scores of {matrix.height:,} accounts")
    scored = matrix.join(model.score(matrix), on=["account_id", "as_of"])
    batch = Batch(
        as_of=as_of,
        known_at=known_at,
        model_name=model_name,
        model_version=model_version,
        mode=model.card.mode,
        catalogue_digest=model.card.catalogue_digest,
        accounts=scored.height,
    )
    progress(f"published to {scored.height:,} accounts' history")
    store.publish(batch, _scores(scored, model.card.signals, feeds(tables, as_of)))
    return batch


def _scores(scored: pl.DataFrame, signals: tuple[str, ...], sources: tuple[Feed, ...]) -> Iterator[AccountScore]:
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
            points={dimension: row[f"points_{dimension}"] for dimension in DIMENSIONS},
            signals=[Signal(name, row[name], row[f"points__{name}"]) for name in signals],
            freshness={feed.table: Freshness(feed.by_account.get(account), feed.status) for feed in sources},
        )
