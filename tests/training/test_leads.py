"""Leads, against a naive loop and on cases a reader can work out."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.leads import CLOCK, LEADS, at_risk, clock_values, expand, renewal_in_lead

AS_OF = datetime(2024, 1, 1)


def matrix(**columns: object) -> pl.DataFrame:
    times = ("as_of", "renewal_at", "churned_at", "completed_at", "contracted_at")
    row = dict.fromkeys(times) | {"as_of": AS_OF, "term_days": None, "s": 1.0}
    types = {name: pl.Datetime("us") for name in times}
    return pl.DataFrame([row | columns], schema_overrides=types | {"term_days": pl.Float64})


def after(days: float) -> datetime:
    return AS_OF + timedelta(days=days)


@pytest.mark.parametrize(
    "name, churned, completed, observed, labels",
    [
        ("stays and is seen for three periods", None, None, 84, [0, 0, 0]),
        ("a period not seen to its end is no row", None, None, 83, [0, 0]),
        ("leaves in the second period", 40, None, 400, [0, 1]),
        ("leaves as the first period ends", 28, None, 400, [1]),
        ("leaves just after the first period ends", 28.5, None, 400, [0, 1]),
        ("completes in the third period", None, 80, 400, [0, 0]),
        ("completes as the third period ends", None, 84, 400, [0, 0, 0]),
    ],
)
def test_labels(name: str, churned: float | None, completed: float | None, observed: int, labels: list[int]) -> None:
    row = matrix(
        churned_at=None if churned is None else after(churned),
        completed_at=None if completed is None else after(completed),
    )
    assert expand(row, ["s"], after(observed)).y.tolist() == labels


@pytest.mark.parametrize(
    "name, contracted, churned, labels",
    [
        ("never pays less", None, None, [0, 0, 0]),
        ("pays less in the second period", 40, None, [0, 1]),
        ("leaves in the second period, having paid the same", None, 40, [0]),
        ("pays less, then leaves", 20, 70, [1]),
    ],
)
def test_labels_of_contraction(name: str, contracted: float | None, churned: float | None, labels: list[int]) -> None:
    row = matrix(
        contracted_at=None if contracted is None else after(contracted),
        churned_at=None if churned is None else after(churned),
    )
    assert expand(row, ["s"], after(84), "contraction").y.tolist() == labels


def test_sampling_keeps_every_event_and_says_what_share_of_the_rest_it_kept() -> None:
    one = matrix(churned_at=after(20))
    rows = expand(pl.concat([one] * 5 + [matrix()] * 400), ["s"], after(364), most_rows=500, seed=1)
    assert rows.y.sum() == 5
    assert rows.kept == pytest.approx(495 / 5200)
    assert len(rows.y) == pytest.approx(500, abs=80)
    assert rows.offset == pytest.approx(-np.log(rows.kept))


@given(
    renewal=st.integers(1, 800),
    term=st.sampled_from([np.nan, 28.0, 30.0, 31.0, 91.0, 365.0, 1096.0]),
)
def test_renewals_roll_on_like_a_naive_walk(renewal: int, term: float) -> None:
    ends = [float(renewal)]
    while term > 0 and ends[-1] <= 28 * LEADS:
        ends.append(ends[-1] + term)
    for lead in range(1, LEADS + 1):
        naive = any(28 * (lead - 1) < end <= 28 * lead for end in ends)
        assert renewal_in_lead(lead, np.array([float(renewal)]), np.array([term]))[0] == naive


def test_an_open_ended_contract_has_no_renewal() -> None:
    clock = clock_values(3, np.array([np.nan]), np.array([np.nan]), np.array([False]))
    assert clock[0, :2].tolist() == [3.0, 0.0]
    assert np.isnan(clock[0, 2:]).all()


def test_every_row_of_a_company_agrees_with_a_naive_loop(company) -> None:
    history = company.outcomes.of(company.matrix).sort("account_id", "as_of").gather_every(37)
    rows = expand(history, ["tenure_days"], company.outcomes.observed_until)
    naive = []
    for index, row in enumerate(history.iter_rows(named=True)):
        for lead in range(1, LEADS + 1):
            begins, ends = row["as_of"] + timedelta(days=28 * (lead - 1)), row["as_of"] + timedelta(days=28 * lead)
            churned = row["churned_at"]
            if ends <= company.outcomes.observed_until and (churned is None or churned > begins):
                naive.append((index, lead, float(churned is not None and churned <= ends)))
    found = zip(rows.row.tolist(), rows.x[:, 1].astype(int).tolist(), rows.y.tolist(), strict=True)
    assert sorted(found) == sorted(naive)


@pytest.mark.parametrize(
    "lead, renewal, fixed, share",
    [
        (1, 100.0, True, 1.0),
        (4, 100.0, True, 16 / 28),
        (5, 100.0, True, 0.0),
        (5, 100.0, False, 1.0),
        (13, np.nan, True, 1.0),
        (1, -3.0, True, 0.0),
    ],
)
def test_who_is_of_a_fixed_term_can_leave_until_it_has_ended(
    lead: int, renewal: float, fixed: bool, share: float
) -> None:
    assert at_risk(lead, np.array([renewal]), np.array([fixed]))[0] == pytest.approx(share)


def test_a_fixed_term_does_not_renew() -> None:
    renewal, term = np.array([20.0, 20.0]), np.array([365.0, 365.0])
    clock = clock_values(1, renewal, term, np.array([True, False]))
    assert clock[:, CLOCK.index("renewal_in_lead")].tolist() == [0.0, 1.0]
    assert clock[:, CLOCK.index("days_to_renewal")].tolist() == [20.0, 20.0]
