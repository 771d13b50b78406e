"""Effects of plays: did it help to work on accounts? Told only against accounts that were held out at random.

Whoever was on a worklist was drawn to be worked on or held out, before anybody did anything. The effect is the
difference between those two in the share that stayed, whoever was in fact worked on (by intention to treat). It is the
coefficient of a least squares fit that knows the risk the model saw when the account was drawn and the share that was
held out then, which makes it more precise without bias (Lin, Agnostic notes on regression adjustments to experimental
data, Annals of Applied Statistics 7, 2013). Its interval is by HC3 errors (MacKinnon & White 1985) and Student's t with
the smaller side's degrees of freedom. In ARR each account counts by its ARR.

What became of accounts that somebody chose to work on says nothing of what the work did: it is not an effect, and no
figure is made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm, t

from features.tables import Tables
from training.intervals import COVERAGE, Estimate
from training.outcomes import Outcomes, outcomes

FEWEST = 30
"""Accounts with an outcome that either side must have. By ARR it is the number of equal accounts that tell as much
(Kish, Survey Sampling, 1965), so that an effect in money never hangs on a few large ones."""
FEWEST_LOST = 10
"""Accounts that must have left, on either side."""
WORTH_TELLING = 0.05
"""Share of accounts that an interval is wanted to tell apart from nothing: what `needed` is reckoned with."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """The accounts of one side whose outcome is known; `acted_on`: with how many an action was recorded."""

    accounts: int
    lost: int
    arr: float
    lost_arr: float
    acted_on: int


@dataclass(frozen=True)
class Told:
    """How much larger a share stayed for being worked on, or why that is unknown.

    `needed`: about how many more accounts of the trial must have an outcome to tell an effect of `WORTH_TELLING`.
    """

    kept: Estimate | None
    unknown: str | None
    needed: int


@dataclass(frozen=True)
class Effect:
    """Of a play, where it was the one recommended when the account was drawn; `play` None: of all of the worklist."""

    play: str | None
    worked: Side
    held_out: Side
    waiting: int
    accounts: Told
    arr: Told


@dataclass(frozen=True)
class Measured:
    """The effects, of all of the worklist first, from outcomes observed until a moment."""

    observed_until: datetime
    effects: tuple[Effect, ...]


def measure(tables: Tables, drawn: pl.DataFrame, tried: Mapping[str, int], grace_days: int = 30) -> Measured:
    """The effects that the contracts of `tables` tell of; see `effects`."""
    known = outcomes(tables, grace_days)
    return Measured(known.observed_until, effects(drawn, known, tried, grace_days))


def effects(
    drawn: pl.DataFrame, known: Outcomes, tried: Mapping[str, int] | None = None, grace_days: int = 30
) -> tuple[Effect, ...]:
    """The effect of the worklist as a whole and of each play.

    `drawn` has a row per account and renewal: account_id, as_of (of the scores it was drawn from), renewal_at,
    held_out, share (that was to be held out), play (recommended then), renewal_risk and arr (as they were then), and
    acted_on. An account was lost where it left by its renewal or the days of grace after it. `tried` counts the
    accounts each play was recorded with, so that a play nobody was held out of is named too.
    """
    followed = _followed(drawn, known, timedelta(days=grace_days))
    plays = dict.fromkeys([*drawn["play"].drop_nulls().value_counts(sort=True)["play"], *(tried or {})])
    return (
        _effect(None, followed, sum((tried or {}).values())),
        *(_effect(play, followed.filter(pl.col("play") == play), (tried or {}).get(play, 0)) for play in plays),
    )


def _followed(drawn: pl.DataFrame, known: Outcomes, grace: timedelta) -> pl.DataFrame:
    """The rows with `over` (its renewal and the grace have been observed) and `lost`."""
    ends = pl.col("renewal_at") + grace
    return (
        known.of(drawn)
        .filter(pl.col("completed_at").is_null() | (pl.col("completed_at") > ends))  # was meant to end: no outcome
        .with_columns(over=ends <= known.observed_until, lost=(pl.col("churned_at") <= ends).fill_null(value=False))
    )


def _effect(play: str | None, followed: pl.DataFrame, tried: int) -> Effect:
    over = followed.filter("over")
    sides = (pl.col("held_out").sum(), (~pl.col("held_out")).sum())
    over = over.filter(*(side.over("share") > 1 for side in sides))  # or there is nothing to compare with
    return Effect(
        play,
        _side(over.filter(~pl.col("held_out"))),
        _side(over.filter("held_out")),
        waiting=followed.height - int(followed["over"].sum()),
        accounts=_told(followed, over, np.ones(over.height), tried),
        arr=_told(followed, over, over["arr"].to_numpy().astype(np.float64), tried),
    )


def _side(rows: pl.DataFrame) -> Side:
    lost = rows.filter("lost")
    arr, lost_arr = (float(part["arr"].sum()) for part in (rows, lost))
    return Side(rows.height, lost.height, arr, lost_arr, int(rows["acted_on"].sum()))


def _told(followed: pl.DataFrame, over: pl.DataFrame, weights: Floats, tried: int) -> Told:
    needed = _needed(followed, over, weights)
    if followed.is_empty():
        chosen = f"; the {tried:,} actions recorded were with accounts that somebody chose" if tried else ""
        return Told(None, f"no account was held out at random{chosen}", needed)
    held_out = over["held_out"].to_numpy()
    worth = [_as_many_equal(weights[side]) for side in (~held_out, held_out)]
    lost = int(over["lost"].sum())
    if min(worth) < FEWEST or lost < FEWEST_LOST:
        counts = " and ".join(f"{n:.0f} {side}" for n, side in zip(worth, ("worked on", "held out"), strict=True))
        of_money = "" if np.all(weights == 1) else ", counted as accounts of equal ARR"
        wanted = f"it takes {FEWEST} of each and {FEWEST_LOST} lost"
        return Told(None, f"an outcome is known of {counts}{of_money}, and {lost} were lost: {wanted}", needed)
    kept = _difference(over, weights, min(worth) - 1)
    return Told(kept, None, 0 if kept.low > 0 or kept.high < 0 else needed)


def _difference(over: pl.DataFrame, weights: Floats, freedom: float) -> Estimate:
    """By how much a larger share of those worked on stayed."""
    from statsmodels.regression.linear_model import WLS  # type: ignore[import-untyped]  # a second to import

    risk = over["renewal_risk"].to_numpy()[:, None]
    shares = over["share"].cast(pl.String).to_dummies().to_numpy()[:, 1:]
    columns = [(~over["held_out"]).to_numpy(), np.ones(over.height), shares, risk if np.ptp(risk) > 0 else risk[:, :0]]
    known = np.column_stack(columns).astype(np.float64)
    fit = WLS(over["lost"].to_numpy().astype(np.float64), known, weights=weights).fit(cov_type="HC3")
    kept, off = -float(fit.params[0]), float(t.ppf((1 + COVERAGE) / 2, freedom) * fit.bse[0])
    return Estimate(kept, kept - off, kept + off)


def _needed(followed: pl.DataFrame, over: pl.DataFrame, weights: Floats) -> int:
    """How many more outcomes it takes until the interval is about ± `WORTH_TELLING`, at the share held out so far."""
    if followed.is_empty():
        return 0
    share = float(np.clip(followed["held_out"].mean(), 0.01, 0.99))  # type: ignore[arg-type]
    lost = over["lost"].mean() if over["lost"].sum() >= FEWEST_LOST else followed["renewal_risk"].mean()
    lost = float(np.clip(lost, 0.01, 0.99))  # type: ignore[arg-type]
    z = float(norm.ppf((1 + COVERAGE) / 2))
    wanted = max(
        z**2 * lost * (1 - lost) / (share * (1 - share) * WORTH_TELLING**2),
        FEWEST / min(share, 1 - share),
        FEWEST_LOST / lost,
    )
    counts_as = _as_many_equal(weights) / max(len(weights), 1)
    return max(ceil(wanted / max(counts_as, 0.01)) - over.height, 0)


def _as_many_equal(weights: Floats) -> float:
    """The number of equal accounts that tell as much as these."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
