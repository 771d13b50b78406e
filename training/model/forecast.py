"""The forecast: what is left of a book's ARR in a year, and how sure that is.

Each account leaves, pays less, or stays and grows, by its own risks and independently of the others, given a **level**:
the log-odds of leaving of all accounts may be off by `card.level_sd`, and those of a segment against the others by what
calibration believes of it. The interval is of draws from that, so it holds for a book of three accounts as for one of
thousands. GRR is what is left of today's ARR; NRR adds what those that stay and don't contract grow by, `card.growth`,
which differs from year to year by `card.growth_sd`.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from features.book.groups import UNKNOWN, WHOLE
from training.calibration import LEVEL_SD, SHIFT_SD
from training.model.health import HealthModel

DRAWS = 1000
SHARE = 0.8
"""Share of all outcomes that the interval is to hold."""
ACCOUNTS_AT_ONCE = 4096

Floats = NDArray[np.float64]


def forecast(scored: pl.DataFrame, model: HealthModel, by: str | None = None, seed: int = 0) -> pl.DataFrame:
    """A row per group of `by` (a column; None: the whole book), sorted by `group`.

    `scored` has segment, arr_in_force, risk_365d, contraction_risk_365d and `by`, a row per account. Columns: `group`,
    `accounts`, `arr` (today's, currency per year), `expected_arr` (what is left of it in a year), `grr` and `nrr`
    (shares of today's, missing where there is none), each with the ends of its 80 % interval, `_low` and `_high`.
    """
    named = pl.lit(WHOLE) if by is None else pl.col(by).cast(pl.String).fill_null(UNKNOWN)
    rows = scored.select(
        "segment", "risk_365d", "contraction_risk_365d", group=named, arr=pl.col("arr_in_force").fill_null(0.0)
    ).sort("group", maintain_order=True)
    groups = rows.group_by("group", maintain_order=True).agg(accounts=pl.len(), arr=pl.col("arr").sum())
    which = np.repeat(np.arange(groups.height), groups["accounts"].to_numpy())
    arr, leaves, shrinks = (rows[name].to_numpy() for name in ("arr", "risk_365d", "contraction_risk_365d"))
    depth, growth = model.card.contraction_depth, model.card.growth
    stays = np.bincount(which, arr * (1.0 - leaves - shrinks), groups.height).astype(np.float64)
    shrunk = np.bincount(which, arr * shrinks * (1.0 - depth), groups.height).astype(np.float64)
    whole, less = _draws(rows, which, groups.height, model, np.random.default_rng(seed))
    retained = _with_ends(stays + shrunk, whole + (1.0 - depth) * less)
    grows = 1.0 + growth + model.card.growth_sd * np.random.default_rng((seed, 1)).standard_normal(DRAWS)
    grown = _with_ends((1.0 + growth) * stays + shrunk, grows * whole + (1.0 - depth) * less)
    today = np.where(groups["arr"] > 0, groups["arr"], np.nan)
    return groups.with_columns(
        *(pl.Series(f"expected_arr{end}", of_end) for end, of_end in retained.items()),
        *(pl.Series(f"grr{end}", of_end / today, nan_to_null=True) for end, of_end in retained.items()),
        *(pl.Series(f"nrr{end}", of_end / today, nan_to_null=True) for end, of_end in grown.items()),
    )


def _with_ends(expected: Floats, drawn: Floats) -> dict[str, Floats]:
    low, high = np.quantile(drawn, [(1.0 - SHARE) / 2.0, (1.0 + SHARE) / 2.0], axis=1)
    return {"": expected, "_low": low, "_high": high}


def _draws(
    rows: pl.DataFrame, which: NDArray[np.int64], groups: int, model: HealthModel, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Today's ARR of those that stay whole, and of those that pay less, by group and draw; rows sorted by group."""
    arr, leaves, shrinks = (rows[name].to_numpy() for name in ("arr", "risk_365d", "contraction_risk_365d"))
    stays_on = np.maximum(1.0 - leaves, 1e-9)
    odds, holds = leaves / stays_on, 1.0 - shrinks / stays_on
    segment, levels = _levels(rows["segment"], leaves, model, random)
    whole, less = np.zeros((groups, DRAWS)), np.zeros((groups, DRAWS))
    for start in range(0, len(arr), ACCOUNTS_AT_ONCE):
        part = slice(start, start + ACCOUNTS_AT_ONCE)
        chance = random.random((len(arr[part]), DRAWS), dtype=np.float32)
        stays = 1.0 / (1.0 + odds[part, None].astype(np.float32) * levels[segment[part]])
        stay, hold = chance < stays, chance < stays * holds[part, None].astype(np.float32)
        of_arr, firsts = arr[part, None].astype(np.float32), np.flatnonzero(np.diff(which[part], prepend=-1))
        whole[which[part][firsts]] += np.add.reduceat(of_arr * hold, firsts, axis=0, dtype=np.float64)
        less[which[part][firsts]] += np.add.reduceat(of_arr * (stay & ~hold), firsts, axis=0, dtype=np.float64)
    return whole, less


def _levels(
    segments: pl.Series, leaves: Floats, model: HealthModel, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Each row's segment, and by segment and draw what the odds of leaving are multiplied by, 1 on average.

    The level of all accounts together is as sure as `level_sd` says, so segments can only be off against each other. A
    segment with a level of its own has it from its share of the churned accounts that `level_sd` was told from.
    """
    names, segment = np.unique(segments.fill_null("").to_numpy().astype(str), return_inverse=True)
    share = np.bincount(segment, leaves, len(names)) / max(leaves.sum(), 1e-9)
    own = np.array([name in model.churn.calibration.segments for name in names])
    churned = max(model.card.level_sd, 1e-6) ** -2 - LEVEL_SD**-2
    sd = (SHIFT_SD**-2 + own * share * churned) ** -0.5
    off = sd[:, None] * random.standard_normal((len(names), DRAWS))
    common = model.card.level_sd * ndtri((np.arange(DRAWS) + 0.5) / DRAWS)
    times = np.exp(common + off - share @ off)
    return segment, (times / times.mean(axis=1, keepdims=True)).astype(np.float32)
