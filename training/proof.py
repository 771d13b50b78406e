"""Proving a way to train: walk forward, hold what was said against what happened, beside the anchors."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl

from features.tables import Tables
from training.anchors import LAST_CHAMPION, anchors
from training.backtest import MODEL, Backtest, walk_forward
from training.evaluation import Ranked, churned_within, losses, with_intervals
from training.intervals import RESAMPLES, Floats, Integers, Resamples
from training.model import HORIZONS, HealthModel
from training.model.bands import BANDS
from training.outcomes import Outcomes
from training.receipt import AgainstChampion, Caught, Comparison, Entry, Receipt, Tenth
from training.timing import GREEN, band_rates, flips, missed, warned, with_settled
from training.train import Recipe
from training.verdict import verdict

BAND_DAYS = 90
"""Horizon of the churn rate per band."""
TENTHS = 10
CURVE = np.linspace(0.0, 1.0, 41)


def prove(
    matrix: pl.DataFrame,
    tables: Tables,
    truth: Outcomes,
    *,
    until: datetime,
    recipe: Recipe,
    champion: HealthModel | None = None,
    resamples: int = RESAMPLES,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Receipt, Backtest]:
    """The receipt of what `recipe` makes of `matrix`, and the backtest it tells of.

    `truth` are the outcomes known by `until`; `champion` is the model in use, compared on what it hasn't seen. Raises
    NotEnoughTime where there is no history for any fold.
    """
    rivals = anchors(recipe.scorecard, champion)
    backtest = walk_forward(matrix, tables, until=until, recipe=recipe, anchors=rivals, progress=progress)
    progress("proof: figures and their intervals")
    found = receipt(backtest, truth, until=until, values=matrix, resamples=resamples, seed=recipe.seed)
    return found, backtest


def receipt(
    backtest: Backtest,
    truth: Outcomes,
    *,
    until: datetime,
    values: pl.DataFrame,
    resamples: int = RESAMPLES,
    seed: int = 7,
) -> Receipt:
    """What was said in a backtest, against the truth; `values` has the signals' values of its rows."""
    numbered = backtest.rows.with_columns(
        account=pl.col("account_id").rank("dense").cast(pl.Int64) - 1,
        place=pl.int_range(pl.len()),
    )
    draws = Resamples.of(numbered["account_id"].n_unique(), count=resamples, seed=seed)
    lives = truth.of(numbered)
    known = {days: churned_within(numbered, truth, days) for days in HORIZONS}
    watched = known[BAND_DAYS]
    account = watched["account"].to_numpy()
    made = Receipt(
        until=until,
        observed_until=truth.observed_until,
        resamples=resamples,
        folds=backtest.folds,
        verdict=(),
        entries=tuple(entry for days in HORIZONS for entry in _entries(backtest, known[days], days, draws)),
        comparisons=tuple(found for days in HORIZONS for found in _comparisons(backtest, known[days], days, draws)),
        base_rate=draws.mean(watched["churned"].to_numpy(), account),
        bands=band_rates(watched, [band for band, _ in BANDS], draws),
        green=draws.mean((lives["band"] == GREEN).to_numpy(), lives["account"].to_numpy()),
        flips=flips(lives, "band", draws),
        settled_flips=flips(with_settled(lives), "settled_band", draws),
        warned=warned(lives, draws),
        calibration=tuple(tenth for days in HORIZONS for tenth in _tenths(backtest, known[days], days, draws)),
        caught=tuple(point for days in HORIZONS for point in _caught(backtest, known[days], days)),
        missed=missed(lives, values),
        against_champion=tuple(
            found for days in HORIZONS for found in _against_champion(backtest, known[days], days, draws)
        ),
    )
    return replace(made, verdict=verdict(made))


def _entries(backtest: Backtest, known: pl.DataFrame, days: int, draws: Resamples) -> Iterator[Entry]:
    """Figures of every predictor for the whole book, and for each segment of it."""
    segments = [None, *known["segment"].drop_nulls().unique().sort()]
    for predictor in backtest.risks:
        said = _said(backtest, predictor, known, days)
        for segment in segments if known["segment"].n_unique() > 1 else [None]:
            rows = said if segment is None else said.filter(pl.col("segment") == segment)
            if not rows.is_empty():
                yield Entry(
                    predictor,
                    days,
                    segment,
                    rows=len(rows),
                    accounts=rows["account"].n_unique(),
                    churns=rows.filter("churned")["account"].n_unique(),
                    figures=with_intervals(*_arrays(rows), rows["account"].to_numpy(), draws),
                )


def _comparisons(backtest: Backtest, known: pl.DataFrame, days: int, draws: Resamples) -> Iterator[Comparison]:
    """Each anchor's log-loss against the model's, on the rows both speak of."""
    for anchor in backtest.risks:
        rows = _said(backtest, anchor, known, days)
        if anchor == MODEL or rows.is_empty():
            continue
        anchors_loss, models_loss = (
            losses(_said(backtest, name, rows, days)["risk"].to_numpy(), rows["churned"].to_numpy())
            for name in (anchor, MODEL)
        )
        yield Comparison(
            anchor,
            days,
            rows=len(rows),
            model_loss=float(models_loss.mean()),
            anchor_loss=float(anchors_loss.mean()),
            difference=draws.mean(anchors_loss - models_loss, rows["account"].to_numpy()),
        )


def _against_champion(
    backtest: Backtest, known: pl.DataFrame, days: int, draws: Resamples
) -> Iterator[AgainstChampion]:
    """The last champion's log-loss against the model's, where there is one: in all, and in each segment."""
    if LAST_CHAMPION not in backtest.risks:
        return
    rows = _said(backtest, LAST_CHAMPION, known, days)
    champions, models = (
        losses(_said(backtest, name, rows, days)["risk"].to_numpy(), rows["churned"].to_numpy())
        for name in (LAST_CHAMPION, MODEL)
    )
    segment = rows["segment"]
    for wanted in [None, *segment.drop_nulls().unique().sort()] if len(rows) else []:
        part = np.ones(len(rows), dtype=bool) if wanted is None else (segment == wanted).fill_null(False).to_numpy()
        yield AgainstChampion(
            days,
            wanted,
            rows=int(part.sum()),
            model_loss=float(models[part].mean()),
            champion_loss=float(champions[part].mean()),
            difference=draws.mean(champions[part] - models[part], rows["account"].to_numpy()[part]),
        )


def _tenths(backtest: Backtest, known: pl.DataFrame, days: int, draws: Resamples) -> Iterator[Tenth]:
    """The model's risks in tenths of equal size against what happened."""
    rows = _said(backtest, MODEL, known, days).sort("risk", "place")
    for number, part in enumerate(np.array_split(np.arange(len(rows)), TENTHS), start=1):
        if len(part):
            tenth = rows[part]
            risk, churned, arr = _arrays(tenth)
            account: Integers = tenth["account"].to_numpy()
            yield Tenth(
                days,
                number,
                rows=len(tenth),
                expected=float(risk.mean()),
                actual=draws.mean(churned, account),
                expected_arr=float((risk * arr).sum() / arr.sum()) if arr.sum() > 0 else np.nan,
                actual_arr=draws.ratio(churned * arr, arr, account),
            )


def _caught(backtest: Backtest, known: pl.DataFrame, days: int) -> Iterator[Caught]:
    """The lift curve of the model."""
    rows = _said(backtest, MODEL, known, days)
    if rows["churned"].any():
        churned, arr = Ranked.of(*_arrays(rows)).caught(CURVE)
        for share, accounts, money in zip(CURVE, churned, arr, strict=True):
            yield Caught(days, float(share), float(accounts), float(money))


def _said(backtest: Backtest, predictor: str, rows: pl.DataFrame, days: int) -> pl.DataFrame:
    """The rows a predictor speaks of, with its `risk`."""
    risk = backtest.risks[predictor][rows["place"].to_numpy(), HORIZONS.index(days)]
    return rows.with_columns(risk=pl.Series(risk, dtype=pl.Float64)).filter(pl.col("risk").is_not_nan())


def _arrays(rows: pl.DataFrame) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]], Floats]:
    return rows["risk"].to_numpy(), rows["churned"].to_numpy(), rows["arr_in_force"].to_numpy()
