"""The artefact: LightGBM's text format and JSON, nothing pickled.

`churn.txt` and `contraction.txt` hold the boosters (absent where nothing could be learned), `model.json` the rest.
"""

import json
from dataclasses import asdict
from pathlib import Path

import lightgbm as lgb

from features.catalogue import CATALOGUE, digest
from training.errors import ModelError
from training.model.card import Card
from training.model.feeds import Feeds
from training.model.hazard import Hazard
from training.model.health import HealthModel
from training.scorecard import CAUSES, Scorecard


def save(model: HealthModel, folder: Path) -> None:
    """Write the artefact into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for hazard in (model.churn, model.contraction):
        if hazard.booster is not None:
            hazard.booster.save_model(folder / f"{hazard.cause}.txt")
    written = {
        "card": asdict(model.card),
        "scorecard": model.churn.scorecard.to_json(),
        "churn": model.churn.to_json(),
        "contraction": model.contraction.to_json(),
    }
    (folder / "model.json").write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")


def load(folder: Path) -> HealthModel:
    """Read what `save` wrote; ModelError if another version wrote it, or with signals that mean something else here."""
    try:
        model = _read(folder)
    except (KeyError, TypeError, ValueError, FileNotFoundError, lgb.basic.LightGBMError) as error:
        said = str(error).splitlines()[0]
        raise ModelError(
            f"the model was stored by another version of healthscore ({said}): train again with this version, or "
            "serve it with the version that trained it"
        ) from error
    unknown = [name for name in model.card.signals if name not in CATALOGUE]
    if unknown or model.card.catalogue_digest != digest([CATALOGUE[name] for name in model.card.signals]):
        raise ModelError(
            "the model was trained with other definitions of its signals"
            + (f" (unknown here: {', '.join(unknown)})" if unknown else "")
            + ": train again with this version, or serve it with the version that trained it"
        )
    return model


def _read(folder: Path) -> HealthModel:
    given = json.loads((folder / "model.json").read_text())
    card = given["card"]
    card["signals"] = tuple(card["signals"])
    card["seen"] = {name: (low, high) for name, (low, high) in card["seen"].items()}
    card["feeds"] = Feeds(**card["feeds"])
    scorecard = Scorecard.from_json(given["scorecard"])
    churn, contraction = (Hazard.from_json(cause, scorecard, _booster(folder, cause), given[cause]) for cause in CAUSES)
    return HealthModel(churn, contraction, Card(**card))


def _booster(folder: Path, cause: str) -> lgb.Booster | None:
    path = folder / f"{cause}.txt"
    return lgb.Booster(model_file=path) if path.exists() else None
