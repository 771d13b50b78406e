"""The artefact's own code: a trained model, what it says and why, and how it is stored. To serve takes no more."""

from training.errors import ModelError, WhatIfRefused
from training.model.artefact import load, save
from training.model.bands import BAND_NAMES, BANDS, Band, band_of, bands, settled
from training.model.card import Card
from training.model.drivers import DRIVER, explained, explained_alone
from training.model.forecast import forecast
from training.model.health import Accounts, HealthModel
from training.model.ledger import Entry, Ledger, ledger
from training.model.path import Scored
from training.model.peers import medians
from training.model.risks import HORIZONS, risk_within
from training.model.served import Served
from training.model.snapshot import Snapshot
from training.model.what_if import Answer, WhatIf, what_if

__all__ = [
    "BANDS",
    "BAND_NAMES",
    "DRIVER",
    "HORIZONS",
    "Accounts",
    "Answer",
    "Band",
    "Card",
    "Entry",
    "HealthModel",
    "Ledger",
    "ModelError",
    "Scored",
    "Served",
    "Snapshot",
    "WhatIf",
    "WhatIfRefused",
    "band_of",
    "bands",
    "explained",
    "explained_alone",
    "forecast",
    "ledger",
    "load",
    "medians",
    "risk_within",
    "save",
    "settled",
    "what_if",
]
