"""The artefact's own code: a trained model, what it says, and how it is stored. To serve takes no more than that."""

from training.model.artefact import load, save
from training.model.card import Card
from training.model.health import Accounts, HealthModel, bands
from training.model.risks import HORIZONS, risk_within
from training.model.served import Served

__all__ = ["HORIZONS", "Accounts", "Card", "HealthModel", "Served", "bands", "load", "risk_within", "save"]
