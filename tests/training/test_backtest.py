"""Walking forward: what is known when, and what is said of whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from features.periods import snapshots
from features.tables import Tables
from training.anchors import Known
from training.backtest import MODEL, Backtest, moments, walk_forward
from training.errors import NotEnoughTime
from training.model import HORIZONS
from training.train import Recipe

END = datetime(2026, 1, 1)


@dataclass
class Witness:
    """An anchor that says how much it was told: the last snapshot and the last churn it knew, in days."""

    name: str = "witness"

    def fit(self, known: Known):
        last = known.outcomes.of(known.matrix).select("as_of", "churned_at", observed=known.outcomes.observed_until)
        days = last.select(pl.all().max().dt.epoch("d")).row(0)
        return lambda matrix: np.tile([*days, len(known.matrix)], (len(matrix), 1)).astype(np.float64)


@pytest.fixture(scope="module")
def small(company) -> pl.DataFrame:
    accounts = company.matrix["account_id"].unique().sort().head(400)
    return company.matrix.filter(pl.col("account_id").is_in(accounts.implode()))


@pytest.fixture(scope="module")
def walked(company, small) -> Backtest:
    walked = walk_forward(small, company.tables, until=END, recipe=company.recipe, anchors=[Witness()], folds=2)
    assert walked.folds[-1].mode != "prior only"
    return walked


@pytest.mark.parametrize(
    "periods, folds, back",
    [
        (39, 3, [19, 12, 5]),  # 120 days to watch fit in five periods, and folds are seven apart
        (39, 2, [12, 5]),
        (22, 3, [19, 12, 5]),  # three periods before the first
        (21, 3, [12, 5]),
        (8, 3, [5]),
    ],
)
def test_moments(periods: int, folds: int, back: list[int]) -> None:
    as_ofs = snapshots(END - timedelta(days=28 * periods), END)
    found = moments(pl.DataFrame({"as_of": as_ofs}), END, 30, folds)
    assert found == [END - timedelta(days=28 * k) for k in back]


@pytest.mark.parametrize("periods", [7, 0])
def test_too_short_a_history_is_refused_with_what_it_takes(periods: int) -> None:
    matrix = pl.DataFrame({"as_of": snapshots(END - timedelta(days=28 * periods), END)})
    with pytest.raises(NotEnoughTime, match=r"120 days to watch .* 84 before it"):
        moments(matrix, END, 30)


def test_no_snapshots_are_refused() -> None:
    with pytest.raises(NotEnoughTime, match="no snapshots"):
        moments(pl.DataFrame({"as_of": []}, schema={"as_of": pl.Datetime("us")}), END, 30)


def test_every_snapshot_from_the_first_moment_on_is_said_once_by_the_latest_fold(small, walked) -> None:
    first = walked.folds[0].as_of
    assert walked.rows.select("account_id", "as_of").equals(
        small.filter(pl.col("as_of") >= first).select("account_id", "as_of")
    )
    naive = [max(i for i, fold in enumerate(walked.folds) if fold.as_of <= as_of) for as_of in walked.rows["as_of"]]
    assert walked.rows["fold"].to_list() == naive
    assert walked.folds[-1].until == END


def test_the_models_risks_are_its_scores(walked) -> None:
    scores = walked.rows.select(f"risk_{days}d" for days in HORIZONS).to_numpy()
    assert np.array_equal(walked.risks[MODEL], scores)


def test_nobody_is_told_what_came_after_the_moment(walked) -> None:
    for number, fold in enumerate(walked.folds):
        told = walked.risks["witness"][(walked.rows["fold"] == number).to_numpy()][0]
        moment = (fold.as_of - datetime(1970, 1, 1)).days
        assert told[0] == moment  # the last snapshot
        assert told[1] <= told[2] == moment - 30  # no churn before the days of grace are over


def test_what_became_known_later_changes_nothing_that_was_said(company, small, walked) -> None:
    """The embargo: every contract row known after the last moment is forged, and what was said stays to the bit."""
    last = walked.folds[-1].as_of
    later = pl.coalesce("available_at", "term_start") > last
    forged = (
        company.tables["contracts"]
        .filter(~later | (pl.col("contract_id").hash(seed=1) % 2 == 0))
        .with_columns(term_end=pl.when(later).then(pl.col("term_start") + timedelta(days=40)).otherwise("term_end"))
    )
    tables = Tables(company.tables.extracted_at, {"accounts": company.tables["accounts"], "contracts": forged})
    changed = pl.col("as_of") > last
    matrix = small.with_columns(active_days_28d=pl.when(changed).then(0.0).otherwise("active_days_28d"))
    again = walk_forward(matrix, tables, until=END, recipe=company.recipe, anchors=[Witness()], folds=2)
    before = (walked.rows["as_of"] <= last).to_numpy()
    for name, risks in walked.risks.items():
        assert np.array_equal(risks[before], again.risks[name][before]), name
    assert not np.array_equal(walked.risks[MODEL], again.risks[MODEL])


def test_the_first_folds_reference_is_carried_on(company, small) -> None:
    """The last fold by itself sets its own: the same model says the same of everyone, that much higher or lower."""
    few = small.filter(pl.col("account_id").is_in(small["account_id"].unique().sort().head(30).implode()))
    carried = walk_forward(few, company.tables, until=END, recipe=company.recipe)
    alone = walk_forward(few, company.tables, until=END, recipe=company.recipe, folds=1)
    given = walk_forward(few, company.tables, until=END, recipe=Recipe(reference=1.5), folds=1)
    last = carried.rows.filter(pl.col("fold") == 2)
    for one, other in ((last, alone.rows), (given.rows, alone.rows)):
        shift = one["base_points"] - other["base_points"]
        assert shift.to_list() == pytest.approx([shift[0]] * len(shift))
        assert shift[0] != 0
    assert alone.rows.filter(pl.col("as_of") == alone.folds[0].as_of)["health"].mean() == pytest.approx(50, abs=5)
