"""What can go wrong in training, below `features.errors`.

HistoryError (exit code 4)
 ├── NotEnoughOutcomes      too few accounts left, or stayed, in the observed time to learn from
 ├── NotEnoughTime          the history is shorter than the periods training needs
 └── LookingBack            the rows to learn from were chosen by their outcome
UnavailableError (exit code 5)
 └── RegistryUnavailable    the tracking server or the wanted model version doesn't answer
      └── NoChampionBefore  there is no earlier champion to roll back to
FloorsFailed (exit code 7)  a version failed its floors, so it isn't promoted without force
ModelError (exit code 4)    a model version that can't be used with this catalogue or this version of the code
WhatIfRefused (exit code 2) a what-if the model can't answer: an unknown signal, or values it has never seen
"""

from collections.abc import Mapping

from features.errors import HealthscoreError, HistoryError, UnavailableError


class NotEnoughOutcomes(HistoryError):
    """Too few accounts left, or stayed, in the observed time to learn from."""


class NotEnoughTime(HistoryError):
    """The history is shorter than the periods training needs."""


class LookingBack(HistoryError):
    """The rows to learn from were chosen by their outcome."""


class RegistryUnavailable(UnavailableError):
    """The tracking server, or the wanted model version, doesn't answer."""


class NoChampionBefore(RegistryUnavailable):
    """There is no earlier champion to roll back to."""


class FloorsFailed(HealthscoreError):
    """A model version failed its floors, so it isn't promoted without force."""

    exit_code = 7


class ModelError(HealthscoreError):
    """A model version can't be used with this catalogue or this version of the code."""

    exit_code = 4


class WhatIfRefused(HealthscoreError):
    """A what-if asks for what the model can't know; `problems` says what is wrong with each signal, or fact, given."""

    exit_code = 2

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems
