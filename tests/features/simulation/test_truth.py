from datetime import datetime, timedelta

import polars as pl
import pytest

END = datetime(2026, 1, 1)
LEADS = [f"churn_lead_{k}" for k in range(1, 14)]


def auc(score: pl.Series, label: pl.Series) -> float:
    ranks, positives = score.rank(), label.sum()
    return float((ranks.filter(label).sum() - positives * (positives + 1) / 2) / (positives * (len(label) - positives)))


@pytest.fixture(scope="module")
def truth(read) -> pl.DataFrame:
    """The truth with what happened: `soon`, churn in the next period, and `lead`, periods to churn."""
    ahead = (pl.col("churned_at") - pl.col("period_end")).dt.total_days()
    segment = read("accounts").select("account_id", "segment")
    frame = read("truth").join(segment, on="account_id")
    return frame.with_columns(
        soon=(ahead <= 28).fill_null(False), in_90=(ahead <= 90).fill_null(False), lead=(ahead - 1) // 28
    )


def test_it_is_well_formed(truth: pl.DataFrame) -> None:
    assert not truth.select("account_id", "period_end").is_duplicated().any()
    assert truth.filter(((END - pl.col("period_end")).dt.total_days() % 28) != 0).is_empty()
    assert truth["period_end"].n_unique() == 40
    assert truth.filter(pl.col("churned_at") <= pl.col("period_end")).is_empty()
    assert truth["churned_at"].is_null().equals(truth["reason"].is_null())
    assert set(truth["reason"].drop_nulls()) == {"decline", "champion_left", "cost_cut", "price", "poor_fit"}
    for earlier, later in zip(["next_hazard", *LEADS], LEADS, strict=False):
        assert truth.filter((pl.col(later) < pl.col(earlier) - 1e-12) | ~pl.col(later).is_between(0, 1)).is_empty()
    for earlier, later in ((1, "30d"), (3, "90d"), (6, "180d"), (13, "365d")):
        assert truth.filter(pl.col(f"churn_{later}") < pl.col(f"churn_lead_{earlier}") - 1e-12).is_empty()


@pytest.mark.parametrize("days, tolerance", [(30, 0.08), (90, 0.10), (180, 0.14), (365, 0.20)])
def test_probabilities_are_those_that_happen(truth: pl.DataFrame, days: int, tolerance: float) -> None:
    seen = truth.filter(pl.col("period_end") <= END - timedelta(days=days))
    happened = (seen["churned_at"] <= seen["period_end"] + timedelta(days=days)).fill_null(False).sum()
    assert seen[f"churn_{days}d"].sum() / happened == pytest.approx(1, abs=tolerance)


def test_an_oracle_ranks_well_but_not_perfectly(truth: pl.DataFrame) -> None:
    for age in (4, 10, 16):
        day = truth.filter(pl.col("period_end") == END - timedelta(days=28 * age))
        assert 0.82 < auc(day["churn_90d"], day["in_90"]) < 0.93
        assert 0.62 < auc(-day["health"], day["in_90"]) < 0.82


def test_leavers_decline_before_they_leave(truth: pl.DataFrame) -> None:
    health = dict(truth.filter(pl.col("lead") < 13).group_by("lead").agg(pl.col("health").mean()).iter_rows())
    assert health[0] < health[3] < health[6] < health[12] - 0.1
    assert health[12] - health[0] > 0.4


def test_green_accounts_leave_too(truth: pl.DataFrame) -> None:
    leaving = truth.filter(pl.col("lead") == 1)
    green = (leaving["health"] > truth["health"].median()).mean()
    assert 0.15 < green < 0.35
    pressed = leaving.filter(pl.col("reason").is_in(["champion_left", "cost_cut"]))
    assert pressed["health"].mean() > leaving["health"].mean() + 0.2


def test_too_little_and_too_much_support_are_bad(read, truth: pl.DataFrame) -> None:
    size = read("contracts").group_by("account_id").agg(pl.col("seats").max())
    lived = truth.group_by("account_id").agg(
        years=pl.len() / 13, left=pl.col("soon").sum(), failing=pl.col("renewal_hazard").mean()
    )
    tickets = read("tickets").group_by("account_id").len("tickets")
    per = lived.join(size, on="account_id").join(tickets, on="account_id", how="left").filter(pl.col("years") > 1)
    rate = pl.col("tickets").fill_null(0) / pl.col("years") / pl.col("seats").sqrt()
    fifths = per.with_columns(fifth=(rate.rank("ordinal") * 5 // (pl.len() + 1))).group_by("fifth")
    risk = fifths.agg(pl.col("failing").mean()).sort("fifth")["failing"]
    assert risk[0] > risk[2] * 1.05
    assert risk[4] > risk[2] * 1.15


def test_the_regime_change_shows(truth: pl.DataFrame) -> None:
    change = sorted(truth["period_end"].unique())[23]
    seen = truth.filter(pl.col("period_end") < END).with_columns(new=pl.col("period_end") >= change)
    rate = dict(seen.group_by(pl.concat_str("segment", "new")).agg(pl.col("soon").mean()).iter_rows())
    assert rate["mid_markettrue"] > 1.2 * rate["mid_marketfalse"]
    for segment in ("enterprise", "small"):
        assert rate[f"{segment}true"] < 1.15 * rate[f"{segment}false"]
    weight = {
        new: part.select(pl.corr("adoption", "renewal_hazard")).item()
        for (new,), part in seen.filter(segment="small").group_by("new")
    }
    assert weight[True] > weight[False] + 0.05


def test_segments_differ(truth: pl.DataFrame) -> None:
    churn = dict(truth.group_by("segment").agg(13 * pl.col("soon").mean()).iter_rows())
    assert churn["enterprise"] < churn["mid_market"] < churn["small"]


def test_behaviour_fades_before_a_decline(read, truth: pl.DataFrame) -> None:
    """Seat use of the last 84 days before leaving is well below that of half a year earlier."""
    left = truth.filter((pl.col("lead") == 0) & (pl.col("reason") == "decline")).select("account_id", "period_end")
    usage = read("usage_daily").join(left, on="account_id")
    age = (pl.col("period_end") - pl.col("date")).dt.total_days()
    late, early = (pl.col("active_users").filter(age.is_between(low, low + 83)).sum() for low in (0, 196))
    ratio = usage.group_by("account_id").agg(late=late, early=early).filter(pl.col("early") > 50)
    assert (ratio["late"] / ratio["early"]).median() < 0.8
    assert 0.6 < (ratio["late"] < ratio["early"]).mean() < 0.95
