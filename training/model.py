"""The artefact: a trained model as LightGBM's text and JSON, and everything that is read off it.

**Risk** at a horizon follows the hazards of the leads up to it; **renewal risk** is the hazard of the lead the renewal
falls in, as if it fell in the last one where it is further off. **Health** is a linear map of log-odds, as credit
scores are: with a yearly renewal in the third period, `50 + 10 · log2(odds of renewing ÷ reference odds)`, clipped to
0–100. **Points** are LightGBM's exact contributions on the same scale, so `base_points` plus all points is health
before it is clipped; what the clock covariates contribute is part of the base.

Nothing here is pickled: `mlflow.pyfunc.load_model` reads the same two files through `_load_pyfunc`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from features.catalogue import CATALOGUE, digest
from features.periods import PERIOD_DAYS
from features.signal import DIMENSIONS
from training.calibration import Calibration
from training.errors import ModelError
from training.hazard import log_odds
from training.leads import LEADS, clock_values, renewal_clock, signal_values

HORIZONS = (30, 90, 180, 365)
"""Days at which churn risk is served."""

HEALTH_LEAD = 3
HEALTH_TERM_DAYS = 365.0
"""Health asks every account the same question, a yearly renewal in the third period. Asked with its own term, a monthly
contract looks healthy whatever its behaviour, because little is decided at any one of its renewals (mean health 85
against 40 for yearly terms, and AUC 0.60 instead of 0.66 among the monthly accounts of the simulated company)."""
POINTS_PER_LOG_ODD = 10.0 / np.log(2.0)
BANDS = (("healthy", 50.0), ("at_risk", 35.0), ("critical", -np.inf))
"""Band and the health it begins at. Higher health is better."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Card:
    """What a model version says of itself; the JSON half of the artefact.

    `reference` is the log-odds of renewing that health 50 stands for; `weights` the share of the model's gain each
    signal has (they sum to 1).
    """

    signals: tuple[str, ...]
    catalogue_digest: str
    calibration: Calibration
    reference: float
    weights: dict[str, float]
    grace_days: int
    trained_on: dict[str, Any]
    mode: str = "learned"


@dataclass(frozen=True)
class HealthModel:
    """A trained model that scores a matrix."""

    booster: lgb.Booster
    card: Card

    def score(self, matrix: pl.DataFrame) -> pl.DataFrame:
        """Scores of every row of `features.matrix.build`'s matrix, in its order.

        Columns: account_id, as_of, `health` (0–100), `band`, `risk_<days>d` (probabilities), `renewal_risk` (missing
        without a known renewal), `arr_at_risk` (expected loss of ARR within 365 days), `coverage` (0–1), `base_points`,
        `points_<dimension>` and `points__<signal>`.
        """
        values = signal_values(matrix, list(self.card.signals))
        renewal, term = renewal_clock(matrix)
        columns = self.score_values(values, renewal, term)
        arr = matrix["arr_in_force"].cast(pl.Float64).to_numpy()
        columns["arr_at_risk"] = arr * columns["risk_365d"]
        scored = pl.DataFrame(columns, nan_to_null=True)
        return pl.concat([matrix.select("account_id", "as_of"), scored], how="horizontal")

    def score_values(self, values: NDArray[np.float32], renewal: Floats, term: Floats) -> dict[str, Any]:
        """Scores of rows of signal values (rows by `card.signals`, NaN where missing).

        `renewal` and `term` are days to the renewal and of the term, NaN where open-ended.
        """
        hazards = self.hazards(values, renewal, term)
        base, points = self.points(values)
        health = base + points.sum(axis=1)
        columns: dict[str, Any] = {"health": np.clip(health, 0.0, 100.0), "band": bands(health)}
        columns |= {f"risk_{days}d": risk_within(hazards, days) for days in HORIZONS}
        columns["renewal_risk"] = self._renewal_risk(values, renewal, term)
        columns["coverage"] = self.coverage(values)
        columns["base_points"] = base
        for dimension in DIMENSIONS:
            of_dimension = [i for i, name in enumerate(self.card.signals) if CATALOGUE[name].dimension == dimension]
            columns[f"points_{dimension}"] = points[:, of_dimension].sum(axis=1)
        columns |= {f"points__{name}": points[:, i] for i, name in enumerate(self.card.signals)}
        return columns

    def hazards(self, values: NDArray[np.float32], renewal: Floats, term: Floats) -> Floats:
        """Chance to leave in each lead for those still there: rows by `LEADS`."""
        hazards = np.empty((len(values), LEADS))
        for lead in range(1, LEADS + 1):
            x = np.hstack([values, clock_values(lead, renewal, term)])
            hazards[:, lead - 1] = expit(self.card.calibration.apply(log_odds(self.booster, x)))
        return hazards

    def points(self, values: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Base points per row, and points per row and signal, whose sum is health before it is clipped."""
        x = _renewal_ahead(values)
        contributions = np.asarray(self.booster.predict(x, pred_contrib=True), dtype=np.float64)
        signals = len(self.card.signals)
        slope, intercept = self.card.calibration.slope, self.card.calibration.intercept
        clock_and_mean = contributions[:, signals:].sum(axis=1)
        base = 50.0 - POINTS_PER_LOG_ODD * (intercept + slope * clock_and_mean + self.card.reference)
        return base, -POINTS_PER_LOG_ODD * slope * contributions[:, :signals]

    def coverage(self, values: NDArray[np.float32]) -> Floats:
        """Share of the model's weight that lies on signals which are there."""
        weights = np.array([self.card.weights[name] for name in self.card.signals])
        return np.asarray(~np.isnan(values) @ weights, dtype=np.float64)

    def _renewal_risk(self, values: NDArray[np.float32], renewal: Floats, term: Floats) -> Floats:
        lead = np.clip(np.ceil(np.nan_to_num(renewal, nan=1.0) / PERIOD_DAYS), 1, LEADS)
        to_renewal = renewal - PERIOD_DAYS * (lead - 1)
        x = np.column_stack([values, lead, np.ones(len(values)), to_renewal, term]).astype(np.float32)
        risk = expit(self.card.calibration.apply(log_odds(self.booster, x)))
        return np.where(np.isnan(renewal), np.nan, risk)

    def save(self, folder: Path) -> None:
        """Write `booster.txt` and `model.json` into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.booster.save_model(folder / "booster.txt")
        (folder / "model.json").write_text(json.dumps(asdict(self.card), indent=2, sort_keys=True) + "\n")


def load(folder: Path) -> HealthModel:
    """Read what `save` wrote; ModelError if it was made with signals that mean something else here."""
    card = json.loads((folder / "model.json").read_text())
    card["signals"] = tuple(card["signals"])
    card["calibration"] = Calibration(**card["calibration"])
    model = HealthModel(lgb.Booster(model_file=folder / "booster.txt"), Card(**card))
    unknown = [name for name in model.card.signals if name not in CATALOGUE]
    if unknown or model.card.catalogue_digest != digest([CATALOGUE[name] for name in model.card.signals]):
        raise ModelError(
            "the model was trained with other definitions of its signals"
            + (f" (unknown here: {', '.join(unknown)})" if unknown else "")
            + ": train again with this version, or serve it with the version that trained it"
        )
    return model


def reference_log_odds(booster: lgb.Booster, calibration: Calibration, values: NDArray[np.float32]) -> float:
    """Mean log-odds of renewing over the rows: what health 50 stands for."""
    return -float(calibration.apply(log_odds(booster, _renewal_ahead(values))).mean())


def risk_within(hazards: Floats, days: int) -> Floats:
    """Chance to have left within `days`, from hazards per lead; a part of a period counts as that share of it."""
    whole, rest = divmod(days, PERIOD_DAYS)
    stays = np.prod(1.0 - hazards[:, :whole], axis=1)
    partly = (1.0 - hazards[:, min(whole, LEADS - 1)]) ** (rest / PERIOD_DAYS)
    return np.asarray(1.0 - stays * partly, dtype=np.float64)


def bands(health: Floats) -> list[str]:
    """The band of each health."""
    return [next(name for name, begins in BANDS if value >= begins) for value in health]


def _renewal_ahead(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows as if a yearly renewal fell in the third period, whatever their contracts say."""
    clock = np.array([[HEALTH_LEAD, 1.0, PERIOD_DAYS / 2, HEALTH_TERM_DAYS]], dtype=np.float32)
    return np.hstack([values, np.repeat(clock, len(values), axis=0)])


class Served:
    """What MLflow calls: a frame of signals, `days_to_renewal` and `term_days` in, scores out."""

    def __init__(self, model: HealthModel) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Health, band, risks and points per row, in order."""
        names = [*self.model.card.signals, "days_to_renewal", "term_days"]
        frame = model_input.reindex(columns=names).astype("float64")
        values = frame[list(self.model.card.signals)].to_numpy(dtype=np.float32)
        renewal, term = (frame[name].to_numpy() for name in ("days_to_renewal", "term_days"))
        return pd.DataFrame(self.model.score_values(values, renewal, term), index=model_input.index)


def _load_pyfunc(data_path: str) -> Served:
    """MLflow's loader-module contract."""
    return Served(load(Path(data_path)))
