"""Opinions against outcomes: where a person put an account in another band than the score did, who was right?

The one who saw it blacker was right where the account left within half a year, the other where it stayed. An opinion
whose half year isn't over yet says nothing, and of one person's opinions of an account on a day the last counts.
"""

from dataclasses import dataclass

import polars as pl
from scipy.stats import binomtest

from training.evaluation import churned_within
from training.intervals import COVERAGE, Estimate
from training.model import BAND_NAMES
from training.outcomes import Outcomes

DAYS = 180
OPINIONS = ("account_id", "author", "stated_at", "rating", "band")
"""Columns of the frame of opinions: `rating` is the person's band, `band` the score's beside it."""


@dataclass(frozen=True)
class Judged:
    """Opinions whose outcome is known: how many `agreed` with the score, and of the rest who was right.

    `person` is the share of disagreements the person was right in, with Wilson's interval.
    """

    opinions: int
    agreed: int
    person_right: int
    score_right: int
    person: Estimate


def judged(opinions: pl.DataFrame, outcomes: Outcomes) -> Judged:
    """Who was right, over the opinions (`OPINIONS`) whose `DAYS` are over."""
    rows = opinions.with_columns(as_of=pl.col("stated_at").dt.truncate("1d").cast(pl.Datetime("us")))
    rows = rows.sort("stated_at").unique(["account_id", "author", "as_of"], keep="last", maintain_order=True)
    known = churned_within(rows, outcomes, DAYS)
    apart = known.filter(pl.col("rating") != pl.col("band"))
    place = {name: number for number, name in enumerate(BAND_NAMES)}  # the worse, the higher
    blacker = apart["rating"].replace_strict(place, return_dtype=pl.Int64) > apart["band"].replace_strict(
        place, return_dtype=pl.Int64
    )
    right = int((blacker == apart["churned"]).sum())
    if not len(apart):
        return Judged(len(known), len(known), 0, 0, Estimate(float("nan")))
    ends = binomtest(right, len(apart)).proportion_ci(COVERAGE, "wilson")
    share = Estimate(right / len(apart), float(ends.low), float(ends.high))
    return Judged(len(known), len(known) - len(apart), right, len(apart) - right, share)
