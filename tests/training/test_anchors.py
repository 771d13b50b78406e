"""Anchors, against what they must say where the truth can be worked out."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from training.anchors import Champion, Known, anchors
from training.anchors.cox import Cox
from training.anchors.logistic import LOGISTIC
from training.anchors.prior import Prior
from training.anchors.renewal_date import RENEWAL_DATE
from training.anchors.vendor import FORMULAS
from training.model import HORIZONS, HealthModel
from training.outcomes import Outcomes, outcomes
from training.scorecard import Scorecard, Threshold, read

MOMENT = datetime(2025, 3, 5)
CARD = Scorecard(
    renewal_rate=0.8,
    leaves_early=0.02,
    contraction_rate=0.05,
    reach=3.0,
    dimensions={"adoption": 3.0, "support": 1.0},
    signals={
        "stickiness_28d": Threshold(poor=0.0, good=1.0),
        "active_days_28d": Threshold(poor=0.0, good=20.0),
        "open_tickets": Threshold(poor=10.0, good=0.0),
    },
)


@pytest.fixture(scope="module")
def known(company) -> Known:
    accounts = company.matrix["account_id"].unique().sort().head(250)
    mine = company.matrix.filter((pl.col("as_of") <= MOMENT) & pl.col("account_id").is_in(accounts.implode()))
    return Known(mine, outcomes(company.tables, until=MOMENT))


@pytest.fixture(scope="module")
def newest(known) -> pl.DataFrame:
    return known.matrix.filter(pl.col("as_of") == known.matrix["as_of"].max())


@pytest.mark.parametrize("anchor", anchors(read()), ids=lambda anchor: anchor.name)
def test_each_says_a_probability_of_every_row_and_horizon(anchor, known, newest) -> None:
    risks = anchor.fit(known)(newest)
    assert risks.shape == (len(newest), len(HORIZONS))
    assert ((risks > 0) & (risks < 1)).all()
    assert (risks.mean(axis=0)[1:] > risks.mean(axis=0)[:-1]).all()


@pytest.mark.parametrize("anchor", anchors(read()), ids=lambda anchor: anchor.name)
def test_where_nobody_has_left_yet_each_says_little_risk(anchor, known, newest) -> None:
    nobody = replace(known.outcomes, lives=known.outcomes.lives.with_columns(ended_at=pl.lit(None, pl.Datetime("us"))))
    risks = anchor.fit(replace(known, outcomes=nobody))(newest)
    assert ((risks > 0) & (risks < (0.99 if isinstance(anchor, Prior) else 0.05))).all()


def test_logistic_regression_finds_the_signal_that_decides(known, newest) -> None:
    """Rigged: whoever has been a customer for long stays."""
    left = known.outcomes.of(known.matrix)
    doomed = left.with_columns(tenure_days=pl.when(pl.col("churned_at").is_null()).then(900.0).otherwise(10.0))
    risks = LOGISTIC.fit(replace(known, matrix=doomed.select(known.matrix.columns)))
    both = [risks(newest.with_columns(tenure_days=pl.lit(days)))[:, 3].mean() for days in (900.0, 10.0)]
    assert both[1] > 3 * both[0]


def lives(rows: list[tuple[str, datetime, datetime | None]], observed_until: datetime, like: Outcomes) -> Outcomes:
    """Outcomes of accounts that started and ended then."""
    name, started, ended = zip(*rows, strict=True)
    frame = {"account_id": name, "started_at": started, "ended_at": ended, "completed": [False] * len(rows)}
    return replace(
        like, lives=pl.DataFrame(frame, schema_overrides={"ended_at": pl.Datetime("us")}), observed_until=observed_until
    )


@pytest.fixture(scope="module")
def drawn(known, newest) -> Known:
    """1,200 like the first account; those with twice the tenure leave at 2 % a period, the others at 8 %."""
    random = np.random.default_rng(2)
    half = np.arange(1200) % 2
    stays = random.exponential(28 / np.where(half == 1, 0.02, 0.08))
    base = newest.head(1).drop("account_id")
    names = pl.DataFrame({"account_id": [f"A{i}" for i in range(1200)], "tenure_days": 400.0 * (1 + half)})
    matrix = names.join(base.drop("tenure_days"), how="cross").select(newest.columns)
    begin = base["as_of"][0]
    ends = [begin + timedelta(days=float(days)) if days < 450 else None for days in stays]
    told = lives(
        [(name, begin, end) for name, end in zip(names["account_id"], ends, strict=True)],
        begin + timedelta(days=450),
        known.outcomes,
    )
    return Known(matrix, told)


def test_cox_recovers_constant_hazards(drawn) -> None:
    risks = Cox().fit(drawn)(drawn.matrix.head(2))
    days = np.array(HORIZONS)
    # shrunken, so the two are drawn together a little
    assert risks[0] == pytest.approx(1 - np.exp(-0.08 * days / 28), rel=0.25)
    assert risks[1] == pytest.approx(1 - np.exp(-0.02 * days / 28), rel=0.5)
    assert (risks[0] > 2 * risks[1])[:2].all()


def test_days_to_renewal_alone_says_the_share_that_left_so_long_before_a_renewal(known) -> None:
    rows = known.labelled(90)
    risks = RENEWAL_DATE.fit(known)(rows)[:, 1]
    period = ((rows["renewal_at"] - rows["as_of"]).dt.total_days() / 28).ceil()
    for soon in ((period == 1).fill_null(False), (period > 13).fill_null(False)):
        assert risks[soon.to_numpy()].mean() == pytest.approx(rows.filter(soon)["churned"].mean(), abs=0.02)
        assert np.ptp(risks[soon.to_numpy()]) < 1e-12


@pytest.mark.parametrize(
    "name, stickiness, active, tickets, score",
    [
        ("weighted points", 0.4, 16.0, 1.0, 67.5),  # adoption (40 + 80) / 2, three times; support 90, once
        ("100 / 60 / 0", 0.4, 16.0, 1.0, 85.0),  # (60 + 100) / 2, support 100
        ("10 / 5 / 0", 0.4, 16.0, 1.0, 8.125),  # (5 + 10) / 2, support 10
        ("weighted points", None, 16.0, 1.0, 82.5),  # what is missing is left out of its dimension
        ("weighted points", 0.4, 16.0, None, 60.0),  # and a dimension of which nothing is known, of the whole
        ("100 / 60 / 0", 0.1, 1.0, 9.0, 0.0),
        ("weighted points", None, None, None, np.nan),
    ],
)
def test_vendor_formulas(name: str, stickiness: float, active: float, tickets: float, score: float) -> None:
    row = {"stickiness_28d": [stickiness], "active_days_28d": [active], "open_tickets": [tickets]}
    matrix = pl.DataFrame(row, schema=dict.fromkeys(row, pl.Float64))
    formula = next(formula for formula in FORMULAS if formula.name == name)
    assert formula.score(matrix, CARD) == pytest.approx([score], nan_ok=True)


def test_the_prior_alone_says_its_renewal_rate_of_an_average_account(newest) -> None:
    """A yearly renewal in 150 days, nothing known: 20 % fail then, and 2 % a year leave elsewhere."""
    nothing = newest.head(1).with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in CARD.signals),
        renewal_at=pl.col("as_of") + timedelta(days=150),
        term_days=pl.lit(365.0),
    )
    early = 1 - 0.98 ** (28 / 365)
    risks = Prior(CARD).risks(nothing)[0]
    assert risks[:2] == pytest.approx([1 - (1 - early) ** (30 / 28), 1 - (1 - early) ** (90 / 28)], rel=0.2)
    assert risks[2] == pytest.approx(0.2, abs=0.02)
    good = nothing.with_columns(stickiness_28d=1.0, active_days_28d=20.0, open_tickets=0.0)
    assert Prior(CARD).risks(good)[0, 2] == pytest.approx(expit(np.log(0.2 / 0.8) - 3), abs=0.01)


def test_a_champion_says_nothing_of_what_it_has_seen(company) -> None:
    champion = Champion(company.model)
    risks = champion.risks(company.matrix)
    seen = (company.matrix["as_of"] < champion.seen_until).to_numpy()
    assert seen.any()
    assert np.isnan(risks[seen]).all()
    fair = company.matrix.filter(~seen)
    assert np.array_equal(risks[~seen], company.model.score(fair).select(f"risk_{d}d" for d in HORIZONS).to_numpy())


def test_the_champion_comes_last_where_there_is_one(company) -> None:
    model: HealthModel = company.model
    assert [anchor.name for anchor in anchors(read(), model)][-1] == "last champion"
    assert len(anchors(read())) == 7
