"""The leakage gate: quiet on an honest company, loud where something of it knows the future."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from features.catalogue import SIGNALS
from features.matrix import build
from features.periods import PERIOD, snapshots
from features.spine import spine
from features.tables import Tables
from training.errors import LookingBack
from training.leakage import _auc, examine, examine_model, future_shuffled, refuse_looking_back, shuffled_after
from training.outcomes import outcomes

END = datetime(2026, 1, 1)
AS_OF = END - PERIOD * 8
MATURED = [END - PERIOD * 6 - PERIOD * 4 * back for back in range(5)]


def exchanged(tables: Tables, name: str, frame: pl.LazyFrame) -> Tables:
    return replace(tables, frames=dict(tables.frames) | {name: frame})


def test_an_honest_company_raises_no_alarm(company) -> None:
    assert examine(company.matrix, company.outcomes) == []
    scored = company.model.score(company.matrix)["risk_90d"].to_numpy()
    assert examine_model(scored, company.matrix, company.outcomes) == []


def test_ends_moved_at_cancellation_without_saying_when(company) -> None:
    term = ("contract_id", "term_start")
    moved = (
        company.tables["contracts"]
        .sort(*term, "available_at")
        .with_columns(pl.lit(None, pl.Datetime("us")).alias("available_at"))
        .unique(term, keep="last", maintain_order=True)
    )
    found = examine(
        build(leaky := exchanged(company.tables, "contracts", moved), spine(leaky, MATURED)), company.outcomes
    )
    assert [(finding.signal, finding.kind) for finding in found] == [("term_days", "gives leavers away")]
    assert "available_at" in found[0].look_at


def test_a_ticket_category_filled_in_when_they_cancelled(company) -> None:
    left = company.outcomes.lives.drop_nulls("ended_at").select("account_id", "ended_at").sort("ended_at")
    tickets = company.tables["tickets"].collect().sort("opened_at")
    soon = tickets.join_asof(
        left, left_on="opened_at", right_on="ended_at", by="account_id", strategy="forward", check_sortedness=False
    )
    leaves = (pl.col("ended_at") - pl.col("opened_at") < timedelta(days=200)).fill_null(value=False)
    filled = soon.with_columns(category=pl.when(leaves).then(pl.lit("defect")).otherwise(pl.lit("how_to"))).drop(
        "ended_at"
    )
    tables = exchanged(company.tables, "tickets", filled.lazy())
    of_tickets = [signal for signal in SIGNALS if "tickets" in signal.tables]
    found = examine(build(tables, spine(tables, MATURED), of_tickets), company.outcomes)
    assert "defect_rate_84d" in [finding.signal for finding in found]


@pytest.mark.parametrize("noise, kinds", [(0.02, ["too good to be true"]), (3.0, [])])
def test_a_model_that_knows_who_left(company, noise: float, kinds: list[str]) -> None:
    churned = company.outcomes.of(company.matrix)
    soon = (pl.col("churned_at") < pl.col("as_of") + timedelta(days=90)).fill_null(value=False)
    random = np.random.default_rng(0)
    told = churned.select(soon.cast(pl.Float64)).to_series().to_numpy() + noise * random.normal(size=len(churned))
    found = examine_model(told, churned.select(company.matrix.columns), company.outcomes)
    assert [finding.kind for finding in found] == kinds


def test_signals_are_blind_to_a_shuffled_future(company) -> None:
    shuffled = shuffled_after(company.tables, AS_OF, 7)
    changed = [
        name for name in company.tables.frames if not shuffled[name].collect().equals(company.tables[name].collect())
    ]
    assert sorted(changed) == sorted(company.tables.frames)
    assert future_shuffled(company.tables, AS_OF) == []


def test_a_signal_that_sees_the_future_is_named(company) -> None:
    known = company.tables["accounts"]

    def ever(tables: Tables) -> pl.DataFrame:
        """All tickets an account will ever have."""
        each = tables["tickets"].group_by("account_id").len("tickets_ever")
        return known.select("account_id").join(each, on="account_id", how="left").sort("account_id").collect()

    assert [finding.signal for finding in future_shuffled(company.tables, AS_OF, rebuild=ever)] == ["tickets_ever"]


def looking_back(company) -> pl.DataFrame:
    """Features of leavers at their churn date, of the others today."""
    left = company.outcomes.lives.drop_nulls("ended_at")
    return pl.concat(
        [
            left.select("account_id", as_of="ended_at"),
            company.matrix.select("account_id", as_of=pl.lit(END)).unique().join(left, on="account_id", how="anti"),
        ]
    )


def some_time_before(company) -> pl.DataFrame:
    return looking_back(company).with_columns(
        as_of=pl.when(pl.col("as_of") < END).then(pl.col("as_of") - timedelta(days=60)).otherwise("as_of")
    )


def leavers_kept_when_sampling(company) -> pl.DataFrame:
    left = company.outcomes.lives.drop_nulls("ended_at")["account_id"].implode()
    return company.matrix.filter(pl.col("account_id").is_in(left) | (pl.col("account_id").hash(1) % 10 == 0))


@pytest.mark.parametrize("design", [looking_back, some_time_before, leavers_kept_when_sampling])
def test_rows_chosen_by_their_outcome_are_refused(company, design) -> None:
    with pytest.raises(LookingBack, match=r"chosen by their outcome.*0\.985.*0\.698"):
        refuse_looking_back(design(company), company.outcomes)


@pytest.mark.parametrize(
    "rows",
    [
        pl.lit(value=True),
        pl.col("account_id").hash(1) % 3 == 0,
        pl.struct("account_id", "as_of").hash(1) % 3 == 0,
        pl.col("as_of") == AS_OF - PERIOD * 4,
    ],
    ids=["all", "a third of the accounts", "a third of the rows", "one moment"],
)
def test_rows_chosen_without_regard_to_it_are_not(company, rows: pl.Expr) -> None:
    refuse_looking_back(company.matrix.filter(rows), company.outcomes)


def test_what_was_known_at_an_earlier_moment_is_not_refused(company) -> None:
    for until in snapshots(END - PERIOD * 20, END - PERIOD * 2, 28 * 9):
        refuse_looking_back(company.matrix.filter(pl.col("as_of") <= until), outcomes(company.tables, until=until))


def test_the_auc_within_groups_is_scikit_learn_s_weighted_by_pairs() -> None:
    random = np.random.default_rng(1)
    values, churned, alike = (
        random.integers(0, 9, 300).astype(float),
        random.random(300) < 0.2,
        random.integers(0, 3, 300),
    )
    of_groups = [(churned[alike == group], values[alike == group]) for group in range(3)]
    pairs = [left.sum() * (~left).sum() for left, _ in of_groups]
    expected = np.average([roc_auc_score(*group) for group in of_groups], weights=pairs)
    assert _auc(values, churned, alike) == pytest.approx(expected)
