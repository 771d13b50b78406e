"""What can go wrong in training, below `features.errors`.

HistoryError (exit code 4)
 ├── NotEnoughOutcomes      too few accounts left, or stayed, in the observed time to learn from
 └── NotEnoughTime          the history is shorter than the periods training needs
UnavailableError (exit code 5)
 └── RegistryUnavailable    the tracking server or the wanted model version doesn't answer
ModelError (exit code 4)    a model version that can't be used with this catalogue or this version of the code
"""

from features.errors import HealthscoreError, HistoryError, UnavailableError


class NotEnoughOutcomes(HistoryError):
    """Too few accounts left, or stayed, in the observed time to learn from."""


class NotEnoughTime(HistoryError):
    """The history is shorter than the periods training needs."""


class RegistryUnavailable(UnavailableError):
    """The tracking server, or the wanted model version, doesn't answer."""


class ModelError(HealthscoreError):
    """A model version can't be used with this catalogue or this version of the code."""

    exit_code = 4
