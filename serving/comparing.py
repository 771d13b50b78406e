"""Two model versions beside each other: what was proven of each, what they say of today's book, and who was right.

The last is told from shadow scores: what the one was shown to say and the other said beside it, about the same accounts
on the same day, held against what has matured since.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from sqlalchemy import select

from features.tables import Tables
from serving.schema import batches, scores, shadow_scores
from serving.scores import BANDS
from serving.store import ScoreStore
from serving.stored_matrix import stored_accounts, stored_matrix
from training.evaluation import churned_within, with_intervals
from training.intervals import Estimate, Resamples
from training.model import HORIZONS, HealthModel
from training.outcomes import outcomes
from training.receipt import Receipt

FIGURES = ("auc", "brier", "log_loss", "expected_to_actual", "expected_to_actual_arr", "lift", "arr_caught")
TOLD_AT = 90


@dataclass(frozen=True)
class Agreement:
    """What two versions say of the same accounts.

    `bands`: how many accounts have one band by the first and another by the second. `changed_arr` is the ARR of those
    whose bands differ, `correlation` that of the healths' ranks, `moved` the mean absolute difference of health.
    """

    as_of: datetime
    accounts: int
    bands: Mapping[tuple[str, str], int]
    changed_arr: float
    correlation: float
    moved: float

    @property
    def changed(self) -> int:
        """Accounts whose bands differ."""
        return sum(count for (first, second), count in self.bands.items() if first != second)


@dataclass(frozen=True)
class Matured:
    """Figures of both versions at one horizon, over shadow scores whose outcome is known."""

    days: int
    rows: int
    churns: int
    first: Mapping[str, Estimate]
    second: Mapping[str, Estimate]


def proven(receipt: Receipt | None) -> dict[str, Estimate]:
    """The figures of a receipt that are shown side by side; none where it wasn't proven."""
    entry = receipt.entry(TOLD_AT) if receipt else None
    if receipt is None or entry is None:
        return {}
    warned = receipt.warned_at(60)
    return (
        {name: entry.figures[name] for name in FIGURES}
        | {"green": receipt.green, "settled_flips": receipt.settled_flips}
        | {f"churn_rate_{band.band}": band.churn_rate for band in receipt.bands}
        | ({"not_green_60_90d": warned.not_green} if warned else {})
    )


def agreement(store: ScoreStore, first: HealthModel, second: HealthModel) -> Agreement:
    """What both say of the accounts of the batch that is shown, from its stored signals. Raises NothingPublished."""
    batch = store.current()
    stored = list(stored_accounts(store, batch))
    said = [
        model.score(stored_matrix(stored, batch, model.card.signals)).select("health", "band")
        for model in (first, second)
    ]
    arr = np.array([row["arr"] for row in stored])
    pairs = list(zip(said[0]["band"], said[1]["band"], strict=True))
    health = [frame["health"].to_numpy() for frame in said]
    ranks = np.vstack([frame["health"].rank().to_numpy() for frame in said])
    differ = np.array([one != other for one, other in pairs])
    return Agreement(
        batch.as_of,
        len(stored),
        {(one, other): pairs.count((one, other)) for one in BANDS for other in BANDS},
        float(arr[differ].sum()),
        float(np.corrcoef(ranks)[0, 1]) if (np.ptp(ranks, axis=1) > 0).all() else np.nan,
        float(np.abs(health[0] - health[1]).mean()),
    )


def matured(store: ScoreStore, tables: Tables, first: str, second: str, grace_days: int) -> Iterator[Matured]:
    """Figures of `first`, as shown, and `second`, in its shadow, at each horizon of which anything has matured."""
    rows = _beside_each_other(store, first, second)
    if rows.is_empty():
        return
    known = outcomes(tables, grace_days)
    for days in HORIZONS:
        told = churned_within(rows, known, days)
        if told.is_empty():
            continue
        account = told["account_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
        draws = Resamples.of(int(account.max()) + 1)
        churned, arr = told["churned"].to_numpy(), told["arr_in_force"].to_numpy()
        of_first, of_second = (
            with_intervals(told[f"{who}_{days}d"].to_numpy(), churned, arr, account, draws)
            for who in ("first", "second")
        )
        yield Matured(days, len(told), told.filter("churned")["account_id"].n_unique(), of_first, of_second)


def _beside_each_other(store: ScoreStore, first: str, second: str) -> pl.DataFrame:
    """Risks by both of each account and day; of several batches of a day the one made last."""
    both = (scores.c.batch_id == shadow_scores.c.batch_id) & (scores.c.account_id == shadow_scores.c.account_id)
    query = (
        select(
            scores.c.account_id,
            batches.c.as_of,
            scores.c.arr.label("arr_in_force"),
            *(scores.c[f"risk_{days}d"].label(f"first_{days}d") for days in HORIZONS),
            *(shadow_scores.c[f"risk_{days}d"].label(f"second_{days}d") for days in HORIZONS),
        )
        .join_from(shadow_scores, scores, both)
        .join(batches, batches.c.batch_id == scores.c.batch_id)
        .where(batches.c.model_version == first, shadow_scores.c.model_version == second)
        .order_by(batches.c.known_at)
    )
    with store.reading() as connection:
        found = [tuple(row) for row in connection.execute(query)]
    schema: dict[str, pl.DataType] = {
        "account_id": pl.String(),
        "as_of": pl.Datetime("us"),
        "arr_in_force": pl.Float64(),
    }
    schema |= {f"{who}_{days}d": pl.Float64() for who in ("first", "second") for days in HORIZONS}
    rows = pl.DataFrame(found, schema=schema, orient="row")
    return rows.unique(["account_id", "as_of"], keep="last", maintain_order=True)
