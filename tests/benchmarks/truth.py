"""The bars on simulated companies, against the truth: `python tests/benchmarks/truth.py [seeds] [accounts] [months]`.

Everything is out of time: a model knows what was known at its moment and is judged on snapshots from it on, by what
then happened (`truth/truth.parquet`). Before the change of regime it is judged at once; after it, a model from just
before the change is judged 11 periods later as it stands, recalibrated, and trained anew.

The oracle knows latent health, shocks that no signal shows, and every announcement. What signals can tell at best is
measured by a LightGBM that learns the oracle's own probabilities (soft labels, no noise of outcomes) from the same
signals and clock at all times, the future too, and is judged on accounts it hasn't seen.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from sklearn.metrics import log_loss, roc_auc_score

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from features.catalogue import SIGNALS  # noqa: E402
from features.matrix import build  # noqa: E402
from features.periods import PERIOD, snapshots  # noqa: E402
from features.quality import check  # noqa: E402
from features.simulation import simulate  # noqa: E402
from features.simulation.clock import clock  # noqa: E402
from features.sources import open_source  # noqa: E402
from features.spine import spine  # noqa: E402
from features.tables import Tables  # noqa: E402
from serving.bands import Band, Seen, settle  # noqa: E402
from training.leads import renewal_clock, signal_values  # noqa: E402
from training.model import HealthModel, bands  # noqa: E402
from training.outcomes import outcomes  # noqa: E402
from training.recalibration import recalibrated  # noqa: E402
from training.train import history_starts, train  # noqa: E402

END = datetime(2026, 1, 1)
DAYS = 90
EARLY = (150, 180)
SIGNAL_NAMES = {signal.name for signal in SIGNALS if signal.in_model}


@dataclass(frozen=True)
class Company:
    """A simulated company, the truth joined to its matrix, and what signals can tell at best (`ceiling`)."""

    tables: Tables
    matrix: pl.DataFrame
    truth: pl.DataFrame
    periods: int
    regime: int

    def at(self, *bounds: int) -> pl.Expr:
        return pl.col("as_of").is_in([END - PERIOD * (self.periods - bound) for bound in bounds])

    def model(self, bound: int) -> HealthModel:
        """Trained on what was known at that bound."""
        until = END - PERIOD * (self.periods - bound)
        return train(self.matrix.filter(pl.col("as_of") <= until), outcomes(self.tables, until=until))

    def recalibrated(self, model: HealthModel, bound: int) -> HealthModel:
        until = END - PERIOD * (self.periods - bound)
        known = outcomes(self.tables, until=until)
        return recalibrated(model, self.matrix.filter(pl.col("as_of") <= until), known)


def company(folder: Path, accounts: int, months: int, seed: int) -> Company:
    simulate(folder, accounts=accounts, months=months, seed=seed, end=END)
    with open_source(folder) as source:
        tables = check(source).tables
    starts = history_starts(outcomes(tables), END)
    matrix = build(tables, spine(tables, snapshots(starts, END)))
    tables = Tables(tables.extracted_at, {"contracts": tables["contracts"].collect().lazy()})
    known = pl.read_parquet(folder / "truth" / "truth.parquet").rename({"period_end": "as_of", "health": "latent"})
    truth = matrix.join(known, on=["account_id", "as_of"], how="inner")
    calendar = clock(END, months)
    return Company(tables, matrix, truth.with_columns(ceiling=ceiling(truth)), calendar.periods, calendar.regime)


def ceiling(truth: pl.DataFrame) -> pl.Series:
    """Risk within 90 days by a LightGBM that has learned the truth from the signals of the other half of accounts."""
    names = [name for name in truth.columns if name in SIGNAL_NAMES]
    segment = truth["segment"].cast(pl.Categorical).to_physical().fill_null(9).to_numpy()
    x = np.column_stack([signal_values(truth, names), *renewal_clock(truth), segment])
    half = (truth["account_id"].hash(1) % 2).to_numpy()
    said = np.zeros(len(x))
    shape = {"num_leaves": 31, "min_data_in_leaf": 100, "feature_fraction": 0.5, "bagging_fraction": 0.7}
    settings = {"objective": "cross_entropy", "learning_rate": 0.05, "bagging_freq": 1, "verbosity": -1, **shape}
    for fold in (0, 1):
        learned = half != fold
        soft = truth[f"churn_{DAYS}d"].to_numpy()[learned].clip(0, 1)
        said[~learned] = lgb.train(settings, lgb.Dataset(x[learned], soft), 400).predict(x[~learned])
    return pl.Series(said)


def judged(company: Company, model: HealthModel, bounds: range) -> dict[str, float]:
    """Figures at 90 days over the snapshots of some bounds."""
    rows = company.truth.filter(company.at(*bounds))
    scores = model.score(rows.select(company.matrix.columns))
    churned = (rows["churned_at"] <= rows["as_of"] + timedelta(days=DAYS)).fill_null(value=False).to_numpy()
    arr, risk = rows["arr_in_force"].to_numpy(), scores[f"risk_{DAYS}d"].to_numpy()
    oracle, best = rows[f"churn_{DAYS}d"].to_numpy(), rows["ceiling"].to_numpy()
    auc, of_oracle, of_best = (roc_auc_score(churned, said) for said in (risk, oracle, best))
    figures = {
        "left": float(churned.sum()),
        "AUC": auc,
        "oracle's": of_oracle,
        "share of oracle's": auc / of_oracle,
        "of what signals tell": auc / of_best,
        "E ÷ A": risk.sum() / churned.sum(),
        "E ÷ A, ARR": (risk * arr).sum() / (churned * arr).sum(),
        "E ÷ oracle's E": risk.sum() / oracle.sum(),
        "log-loss": log_loss(churned, risk),
        "best log-loss": log_loss(churned, np.clip(best, 1e-6, 1 - 1e-6)),
        "oracle's log-loss": log_loss(churned, np.clip(oracle, 1e-6, 1 - 1e-6)),
    }
    ahead = (rows["churned_at"] - rows["as_of"]).dt.total_days()
    early = ((ahead >= EARLY[0]) & (ahead <= EARLY[1])).fill_null(value=False).to_numpy()
    standing = -np.log(rows["renewal_hazard"] / (1 - rows["renewal_hazard"])).to_numpy() * 10 / np.log(2)
    flagged, truly = scores["health"].to_numpy() < 50, standing < standing.mean()
    return figures | {
        "flagged early": flagged[early].mean(),
        "by the oracle": truly[early].mean(),
        "of those it flags": flagged[early & truly].mean(),
        "not healthy, all": flagged.mean(),
    }


def flips(company: Company, model: HealthModel, bounds: range) -> dict[str, float]:
    """Share of account-months at which a band, left a month before, is back: as shown, and as people are told of."""
    rows = company.matrix.filter(company.at(*bounds))
    said = rows.select("account_id", "as_of").with_columns(model.score(rows)["health"]).sort("account_id", "as_of")
    said = said.with_columns(band=pl.Series(bands(said["health"].to_numpy())))
    settled: list[Band] = []
    before: Seen | None = None
    previous = None
    for account, _, health, band in said.iter_rows():
        before = before if account == previous else None
        settled.append(settle(health, band, before, later=True))
        before, previous = Seen(band, settled[-1], None), account
    return {
        "band flips": _back(said["account_id"], said["band"]),
        "settled band flips": _back(said["account_id"], pl.Series(settled)),
    }


def _back(account: pl.Series, band: pl.Series) -> float:
    ago = pl.DataFrame({"account_id": account, "now": band}).with_columns(
        pl.col("now").shift(back).over("account_id").alias(f"ago_{back}") for back in (1, 2)
    )
    back = (pl.col("now") == pl.col("ago_2")) & (pl.col("now") != pl.col("ago_1"))
    return ago.drop_nulls().select(back.mean()).item()


def figures(accounts: int, months: int, seed: int) -> dict[str, dict[str, float]]:
    """All figures of one company, by stage."""
    with tempfile.TemporaryDirectory() as folder:
        one = company(Path(folder), accounts, months, seed)
    early, stale, late = one.regime - 7, one.regime - 1, one.periods - 6
    soon, then = range(early, early + 4), range(late, late + 3)
    first, model = one.model(early), one.model(stale)
    stages = {
        "before the change": (first, soon, range(early, one.regime)),
        "after it, as it stood": (model, then, range(late, one.periods)),
        "after it, recalibrated": (one.recalibrated(model, late), then, range(late, one.periods)),
        "after it, trained anew": (one.model(late), then, range(late, one.periods)),
    }
    return {
        name: judged(one, said, bounds) | flips(one, said, months) for name, (said, bounds, months) in stages.items()
    }


def show(found: list[dict[str, dict[str, float]]], title: str) -> None:
    table = Table("figure", *found[0], title=title)
    for figure in next(iter(found[0].values())):
        values = [np.array([one[stage][figure] for one in found]) for stage in found[0]]
        table.add_row(figure, *(f"{v.mean():.3f} ({v.min():.3f} – {v.max():.3f})" for v in values))
    Console(width=150).print(table)


def main(seeds: int = 5, accounts: int = 3000, months: int = 36) -> None:
    found = [figures(accounts, months, seed) for seed in range(1, seeds + 1)]
    show(found, f"{seeds} companies of {accounts:,} accounts, {months} months: mean (least – most)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
