"""What is written down of a version beside the model itself: figures, texts, plots, tables."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import pandas as pd

from training import plots
from training.model import HealthModel
from training.receipt import Receipt
from training.receipt_page import page
from training.tracking import PAGE, RECEIPT


def metrics(model: HealthModel, receipt: Receipt | None) -> dict[str, float]:
    """MLflow's metrics: the receipt's, and how much was learned, how far models differ, and what is forecast from."""
    card = model.card
    of_model = {
        "evidence": card.evidence,
        "spread": card.spread,
        "contraction_depth": card.contraction_depth,
        "growth": card.growth,
    }
    return of_model | (receipt.metrics() if receipt else {})


def texts(model: HealthModel, receipt: Receipt | None, name: str) -> dict[str, str]:
    """MLflow's artefacts by path: the model card, and where it was proven the receipt: JSON, page, plots and table."""
    made = {"model_card.md": "\n".join(_card(model, receipt, name))}
    if receipt is None:
        return made
    drawn = plots.drawn(receipt)
    return (
        made
        | {RECEIPT: json.dumps(receipt.to_json(), indent=1), PAGE: page(receipt, drawn, name)}
        | {f"plots/{title}.svg": svg for title, svg in drawn.items()}
        | {"tables/figures.csv": _figures(receipt).to_csv(index=False)}
    )


def _figures(receipt: Receipt) -> pd.DataFrame:
    """Every figure with its interval, a row each."""
    return pd.DataFrame(
        {"predictor": entry.predictor, "days": entry.days, "segment": entry.segment, "figure": figure}
        | asdict(estimate)
        for entry in receipt.entries
        for figure, estimate in entry.figures.items()
    )


def _card(model: HealthModel, receipt: Receipt | None, name: str) -> Iterator[str]:
    card, churn = model.card, model.churn
    yield f"# {name}"
    yield ""
    yield "Health (0–100, higher is better), risk of churn within 30 to 365 days, of paying less, and at the renewal."
    yield f"For {card.trained_on['accounts']:,} accounts of one company; not for anybody else's."
    yield ""
    yield f"- Mode: {card.mode}. {card.evidence:.0%} of what tells accounts apart was learned, the rest is scorecard."
    yield f"- The scorecard's word counts {churn.standing_weight:.2f} times (1: as it was written)."
    yield f"- Health 50 stands for log-odds of renewing of {card.reference:.3f}; 10 points double the odds."
    yield f"- One standard deviation between models of this company: {card.spread:.1f} points."
    yield f"- Who pays less loses {card.contraction_depth:.0%} of ARR; the others add {card.growth:.1%} in a year."
    yield f"- Churn is being without a paid contract for more than {card.grace_days} days."
    for what, value in card.trained_on.items():
        yield f"- {what.replace('_', ' ')}: {value}"
    yield ""
    yield "## What it was worth"
    yield ""
    sentences = receipt.verdict if receipt else ("It has not been proven: the history is too short.",)
    yield from (f"- {sentence}" for sentence in sentences)
    yield ""
    yield "## What weighs most"
    yield ""
    heaviest = sorted(card.weights.items(), key=lambda item: -item[1])[:10]
    yield from (f"- {signal}: {weight:.0%}" for signal, weight in heaviest)
    yield ""
