"""Who is champion, who was before, and why: MLflow's aliases and tags, moved so that no moment leaves them torn.

Which version is served is one alias, moved in one step; everything else is written around that step so that a process
that dies between any two leaves a state from which the next goes on. The registered model's tag `champions` lists the
champions in their order, so that rolling back finds its way after several promotions.

This module needs MLflow's client and nothing of a model: rolling back mustn't wait for what it doesn't use.
"""

import os

# Before MLflow is imported: nothing about its use leaves this machine, and it speaks up only when something is wrong.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from features.settings import without_password
from training.errors import NoChampionBefore, RegistryUnavailable

CHAMPION = "champion"
CHALLENGER = "challenger"
HISTORY = "champions"
KEPT = 200
"""Champions of the past that are remembered; a tag holds 5,000 characters."""

REFUSALS = (MlflowException, OSError, SQLAlchemyError)
"""What MLflow raises: the last while it opens a database that doesn't answer."""
_NOT_THERE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""MLflow's codes for a version or a name, and for an alias, that it doesn't have."""

Decision = Literal["promoted", "kept_challenger", "rolled_back"]


def not_there(error: Exception) -> bool:
    """Whether MLflow says that it has no such name, version or alias, and not that it can't tell."""
    return isinstance(error, MlflowException) and error.error_code in _NOT_THERE


def champions_of(uri: str, name: str) -> "Champions":
    """Those of a registry, of which a local one must be there already: asking would make it."""
    local = uri.removeprefix("sqlite:///")
    if local != uri and not Path(local).exists():
        raise RegistryUnavailable(f"there is no registry at {uri} yet: train a model first (healthscore train)")
    with _answering(f"the registry at {without_password(uri)} doesn't answer"):
        return Champions(MlflowClient(tracking_uri=uri, registry_uri=uri), name)


@dataclass(frozen=True)
class Champions:
    """The champions of one registered model, and the decisions on its versions."""

    client: MlflowClient
    name: str

    def current(self) -> str | None:
        """The champion's number, None where there is none."""
        return self._aliases().get(CHAMPION)

    def history(self) -> list[str]:
        """Numbers of the champions in their order, the current one last; an alias moved by hand counts too."""
        model = self.client.get_registered_model(self.name)
        told = str(model.tags.get(HISTORY, "")).split()
        current = {alias: str(number) for alias, number in model.aliases.items()}.get(CHAMPION)
        if current is None:
            return told
        if current not in told:
            return [*told, current]
        last = len(told) - told[::-1].index(current)
        return told[:last]  # what was written for a step that never came, or is rolled back

    def promote(self, number: str, *, at: datetime, by: str, reason: str) -> None:
        """Make a version champion and say so on it. Nothing changes for readers before the alias moves, in one step."""
        told = {"promoted_by": by, "promoted_at": at.isoformat(timespec="seconds"), "promotion_reason": reason}
        with _answering(f"version {number} of {self.name} can't be promoted"):
            self._tell(number, told | {"decision": "promoted", "decision_reason": reason})
            self._crown(number)

    def keep(self, number: str, *, reason: str) -> None:
        """Say of a version that it stays challenger, and why."""
        with _answering(f"the decision on version {number} of {self.name} can't be kept"):
            self._tell(number, {"decision": "kept_challenger", "decision_reason": reason})

    def finish(self) -> str | None:
        """Take the last step of a promotion that died before it: the number of the version, None where none did."""
        with _answering(f"the aliases of {self.name} can't be read"):
            aliases = self._aliases()
            waiting = aliases.get(CHALLENGER)
            if waiting is None or waiting == aliases.get(CHAMPION):
                return None
            if self.client.get_model_version(self.name, waiting).tags.get("decision") != "promoted":
                return None
            self._crown(waiting)
        return waiting

    def roll_back(self, *, at: datetime, by: str, reason: str) -> tuple[str, str]:
        """Make the champion before this one champion again: the numbers from and to.

        The alias moves first, since somebody is waiting for it. Raises NoChampionBefore, RegistryUnavailable.
        """
        with _answering(f"{self.name} can't be rolled back"):
            told = self.history()
            now = told.pop() if told else None
            while told and not self._there(told[-1]):
                told.pop()
            if now is None or not told:
                raise NoChampionBefore(
                    f"no version of {self.name} was champion before {now or 'now'}: there is nothing to roll back to; "
                    "name a version to healthscore promote"
                )
            self.client.set_registered_model_alias(self.name, CHAMPION, told[-1])
            self.client.set_registered_model_tag(self.name, HISTORY, " ".join(told))
            said = f"{reason} ({by}, {at:%Y-%m-%d %H:%M}): back to version {told[-1]}"
            if self._there(now):
                self._tell(now, {"decision": "rolled_back", "decision_reason": said})
        return now, told[-1]

    def _crown(self, number: str) -> None:
        told = [*self.history(), number] if self.current() != number else self.history()
        self.client.set_registered_model_tag(self.name, HISTORY, " ".join(told[-KEPT:]))
        self.client.set_registered_model_alias(self.name, CHAMPION, number)
        if self._aliases().get(CHALLENGER) == number:
            self.client.delete_registered_model_alias(self.name, CHALLENGER)

    def _aliases(self) -> dict[str, str]:
        aliases = self.client.get_registered_model(self.name).aliases
        return {alias: str(number) for alias, number in aliases.items()}

    def _there(self, number: str) -> bool:
        try:
            self.client.get_model_version(self.name, number)
        except MlflowException as error:
            if not_there(error):
                return False
            raise
        return True

    def _tell(self, number: str, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, number, key, value)


@contextmanager
def _answering(what: str) -> Iterator[None]:
    try:
        yield
    except REFUSALS as error:
        raise RegistryUnavailable(f"{what}: {str(error).splitlines()[0]}") from error
