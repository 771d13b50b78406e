"""The whole main job on data nobody made for it: exports, mapping, check, signals, training, scores, outcomes.

Bounds are wide enough for another version of a library and narrow enough that a leak or a broken signal fails.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.findings import Checked
from features.matrix import build
from features.periods import PERIOD, PERIOD_DAYS, snapshots
from features.quality import check
from features.sources import open_source
from features.spine import spine
from features.tables import Tables
from training.evaluation import Figures, churned_within, figures
from training.leakage import examine
from training.model import HealthModel
from training.outcomes import Outcomes, outcomes
from training.train import Recipe, history_starts, train

DATA = Path(__file__).parents[2].parent / "shared" / "data"
MAPPINGS = Path(__file__).parents[1] / "features" / "mappings"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not on this machine"),
]


def checked(name: str, mapping: Path | None = None) -> Checked:
    with open_source(DATA / name, mapping or MAPPINGS / f"{name}.toml") as source:
        return check(source)


@dataclass(frozen=True)
class Case:
    """What was known at a moment, to learn from; the customers of that moment, and what became of them."""

    past: pl.DataFrame
    known: Outcomes
    now: pl.DataFrame
    truth: Outcomes
    grace_days: int

    @cached_property
    def model(self) -> HealthModel:
        return train(self.past, self.known, Recipe(grace_days=self.grace_days))

    def figures(self, days: int, risks: Callable[[pl.DataFrame], np.ndarray] | None = None) -> Figures:
        """Figures of the model's risks, or of `risks`."""
        rows = churned_within(self.now, self.truth, days)
        risk = risks(rows) if risks else self.model.score(rows.select(self.now.columns))[f"risk_{days}d"].to_numpy()
        return figures(risk, rows["churned"].to_numpy(), rows["arr_in_force"].to_numpy())


def book(name: str, watch_days: int, grace_days: int) -> Case:
    """All customers, at the last of the periods that leaves `watch_days` and the grace to watch."""
    tables = checked(name).tables
    end = tables.extracted_at
    at = end - PERIOD * -(-(watch_days + grace_days) // PERIOD_DAYS)
    known = outcomes(tables, grace_days, at)
    matrix = build(tables, spine(tables, snapshots(history_starts(known, at), at)))
    return Case(matrix, known, matrix.filter(pl.col("as_of") == at), outcomes(tables, grace_days), grace_days)


def of_presentation(tables: Tables, presentation: str, *, wanted: bool) -> Tables:
    """The tables of the enrolments in a presentation, or of all others."""
    products = tables["contracts"].select("account_id", "product").unique().collect()
    accounts = products.filter(pl.col("product").str.ends_with(presentation))["account_id"].implode()
    inside = pl.col("account_id").is_in(accounts)
    return replace(
        tables, frames={name: rows.filter(inside if wanted else ~inside) for name, rows in tables.frames.items()}
    )


def oulad_2014b(tables: Tables, day: int) -> Case:
    """2013B and 2013J as known at that day of 2014B, to learn from; the enrolments of 2014B.

    Leaving is on record the day it happens, so there is no grace.
    """
    at = datetime(2014, 2, 1) + timedelta(days=day)
    earlier, later = (of_presentation(tables, "2014B", wanted=wanted) for wanted in (False, True))
    begins = (datetime(2013, 2, 1), datetime(2013, 10, 1))
    as_ofs = [start + PERIOD * k for start in begins for k in range(10) if start + PERIOD * k <= at]
    now = build(later, spine(later, [at]))
    return Case(build(earlier, spine(earlier, as_ofs)), outcomes(earlier, 0, at), now, outcomes(later, 0), 0)


@pytest.fixture(scope="module")
def oulad() -> dict[int, Figures]:
    tables = checked("oulad").tables
    return {day: oulad_2014b(tables, day).figures(90) for day in (28, 84)}


@pytest.mark.parametrize("day, auc, skill", [(28, 0.63, 0.015), (84, 0.66, 0.015)])
def test_oulad_out_of_time(oulad: dict[int, Figures], day: int, auc: float, skill: float) -> None:
    found = oulad[day]
    assert found.accounts > 5_900
    assert auc < found.auc < 0.75, "0.90 is what a leak of later submissions gives"
    assert found.brier < found.base_brier * (1 - skill)
    assert 0.65 < found.expected_to_actual < 1.35


def test_oulad_with_marks_known_too_early_looks_better_than_it_is(oulad: dict[int, Figures], tmp_path: Path) -> None:
    honest = (MAPPINGS / "oulad.toml").read_text()
    assert "INTERVAL 14 DAY" in honest
    leaky = tmp_path / "leaky.toml"
    leaky.write_text(honest.replace("INTERVAL 14 DAY", "INTERVAL 0 DAY"))
    assert oulad_2014b(checked("oulad", leaky).tables, 28).figures(90).auc > oulad[28].auc + 0.03


def test_churnsim_out_of_time() -> None:
    case = book("churnsim", 90, 30)
    assert case.now["as_of"].max() == datetime(2023, 8, 14)
    found = case.figures(90)
    assert 0.71 < found.auc < 0.82
    assert found.brier < found.base_brier * 0.97
    assert 0.75 < found.expected_to_actual < 1.3
    assert examine(case.past, case.known) == []


def test_online_retail_out_of_time() -> None:
    found = book("online_retail", 90, 0).figures(90)
    assert 0.77 < found.auc < 0.87
    assert found.brier < found.base_brier * 0.8
    assert 0.85 < found.expected_to_actual < 1.15


def test_future_rows_change_no_score() -> None:
    tables = checked("oulad").tables
    at = datetime(2014, 3, 1)
    cut = replace(
        tables,
        frames=dict(tables.frames)
        | {
            "objectives": tables["objectives"].with_columns(
                achieved_at=pl.when(pl.col("achieved_at") <= at).then("achieved_at")
            ),
            "contracts": tables["contracts"].filter(pl.coalesce("available_at", "term_start") <= at),
        },
    )
    rows = spine(tables, snapshots(at - PERIOD, at))
    assert spine(cut, snapshots(at - PERIOD, at)).equals(rows)
    assert build(cut, rows).equals(build(tables, rows))
