"""Scores published in the past against what has become of the accounts since, and what to expect until that is known.

What was said first of a moment counts: a batch made again later may rest on data that came late. Only the newest half
year of known outcomes counts, so that a change shows soon.

Until outcomes mature, figures are estimated without them: among accounts of which 20 % leave, as said, the AUC and the
Brier score follow from the risks alone (confidence-based performance estimation, as NannyML's documentation has it).
That holds exactly as far as the risks are calibrated, so it says what a shift in the book does to a model that is
still right, and nothing of whether it still is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from training.evaluation import Floats, churned_within, with_intervals
from training.intervals import Number, Resamples
from training.model import HORIZONS
from training.outcomes import Outcomes
from training.recalibration import RECENT
from training.receipt import Entry

PUBLISHED = "published scores"
SAID = ("account_id", "as_of", "known_at", "model_version", "segment", "arr", "health", "band", "settled_band",
        *(f"risk_{days}d" for days in HORIZONS))  # fmt: skip
"""Columns of the frame of published scores, one row per account and batch."""


@dataclass(frozen=True)
class Expected:
    """What the newest scores would be worth within `days` if they are calibrated; `churns` is how many it expects."""

    days: int
    segment: str | None
    accounts: int
    churns: Number
    auc: Number
    brier: Number


def first_said(said: pl.DataFrame) -> pl.DataFrame:
    """The scores of each account and moment that were published first."""
    return said.sort("known_at").unique(["account_id", "as_of"], keep="first", maintain_order=True)


def matured(said: pl.DataFrame, outcomes: Outcomes, horizons: tuple[int, ...] = HORIZONS) -> tuple[Entry, ...]:
    """Figures of what was said, per horizon, of the book and of each segment, with intervals.

    `said` has `SAID`. A horizon counts where its end has been observed, in the newest half year.
    """
    rows = first_said(said).rename({"arr": "arr_in_force"})
    found: list[Entry] = []
    for days in horizons:
        ended = pl.col("as_of") + timedelta(days=days) > outcomes.observed_until - RECENT
        known = churned_within(rows.filter(ended), outcomes, days)
        segments = [None, *known["segment"].drop_nulls().unique().sort()] if known["segment"].n_unique() > 1 else [None]
        for segment in segments:
            found += _entry(known if segment is None else known.filter(pl.col("segment") == segment), days, segment)
    return tuple(found)


def expected(newest: pl.DataFrame) -> tuple[Expected, ...]:
    """What the newest published scores (`SAID`, one moment) would be worth, of the book and of each segment."""
    segments = [None, *newest["segment"].drop_nulls().unique().sort()] if newest["segment"].n_unique() > 1 else [None]
    return tuple(
        _expected(newest if segment is None else newest.filter(pl.col("segment") == segment), days, segment)
        for days in HORIZONS
        for segment in segments
    )


def _entry(rows: pl.DataFrame, days: int, segment: str | None) -> Iterator[Entry]:
    if rows.is_empty():
        return
    account = rows["account_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    accounts = int(account.max()) + 1
    risk, churned, arr = (rows[name].to_numpy() for name in (f"risk_{days}d", "churned", "arr_in_force"))
    yield Entry(
        PUBLISHED,
        days,
        segment,
        rows=len(rows),
        accounts=accounts,
        churns=rows.filter("churned")["account_id"].n_unique(),
        figures=with_intervals(risk, churned, arr, account, Resamples.of(accounts)),
    )


def _expected(rows: pl.DataFrame, days: int, segment: str | None) -> Expected:
    risk: Floats = rows[f"risk_{days}d"].to_numpy()
    brier = float((risk * (1 - risk)).mean()) if len(risk) else np.nan
    return Expected(days, segment, len(risk), float(risk.sum()), expected_auc(risk), brier)


def expected_auc(risk: Floats) -> float:
    """The AUC of calibrated risks: every account is a leaver with its risk and a stayer with the rest."""
    order = np.argsort(-risk, kind="stable")
    risk = risk[order].astype(np.float64)
    last = np.flatnonzero(np.append(np.diff(risk) != 0, True)) if len(risk) else np.empty(0, dtype=np.int64)
    left, stayed = (np.concatenate([[0.0], each.cumsum()[last]]) for each in (risk, 1 - risk))
    area = left[-1] * stayed[-1]
    return float(np.trapezoid(left, stayed) / area) if area > 0 else np.nan
