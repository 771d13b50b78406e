"""The change ledger: exact sums, whatever changed."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalogue import CATALOGUE
from training.calibration import Calibration
from training.model import HealthModel, Scored, Snapshot, ledger
from training.model.path import FIGURES
from training.scorecard import read


@pytest.fixture(scope="module")
def cast(company) -> SimpleNamespace:
    """Snapshots of two moments a year apart, and four models to score them with."""
    model, matrix = company.model, company.matrix
    moments = sorted(matrix["as_of"].unique())
    rows = matrix.filter(pl.col("as_of").is_in([moments[-14], moments[-1]]))
    steeper = replace(read(), reach=2 * read().reach)
    prior = replace(model, churn=replace(model.churn, booster=None, calibration=Calibration(0.3, 0.0, {"small": 0.4})))
    models = [
        model,
        replace(model, card=replace(model.card, reference=model.card.reference + 0.2)),
        replace(model, churn=replace(model.churn, scorecard=steeper)),
        prior,
    ]
    return SimpleNamespace(model=model, models=models, rows=rows, snapshots=[Snapshot.of(r) for r in rows.to_dicts()])


@st.composite
def sides(draw, models: int, snapshots: int) -> tuple[int, int, int, int, list[int], bool]:
    """Two models, two accounts' snapshots, and the signals that the second side lacks."""
    model, account = st.integers(0, models - 1), st.integers(0, snapshots - 1)
    lost = st.lists(st.integers(0, 95), max_size=6)
    return draw(model), draw(model), draw(account), draw(account), draw(lost), draw(st.booleans())


def made(cast: SimpleNamespace, drawn: tuple[int, int, int, int, list[int], bool]) -> tuple[Scored, Scored]:
    first, second, one, other, lost, without_usage = drawn
    snapshot = cast.snapshots[other]
    names = list(snapshot.signals)
    gone = {names[place % len(names)] for place in lost}
    if without_usage:
        gone |= {name for name in names if name.endswith("_28d") or name in {"days_since_last_use", "usage_trend_84d"}}
    signals = {name: None if name in gone else value for name, value in snapshot.signals.items()}
    return Scored(cast.models[first], cast.snapshots[one]), Scored(
        cast.models[second], replace(snapshot, signals=signals)
    )


def summed(found) -> np.ndarray:
    return np.array([sum(getattr(entry, figure) for entry in found.entries) for figure in FIGURES])


def difference(found) -> np.ndarray:
    return np.array([found.after[figure] - found.before[figure] for figure in FIGURES])


LAW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAW
@given(data=st.data())
def test_entries_add_up_and_turn_their_sign_when_the_scores_change_places(cast, data) -> None:
    before, after = made(cast, data.draw(sides(len(cast.models), len(cast.snapshots))))
    found, turned = ledger(before, after), ledger(after, before)
    assert np.abs(summed(found) - difference(found)).max() < 1e-9
    assert all(abs(found.before[figure] - turned.after[figure]) < 1e-12 for figure in FIGURES)
    there, back = ({(e.kind, e.name): e for e in each.entries} for each in (found, turned))
    for key in there.keys() | back.keys():
        for figure in FIGURES:
            ways = [getattr(each[key], figure) if key in each else 0.0 for each in (there, back)]
            assert abs(sum(ways)) < 1e-9, key


@LAW
@given(data=st.data())
def test_a_signal_that_has_not_moved_has_no_entry(cast, data) -> None:
    before, after = made(cast, data.draw(sides(len(cast.models), len(cast.snapshots))))
    moved = {name for name, value in before.snapshot.signals.items() if value != after.snapshot.signals.get(name)}
    found = ledger(before, after)
    assert {entry.name for entry in found.entries if entry.kind == "signal"} <= moved
    assert len({(entry.kind, entry.name) for entry in found.entries}) == len(found.entries)


def test_nothing_changed_gives_nothing(cast) -> None:
    side = Scored(cast.model, cast.snapshots[0])
    assert ledger(side, side).entries == ledger(side, side, side.snapshot).entries == ()


def test_its_figures_are_those_that_are_served(cast) -> None:
    scored = cast.model.score(cast.rows).to_dicts()
    for row in range(0, len(scored), 50):
        found = ledger(Scored(cast.model, cast.snapshots[0]), Scored(cast.model, cast.snapshots[row]))
        for figure in FIGURES:
            assert found.before[figure] == pytest.approx(scored[0][figure], abs=1e-9)
            assert found.after[figure] == pytest.approx(scored[row][figure], abs=1e-9)


def test_two_signals_are_split_as_shapley_does(cast) -> None:
    """The oracle takes the steps in every order, each scored on its own."""
    model, before = cast.model, cast.snapshots[0]
    moves = {"notice_given": 1.0, "licences_adopted_28d": 0.05}
    assert not set(moves.items()) & set(before.signals.items())
    after = replace(before, signals={**before.signals, **moves})
    found = {entry.name: entry for entry in ledger(Scored(model, before), Scored(model, after)).entries}
    for name in moves:
        gains = []
        for order in permutations(moves):
            upto = order[: order.index(name)]
            ends = [_scores(model, replace(before, signals={**before.signals, **{n: moves[n] for n in taken}}))
                    for taken in (upto, (*upto, name))]  # fmt: skip
            gains.append(ends[1] - ends[0])
        mean = np.mean(gains, axis=0)
        assert [getattr(found[name], figure) for figure in FIGURES] == pytest.approx(mean.tolist(), abs=1e-9)
    assert set(found) - {"health"} == set(moves)


def _scores(model: HealthModel, snapshot: Snapshot) -> np.ndarray:
    accounts = snapshot.accounts(model.card.signals)
    scores = model.scores(accounts)
    return np.array([model.health(model.known(accounts))[0], scores["risk_90d"][0], scores["risk_365d"][0]])


def test_time_that_passes_brings_the_renewal_nearer_and_makes_the_customer_older(cast) -> None:
    before = replace(
        cast.snapshots[0],
        as_of=datetime(2025, 1, 2),
        renewal_at=datetime(2025, 6, 1),
        term_days=365.0,
        signals={**cast.snapshots[0].signals, "tenure_days": 100.0},
    )
    after = replace(before, as_of=datetime(2025, 4, 10), signals={**before.signals, "tenure_days": 198.0})
    entries = ledger(Scored(cast.model, before), Scored(cast.model, after)).entries
    assert {entry.kind for entry in entries} == {"clock"}
    (renewal,) = (entry for entry in entries if entry.name == "renewal")
    assert renewal.words.startswith("The renewal is 98 days nearer. Raises the risk within 90 days by ")
    assert (renewal.health, renewal.risk_90d > 0) == (0.0, True)


def test_tenure_that_jumps_is_a_signal_that_moved(cast) -> None:
    before = replace(cast.snapshots[0], signals={**cast.snapshots[0].signals, "tenure_days": 60.0})
    after = replace(before, signals={**before.signals, "tenure_days": 3000.0})
    entries = ledger(Scored(cast.model, before), Scored(cast.model, after)).entries
    assert {entry.kind for entry in entries} <= {"signal"}


def test_a_renewal_that_is_signed_is_the_contracts(cast) -> None:
    before = replace(cast.snapshots[0], as_of=datetime(2025, 1, 2), renewal_at=datetime(2025, 2, 1), term_days=365.0)
    after = replace(before, renewal_at=datetime(2026, 2, 1))
    (entry,) = ledger(Scored(cast.model, before), Scored(cast.model, after)).entries
    assert (entry.kind, entry.name, entry.health) == ("contract", "renewal_at", 0.0)
    assert entry.words.startswith("Renewal: 2026-02-01, before: 2025-02-01. Lowers the risk within 90 days by ")


def test_a_table_that_stops_is_one_entry_and_so_is_its_return(cast) -> None:

    before = next(s for s in cast.snapshots if s.signals["days_since_last_use"] not in {None, 0.0})
    gone = {n: None if "usage_daily" in CATALOGUE[n].tables else v for n, v in before.signals.items()}
    after = replace(before, signals=gone)
    (entry,) = ledger(Scored(cast.model, before), Scored(cast.model, after)).entries
    assert (entry.kind, entry.name) == ("data", "usage_daily")
    assert entry.words.startswith("No usage data: taken as typical. ")
    (back,) = ledger(Scored(cast.model, after), Scored(cast.model, before)).entries
    assert back.words.startswith("Usage data has come. ")
    assert back.health == pytest.approx(-entry.health)


def test_what_came_late_is_told_apart_from_what_moved(cast) -> None:
    base = {**cast.snapshots[0].signals, "open_tickets": 0.0, "notice_given": 0.0}
    before = replace(cast.snapshots[0], signals=base)
    restated = replace(before, signals={**base, "open_tickets": 4.0})
    after = replace(restated, signals={**restated.signals, "open_tickets": 5.0, "notice_given": 1.0})
    found = ledger(Scored(cast.model, before), Scored(cast.model, after), restated)
    told = {(entry.kind, entry.name): entry.words for entry in found.entries if entry.kind != "clipping"}
    assert told.keys() == {("data", "open_tickets"), ("signal", "open_tickets"), ("signal", "notice_given")}
    late = "Came late: Support requests that are still open: 4, before: 0. "
    assert told["data", "open_tickets"].startswith(late)
    assert np.abs(summed(found) - difference(found)).max() < 1e-9


@pytest.mark.parametrize(
    "other, keys",
    [
        (0, set()),
        (1, {("configuration", "reference"), ("model", "model")}),
        (2, {("configuration", "scorecard"), ("model", "model")}),
        (3, {("model", "model")}),
    ],
)
def test_another_model_is_told_apart_from_its_configuration(cast, other: int, keys: set[tuple[str, str]]) -> None:
    found = ledger(Scored(cast.model, cast.snapshots[3], "1"), Scored(cast.models[other], cast.snapshots[3], "2"))
    effective = {(entry.kind, entry.name) for entry in found.entries}
    assert effective == keys - ({("model", "model")} if other in {1, 2} else set())
    assert all("version 2, before: version 1" in entry.words for entry in found.entries if entry.kind == "model")


def test_health_that_is_clipped_has_an_entry_of_its_own(cast) -> None:
    alarmed = {**cast.snapshots[0].signals, "notice_given": 0.0}
    low = replace(cast.model, card=replace(cast.model.card, reference=cast.model.card.reference + 2.5))
    before = replace(cast.snapshots[0], signals=alarmed)
    after = replace(before, signals={**alarmed, "notice_given": 1.0})
    found = ledger(Scored(low, before), Scored(low, after))
    assert found.after["health"] == 0.0
    clipping = found.entries[-1]
    assert (clipping.kind, clipping.risk_90d, clipping.risk_365d) == ("clipping", 0.0, 0.0)
    assert clipping.health > 0
    assert summed(found) == pytest.approx(difference(found), abs=1e-9)


def test_a_segment_changes_with_the_contract(cast) -> None:
    model = cast.models[3]
    before = replace(cast.snapshots[0], segment="enterprise")
    (entry,) = ledger(Scored(model, before), Scored(model, replace(before, segment="small"))).entries
    assert entry.words.startswith("Segment: small, before: enterprise. Costs 5.8 points.")
    assert entry.health == pytest.approx(-0.4 * 10 / np.log(2))


def test_an_open_ended_contract_has_no_renewal_to_come_nearer(cast) -> None:
    before = replace(cast.snapshots[0], renewal_at=None, term_days=None)
    after = replace(before, as_of=before.as_of + timedelta(days=28))
    assert ledger(Scored(cast.model, before), Scored(cast.model, after)).entries == ()
