"""The leakage gate: refuses rows chosen by their outcome, and raises alarms where something knows the future.

Business customers leave when a term ends, so the renewal date alone tells who *can* leave soon. That is fair: it is
known in advance. AUCs are therefore taken within groups that the calendar treats alike, by the period in which the term
ends. For the same reason the renewal date and notice are exempt: one is known ahead by contract, the other is an
announcement, and both are meant to tell.

What leaks shows in one of two ways: a signal that ranks leavers far better than behaviour can, or one with values that
only leavers have. A term's length is looked at the second way too: an end that was moved when the customer cancelled,
in a row that doesn't say when it became known, leaves terms of odd lengths that all end in churn.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from features.catalogue import CATALOGUE, SIGNALS
from features.matrix import build
from features.periods import PERIOD_DAYS
from features.spine import spine
from features.tables import TABLES, Tables
from training.errors import LookingBack
from training.evaluation import churned_within
from training.leads import renewal_clock, signal_values
from training.outcomes import Outcomes

EXEMPT = ("days_to_renewal", "notice_given")
"""Signals that may tell: the renewal date is known ahead by contract, and notice is the customer's own announcement."""
DAYS = 90
SIGNAL_AUC = 0.75
"""Above what single signals of behaviour reach: 0.62 in the simulated company, 0.66 on oulad."""
MODEL_AUC = 0.90
"""Nor does a model, out of time; marks known too early gave 0.90 to a model of oulad that honestly has 0.70."""
GIVEN_AWAY = 0.05
"""Share of the leavers that one value may give away."""
SURE = 0.95
"""A value gives leavers away where at least this share of the accounts that have it leave."""
FEWEST = 20
"""Leavers without whom nothing can be said."""
TIMES_AS_LIKELY = 3.0
MONTH_DAYS = 365.25 / 12

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """An alarm: what knows too much (`signal`), the tables it is made of, its figure, and what to look at.

    `auc` is the AUC within groups alike in their calendar, `given_away` the share of the leavers that a value only they
    have gives away.
    """

    signal: str
    tables: tuple[str, ...]
    kind: Literal["ranks too well", "gives leavers away", "changes with the future", "too good to be true"]
    auc: float
    given_away: float
    look_at: str

    def __str__(self) -> str:
        of = f", of {' and '.join(self.tables)}," if self.tables else ""
        return f"{self.signal}{of} {self.kind}: {self.look_at}"


def examine(matrix: pl.DataFrame, outcomes: Outcomes, days: int = DAYS) -> list[Finding]:
    """Alarms for the signals of a matrix, worst first; told at snapshots whose outcome within `days` is known.

    Nothing is found where fewer than `FEWEST` accounts left: it couldn't be told from chance.
    """
    rows = _apart(churned_within(matrix, outcomes, days), days)
    churned = rows["churned"].to_numpy()
    if rows.filter("churned")["account_id"].n_unique() < FEWEST:
        return []
    alike = _alike(rows, days)
    names = [signal.name for signal in SIGNALS if signal.name not in EXEMPT and signal.name in rows.columns]
    found = []
    for name, values in zip(names, signal_values(rows, names).T.astype(np.float64), strict=True):
        auc, given = _told(values, churned, alike), _given_away(values, churned)
        if max(auc, 1 - auc) > SIGNAL_AUC or given > GIVEN_AWAY:
            found.append(_alarm(name, CATALOGUE[name].tables, auc, given, days))
    term = renewal_clock(rows)[1]
    odd = np.abs(term / MONTH_DAYS - np.round(term / MONTH_DAYS)) * MONTH_DAYS
    ending = alike > 0
    if ending.any() and (given := _given_away(np.where(ending, odd, 0.0), churned)) > GIVEN_AWAY:
        found.append(
            Finding(
                "term_days",
                ("contracts",),
                "gives leavers away",
                _told(odd, churned, alike),
                given,
                f"{given:.0%} of those who left within {days} days had a term of an odd length, which hardly anyone "
                "who stayed had. Its end was moved when they cancelled, in a row that says it was always known: "
                "bring the moment as available_at, and the row as it was before",
            )
        )
    return sorted(found, key=lambda finding: -max(finding.auc, 1 - finding.auc, finding.given_away))


def examine_model(risk: Floats, matrix: pl.DataFrame, outcomes: Outcomes, days: int = DAYS) -> list[Finding]:
    """The alarm for a model whose risks (one per row of `matrix`) are too good to be true; none where it isn't.

    `matrix` holds snapshots the model has not been trained on.
    """
    rows = churned_within(matrix.with_columns(risk=pl.Series(risk)), outcomes, days)
    churned = rows["churned"].to_numpy()
    if churned.sum() < FEWEST or churned.all():
        return []
    auc = _told(rows["risk"].to_numpy(), churned, _alike(rows, days))
    if auc <= MODEL_AUC:
        return []
    advice = (
        f"among accounts whose terms end alike it has an AUC of {auc:.3f} for leaving within {days} days, and honest "
        "models of business customers stay below 0.85. Look for what is known too early: run the signals' alarms, and "
        "drop one table after the other until it falls"
    )
    return [Finding("the model", (), "too good to be true", auc, 0.0, advice)]


def future_shuffled(
    tables: Tables,
    as_of: datetime,
    seed: int = 7,
    rebuild: Callable[[Tables], pl.DataFrame] | None = None,
) -> list[Finding]:
    """Signals that differ at `as_of` when what became known after it is shuffled; there must be none.

    `rebuild` makes the signals (account_id, as_of, …) from tables; by default, those of the customers at `as_of`.
    """
    rows = spine(tables, [as_of])
    make = rebuild or (lambda given: build(given, rows))
    before, after = make(tables), make(shuffled_after(tables, as_of, seed))
    if before.height != after.height:
        return [_changed("account_id", ("contracts",), as_of)]
    return [
        _changed(name, CATALOGUE[name].tables if name in CATALOGUE else (), as_of)
        for name in before.columns
        if not before[name].equals(after[name], null_equal=True)
    ]


def shuffled_after(tables: Tables, as_of: datetime, seed: int) -> Tables:
    """The tables with every row and fact that wasn't known at `as_of` exchanged for another such row's or fact."""
    frames = {name: _shuffled(name, frame.collect(), as_of, seed).lazy() for name, frame in tables.frames.items()}
    return Tables(tables.extracted_at, frames)


def refuse_looking_back(matrix: pl.DataFrame, outcomes: Outcomes) -> None:
    """Raise LookingBack where being among the rows of `matrix` depends on the outcome.

    At each moment, accounts that were to leave and accounts that were not must have had the same chance of a row.
    Sampling accounts or moments is fine. The chances are compared over all moments by the ratio of Mantel and Haenszel.
    """
    lives = outcomes.lives.with_columns(leaves=pl.col("ended_at").is_not_null() & ~pl.col("completed"))
    there = (
        matrix.select("account_id", "as_of")
        .sort("as_of")
        .join_asof(
            lives.select("account_id", "started_at", "leaves").sort("started_at"),
            left_on="as_of",
            right_on="started_at",
            by="account_id",
            check_sortedness=False,
        )
        .drop_nulls("leaves")
        .group_by("as_of")
        .agg(leaving=pl.col("leaves").sum(), staying=(~pl.col("leaves")).sum())
    )
    moments, leaving, staying = (there[column].to_numpy() for column in ("as_of", "leaving", "staying"))
    if leaving.sum() < FEWEST:
        return
    alive = {leaves: _alive(lives.filter(pl.col("leaves") == leaves), moments) for leaves in (True, False)}
    everyone = np.maximum(alive[True] + alive[False], 1)
    of_leavers, of_others = (leaving * alive[False] / everyone).sum(), (staying * alive[True] / everyone).sum()
    if of_leavers > TIMES_AS_LIKELY * of_others:
        raise LookingBack(
            "the rows to learn from were chosen by their outcome: accounts that left have rows at moments where those "
            "that stayed have none, as in a table with one row per account, taken when it churned or else today. "
            "A model of such rows learns what day it is: one had an AUC of 0.985 on its own hold-out and 0.698 going "
            "forward, less than a scorecard set by hand. Give every customer of a moment a row at it: "
            "features.spine.spine(tables, snapshots(first, last))"
        )


def _shuffled(name: str, frame: pl.DataFrame, as_of: datetime, seed: int) -> pl.DataFrame:
    """One table shuffled: rows unknown at `as_of` exchange all they say but when they became known, known rows their
    later facts, each with the facts that come to be known with it."""
    table = TABLES[name]
    times = [c.name for c in table.columns if c.type in ("time", "date") and c.name != "available_at"]
    first = [table.time or ""] if name == "contracts" else times
    later = {time: frame[time].is_not_null() & (_known(frame[time]) > as_of) for time in times}
    told = frame["available_at"]
    late = (told > as_of).fill_null(value=False)
    by_itself = frame.select(pl.all_horizontal(later[time] | frame[time].is_null() for time in first)).to_series()
    anything = frame.select(pl.any_horizontal(later[time] for time in first)).to_series()
    unknown = (late | (told.is_null() & by_itself & anything)).to_numpy()
    random = np.random.default_rng([seed, sorted(TABLES).index(name)])
    for time in [] if name == "contracts" else [time for time in times if time != table.time]:
        together = [time, *(c.name for c in table.columns if c.known_with == time)]
        frame = _exchanged(frame, together, later[time].to_numpy() & ~unknown, random)
    kept = {table.time, "available_at"}
    return _exchanged(frame, [column for column in frame.columns if column not in kept], unknown, random)


def _known(times: pl.Series) -> pl.Series:
    """When each was known: a date when its day is over."""
    return times.cast(pl.Datetime("us")) + timedelta(days=1 if times.dtype == pl.Date else 0)


def _exchanged(frame: pl.DataFrame, columns: list[str], rows: Flags, random: np.random.Generator) -> pl.DataFrame:
    """`frame` with the values of `columns` in `rows` drawn anew from those there, so that counts change too."""
    source = np.arange(len(rows))
    source[rows] = random.choice(source[rows], rows.sum()) if rows.any() else source[rows]
    return frame.with_columns(frame[column].gather(source) for column in columns if column in frame.columns)


def _alive(lives: pl.DataFrame, moments: NDArray[np.datetime64]) -> Floats:
    """How many of `lives` are going on at each moment."""
    starts, ends = (np.sort(lives[column].drop_nulls().to_numpy()) for column in ("started_at", "ended_at"))
    return np.asarray(
        np.searchsorted(starts, moments, side="right") - np.searchsorted(ends, moments, side="right"), dtype=np.float64
    )


def _apart(rows: pl.DataFrame, days: int) -> pl.DataFrame:
    """The rows of snapshots at least `days` apart, counted back from the newest: the others tell the same again."""
    chosen: list[datetime] = []
    for as_of in rows["as_of"].unique().sort(descending=True):
        if not chosen or chosen[-1] - as_of >= timedelta(days=days):
            chosen.append(as_of)
    return rows.filter(pl.col("as_of").is_in(chosen))


def _alike(rows: pl.DataFrame, days: int) -> NDArray[np.int64]:
    """The period in which each row's term ends: 1, 2, …; 0 where it doesn't within `days`."""
    renewal = renewal_clock(rows)[0]
    within = renewal <= days
    return np.where(within, np.maximum(np.ceil(np.where(within, renewal, 0.0) / PERIOD_DAYS), 1), 0).astype(np.int64)


def _told(values: Floats, churned: Flags, alike: NDArray[np.int64]) -> float:
    """AUC over pairs within groups; whichever of "missing is low" and "missing is high" tells more counts."""
    told = [
        _auc(np.nan_to_num(values, nan=nan, posinf=1e300, neginf=-1e300), churned, alike) for nan in (-1e300, 1e300)
    ]
    return max(told, key=lambda auc: abs(auc - 0.5))


def _auc(values: Floats, churned: Flags, alike: NDArray[np.int64]) -> float:
    """Share of pairs in the right order, by Mann and Whitney's U of each group."""
    right = pairs = 0.0
    for group in np.unique(alike):
        within = alike == group
        left = int(churned[within].sum())
        count = float(left) * float(within.sum() - left)
        if count:
            right += float(rankdata(values[within])[churned[within]].sum()) - left * (left + 1) / 2
            pairs += count
    return right / pairs if pairs else 0.5


def _given_away(values: Floats, churned: Flags) -> float:
    """Share of the leavers at an end of the values, or among the missing, that hardly anyone else is at."""
    ends = [np.isnan(values), *(_end(values, churned, sign) for sign in (1.0, -1.0))]
    shares = [float(churned[end].sum() / churned.sum()) for end in ends if end.any() and churned[end].mean() >= SURE]
    return max(shares, default=0.0)


def _end(values: Floats, churned: Flags, sign: float) -> Flags:
    """The longest stretch from one end of the values of which `SURE` have left."""
    there = np.flatnonzero(~np.isnan(values))
    order = there[np.argsort(sign * values[there], kind="stable")]
    sure = np.cumsum(churned[order]) >= SURE * np.arange(1, len(order) + 1)
    whole = np.append(np.diff(values[order]) != 0, True) if len(order) else np.empty(0, dtype=bool)
    reached = np.flatnonzero(sure & whole)
    chosen = np.zeros(len(values), dtype=bool)
    chosen[order[: reached[-1] + 1 if len(reached) else 0]] = True
    return chosen


def _alarm(name: str, tables: tuple[str, ...], auc: float, given: float, days: int) -> Finding:
    timed = {table: [c.name for c in TABLES[table].columns if c.known_with] for table in tables}
    facts = [f"{table}.{column}" for table, columns in timed.items() for column in columns]
    advice = (
        f"it has an AUC of {auc:.3f} for leaving within {days} days among accounts whose terms end alike, and "
        f"{given:.0%} of the leavers have values that nobody else has. Look whether {' and '.join(tables)} carry "
        "available_at, and whether a field is filled in or corrected when a customer cancels"
        + (f" ({', '.join(facts)} count from the moment they are known)" if facts else "")
    )
    kind: Literal["ranks too well", "gives leavers away"] = (
        "ranks too well" if max(auc, 1 - auc) > SIGNAL_AUC else "gives leavers away"
    )
    return Finding(name, tables, kind, auc, given, advice)


def _changed(name: str, tables: Iterable[str], as_of: datetime) -> Finding:
    advice = f"it differs at {as_of:%Y-%m-%d} when only what became known later does; see the window rule in DESIGN 5"
    return Finding(name, tuple(tables), "changes with the future", 0.5, 0.0, advice)
