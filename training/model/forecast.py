"""The forecast: what is left of a book's ARR in a year, and how sure that is.

Each account leaves, pays less, or stays and grows, by its own risks and independently of the others, given a **level**:
the log-odds of leaving of all accounts together may be off by `card.level_sd`. The interval is of draws from that, so
it holds for a book of three accounts as for one of thousands. GRR is what is left of today's ARR; NRR adds what those
that stay and don't contract grow by (`card.growth`).
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from features.book.groups import UNKNOWN, WHOLE
from training.model.card import Card

DRAWS = 1000
SHARE = 0.8
"""Share of all outcomes that the interval is to hold."""
ACCOUNTS_AT_ONCE = 4096

Floats = NDArray[np.float64]


def forecast(scored: pl.DataFrame, card: Card, by: str | None = None, seed: int = 0) -> pl.DataFrame:
    """A row per group of `by` (a column; None: the whole book), sorted by `group`.

    `scored` has arr_in_force, risk_365d, contraction_risk_365d and `by`. Columns: `group`, `accounts`, `arr` (today's,
    currency per year), `expected_arr` (what is left of it in a year), `grr` and `nrr` (shares of today's, missing where
    there is none), each with the ends of its 80 % interval, `_low` and `_high`. Accounts without ARR count for nothing.
    """
    named = pl.lit(WHOLE) if by is None else pl.col(by).cast(pl.String).fill_null(UNKNOWN)
    rows = scored.select(
        named.alias("group"), pl.col("arr_in_force").fill_null(0.0).alias("arr"), "risk_365d", "contraction_risk_365d"
    ).sort("group", maintain_order=True)
    groups = rows.group_by("group", maintain_order=True).agg(accounts=pl.len(), arr=pl.col("arr").sum())
    arr, leaves, shrinks = (rows[name].to_numpy() for name in ("arr", "risk_365d", "contraction_risk_365d"))
    which = np.repeat(np.arange(groups.height), groups["accounts"].to_numpy())
    left = np.bincount(which, arr * (1.0 - leaves - shrinks * card.contraction_depth), groups.height)
    more = np.bincount(which, arr * (1.0 - leaves - shrinks) * card.growth, groups.height)
    drawn = _draws(which, groups.height, arr, leaves, shrinks, card, seed)
    (low, low_grown), (high, high_grown) = np.quantile(drawn, [(1.0 - SHARE) / 2.0, (1.0 + SHARE) / 2.0], axis=2)
    retained = {"": left, "_low": low, "_high": high}
    grown = {"": left + more, "_low": low_grown, "_high": high_grown}
    today = np.where(groups["arr"] > 0, groups["arr"], np.nan)
    return groups.with_columns(
        *(pl.Series(f"expected_arr{end}", of_end) for end, of_end in retained.items()),
        *(pl.Series(f"grr{end}", of_end / today, nan_to_null=True) for end, of_end in retained.items()),
        *(pl.Series(f"nrr{end}", of_end / today, nan_to_null=True) for end, of_end in grown.items()),
    )


def _draws(
    which: NDArray[np.int64], groups: int, arr: Floats, leaves: Floats, shrinks: Floats, card: Card, seed: int
) -> Floats:
    """ARR in a year, without and with growth: 2 by groups by `DRAWS`."""
    random = np.random.default_rng(seed)
    level = card.level_sd * ndtri((np.arange(DRAWS) + 0.5) / DRAWS) - card.level_sd**2 / 2.0  # keeps the mean risk
    stays_on = np.maximum(1.0 - leaves, 1e-9)
    odds, stays = leaves / stays_on, 1.0 - shrinks / stays_on
    total = np.zeros((2, groups, DRAWS))
    for start in range(0, len(arr), ACCOUNTS_AT_ONCE):
        part = slice(start, start + ACCOUNTS_AT_ONCE)
        chance = random.random((len(arr[part]), DRAWS), dtype=np.float32)
        left = 1.0 / (1.0 + np.outer(odds[part], np.exp(level)).astype(np.float32))
        there, grows = chance < left, chance < left * stays[part, None].astype(np.float32)
        of_arr = arr[part, None].astype(np.float32)
        firsts = np.flatnonzero(np.diff(which[part], prepend=-1))
        full = np.add.reduceat(of_arr * grows, firsts, axis=0, dtype=np.float64)
        less = np.add.reduceat(of_arr * (there & ~grows), firsts, axis=0, dtype=np.float64)
        kept = full + (1.0 - card.contraction_depth) * less
        total[:, which[part][firsts]] += np.stack([kept, kept + card.growth * full])
    return total
