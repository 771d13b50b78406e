"""The model as MLflow calls it: a frame of signals and the contract's clock in, scores out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training.model.artefact import load
from training.model.health import Accounts, HealthModel

CLOCK = ("days_to_renewal", "term_days")


class Served:
    """What `mlflow.pyfunc` loads.

    Columns in: the model's signals, `days_to_renewal` and `term_days` (missing where open-ended), and `segment`.
    """

    def __init__(self, model: HealthModel) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Health, band, risks and points per row, in order; a column that isn't there is missing in every row."""
        names = list(self.model.card.signals)
        frame = model_input.reindex(columns=[*names, *CLOCK]).astype("float64")
        segments = model_input["segment"].to_numpy() if "segment" in model_input else np.full(len(frame), None)
        renewal, term = (frame[name].to_numpy() for name in CLOCK)
        accounts = Accounts(frame[names].to_numpy(dtype=np.float32), renewal, term, segments)
        return pd.DataFrame(self.model.scores(accounts), index=model_input.index)


def _load_pyfunc(data_path: str) -> Served:
    """MLflow's loader-module contract."""
    return Served(load(Path(data_path)))
