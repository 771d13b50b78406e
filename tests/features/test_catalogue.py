"""The catalogue says what is true: names, columns, digest, document; and adding a signal is one declaration."""

import re
from dataclasses import replace
from datetime import datetime

import narwhals as nw
import pytest

from features.catalogue import SIGNALS, digest
from features.data_contract import README, filled
from features.matrix import build
from features.measures import Measure, count, median
from features.signal import DIMENSIONS, Signal, itself, share
from features.spine import spine
from features.tables import TABLES
from tests.features.small_company import tables

MEASURES = {window.column: window.measure for signal in SIGNALS for window in signal.measures}


def columns(measure: Measure) -> set[str]:
    """The columns a measure reads."""
    return set(re.findall(r"\bcol\(([^)]*)\)", repr(measure.value)))


def test_names_are_unique_and_say_their_window() -> None:
    names = [signal.name for signal in SIGNALS]
    assert len(set(names)) == len(names)
    for signal in SIGNALS:
        said = re.search(r"_(\d+)d$", signal.name)
        shortest = min((w.periods for w in signal.measures if w.periods), default=None)
        if said:
            assert int(said[1]) == 28 * (shortest or 13), signal.name
        else:
            assert shortest is None, signal.name


def test_measures_with_one_name_are_one_measure() -> None:
    made: dict[str, tuple[object, ...]] = {}
    for measure in MEASURES.values():
        declared = (measure.stream, measure.how, repr(measure.value))
        assert made.setdefault(measure.name, declared) == declared


def test_every_dimension_has_signals_with_meaning_and_bounds() -> None:
    assert {signal.dimension for signal in SIGNALS} == set(DIMENSIONS)
    assert all(signal.meaning and signal.unit for signal in SIGNALS)
    assert all(signal.upper == 1 for signal in SIGNALS if signal.unit in ("share", "yes/no"))


@pytest.mark.parametrize("column", MEASURES)
def test_a_measure_reads_what_its_table_has_when_it_is_known(column: str) -> None:
    """A value revealed by a time column, and a time itself, count only once that time has come to pass."""
    measure = MEASURES[column]
    table = TABLES[measure.table]
    declared = {declared.name for declared in table.columns}
    assert columns(measure) - {"day"} <= declared
    assert set(measure.at) <= declared
    for name in columns(measure) - {"day"}:
        read = table.column(name)
        assert read.known_with is None or read.known_with in measure.at, f"{name} is known with {read.known_with}"
        assert read.type not in ("time", "date") or name in measure.at, f"{name} may lie in the future"


def test_only_the_clock_is_kept_from_the_model() -> None:
    assert [signal.name for signal in SIGNALS if not signal.in_model] == ["days_to_renewal", "contract_term_days"]


TOUCHES = count("touches", "engagements", "engaged_at")
SIGNAL = Signal("x_84d", "engagement", "touches", "Touches", (TOUCHES.last(84),), itself)


@pytest.mark.parametrize(
    "changed",
    [
        replace(SIGNAL, name="y_84d"),
        replace(SIGNAL, unit="share"),
        replace(SIGNAL, direction=1),
        replace(SIGNAL, upper=5),
        replace(SIGNAL, in_model=False),
        replace(SIGNAL, of=(TOUCHES.last(28),)),
        replace(SIGNAL, value=lambda value: value * 2.0),
        replace(SIGNAL, of=(count("touches", "engagements", "engaged_at", where=nw.col("kind") == "qbr").last(84),)),
        replace(SIGNAL, of=(replace(TOUCHES, at=("engaged_at", "available_at")).last(84),)),
        replace(SIGNAL, of=(replace(TOUCHES, how="max").last(84),)),
        replace(SIGNAL, of=(replace(TOUCHES, scale=10.0).last(84),)),
    ],
)
def test_the_digest_changes_with_a_declaration(changed: Signal) -> None:
    assert digest([SIGNAL]) == digest([replace(SIGNAL)])
    assert digest([changed]) != digest([SIGNAL])


def test_what_does_not_add_up_needs_a_window() -> None:
    with pytest.raises(ValueError, match="needs a window"):
        median("speed", "tickets", "opened_at", value=nw.col("cost")).ever()


def test_the_readme_is_up_to_date() -> None:
    text = README.read_text(encoding="utf-8")
    assert filled(text) == text, "run `python -m features.data_contract`"
    assert all(f"| `{signal.name}` |" in text for signal in SIGNALS)


def test_adding_a_signal_is_one_declaration_and_one_test() -> None:
    """The example of `features/README.md`."""
    calls = count("touches_call", "engagements", "engaged_at", where=nw.col("kind") == "call")
    touches = count("touches", "engagements", "engaged_at")
    signal = Signal(
        "calls_84d",
        "engagement",
        "share",
        "Share of the touches of the last twelve weeks that were calls",
        (calls.last(84), touches.last(84)),
        share,
        upper=1,
    )

    at = datetime(2025, 1, 1)
    company = tables(
        {
            "accounts": [{"account_id": "Thrive"}, {"account_id": "Quiet"}],
            "contracts": [
                {"contract_id": name, "account_id": name, "term_start": datetime(2024, 1, 1), "arr": 100.0}
                for name in ("Thrive", "Quiet")
            ],
            "engagements": [
                {"account_id": "Thrive", "engaged_at": datetime(2024, 12, 1), "kind": kind}
                for kind in ("call", "call", "email", "qbr")
            ],
        }
    )
    matrix = build(company, spine(company, [at]), [signal])
    assert dict(matrix.select("account_id", "calls_84d").iter_rows()) == {"Quiet": None, "Thrive": 0.5}
