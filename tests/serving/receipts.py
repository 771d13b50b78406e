"""A receipt of round figures, and registries in which versions have one."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from training import receipt as made
from training.backtest import MODEL, Fold
from training.evaluation import FIGURES
from training.intervals import Estimate as MadeEstimate
from training.tracking import RECEIPT, Registry

DAY, NEXT = datetime(2025, 1, 1), datetime(2025, 4, 1)
LOGISTIC, COX = "logistic regression", "Cox <proportional> hazards"


def estimate(value: float) -> MadeEstimate:
    return MadeEstimate(value, 0.9 * value, 1.1 * value)


def named(account_id: str, owner: str | None) -> made.GreenChurner:
    driver = made.Driver("nps_364d", "relationship", "Average <answer>", "0 to 10", float("nan"), -2.5)
    return made.GreenChurner(
        account_id, f"{account_id} & <Sons>", "small", 12345.0, DAY, NEXT, 61.0, 0.031, (driver,), owner
    )


def entry(predictor: str, days: int, segment: str | None = None) -> made.Entry:
    figures = dict.fromkeys(FIGURES, estimate(0.5 if predictor == MODEL else 0.4)) | {
        "expected_to_actual": estimate(days / 90),
        "arr_caught": MadeEstimate(0.6, 0.55, 0.7) if predictor == COX else MadeEstimate(0.4, 0.3, 0.5),
    }
    return made.Entry(predictor, days, segment, 1000, 300, 40, figures)


PROOF = made.Receipt(
    until=NEXT,
    observed_until=NEXT,
    resamples=200,
    folds=(Fold(DAY, NEXT, "blended", 60),),
    verdict=("At 90 days logistic regression beats the model.", "Some <were> told."),
    entries=tuple(
        entry(predictor, days, segment)
        for days in (30, 90, 180, 365)
        for predictor in (MODEL, LOGISTIC, COX)
        for segment in (None, "small")
    ),
    comparisons=(
        made.Comparison(COX, 90, 900, 0.2, 0.21, MadeEstimate(0.01, -0.02, 0.04)),
        made.Comparison(LOGISTIC, 90, 900, 0.2, 0.18, MadeEstimate(-0.02, -0.03, -0.01)),
        made.Comparison(LOGISTIC, 365, 900, 0.2, 0.3, MadeEstimate(0.1, 0.05, 0.15)),
    ),
    base_rate=estimate(0.05),
    bands=(made.BandRate("healthy", 800, estimate(0.02)), made.BandRate("critical", 0, MadeEstimate(float("nan")))),
    green=estimate(0.4),
    flips=estimate(0.04),
    settled_flips=estimate(0.01),
    warned=(made.Warned(60, 90, 80, estimate(0.7)), made.Warned(150, 180, 50, estimate(0.6))),
    calibration=tuple(
        made.Tenth(days, n, 100, n / 50, estimate(n / 50), n / 90, MadeEstimate(float("nan")))
        for days in (30, 90, 180, 365)
        for n in range(1, 11)
    ),
    caught=(made.Caught(90, 0.0, 0.0, 0.0), made.Caught(90, 1.0, 1.0, 1.0)),
    missed=made.Missed(
        churns=90,
        arr=900.0,
        green=20,
        green_arr=300.0,
        named=(
            named("gone-ada", "Ada Byron"),
            named("gone-ken", "Ken Osei"),
            named("gone-nobody", None),
            named("thrive", "Ada Byron"),  # whose owner now is Ken Osei
            named("fade", "Ken Osei"),  # whose owner now is Ada Byron
        ),
    ),
)


def with_versions(
    registry: Registry, file: Path, versions: Sequence[tuple[dict[str, Any] | None, Mapping[str, str]]]
) -> Registry:
    """A registry in `file` with the versions of another, and of the first of them again for each receipt and tags."""
    shutil.copy(registry.uri.removeprefix("sqlite:///"), file)
    own = replace(registry, uri=f"sqlite:///{file}")
    client = own.client
    experiment = client.get_run(client.get_model_version(own.name, "1").run_id).info.experiment_id
    source = client.get_model_version_download_uri(own.name, "1")
    for receipt, tags in versions:
        run = client.create_run(experiment).info.run_id
        client.log_param(run, "until", "2026-01-01 00:00:00")
        client.log_param(run, "accounts", "300")
        client.log_metric(run, "auc_90d", 0.81)
        if receipt is not None:
            client.log_text(run, json.dumps(receipt), RECEIPT)
        client.create_model_version(own.name, source, run, tags=dict(tags))
    return own
