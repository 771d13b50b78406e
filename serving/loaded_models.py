"""The models a process holds: the champion, which is swapped while requests run, and the versions asked for besides.

A thread looks for the champion every few seconds. A new one is loaded beside the old and takes its place in one
assignment: a request keeps the one it began with. Where the registry doesn't answer, what is held goes on answering.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from features.errors import HealthscoreError
from serving.errors import CannotAnswer, NoModel
from training.model import HealthModel, ModelError
from training.tracking import CHAMPION, Facts, Registry, Run

_FIRST_LOOK_S = 5.0  # how long a start waits for a registry that is slow to answer
_KEPT = 8  # versions in memory, a few MB each

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A model version in memory, and what the registry said of it last."""

    model: HealthModel
    facts: Facts

    @property
    def name(self) -> str:
        """The name and number people know it by."""
        return f"{self.facts.version.name} version {self.facts.version.number}"


@dataclass(frozen=True)
class Listed:
    """A version as the registry lists it, with what its run wrote down; None where that is gone."""

    facts: Facts
    run: Run | None


class LoadedModels:
    """The models of one process, from a registry (None: there is none)."""

    def __init__(self, registry: Registry | None, *, look_every_s: float = 5.0) -> None:
        self._registry, self._look_every_s = registry, look_every_s
        self._held: Loaded | None = None
        self._trouble: str | None = None
        self._versions: OrderedDict[tuple[str, str], HealthModel] = OrderedDict()
        self._receipts: dict[str, dict[str, Any] | None] = {}
        self._pages: dict[str, str | None] = {}
        self._listed: tuple[Listed, ...] = ()
        self._loading, self._looking = threading.Lock(), threading.Lock()
        self._wake, self._looked = threading.Event(), threading.Event()
        self._closing = False

    def begin(self) -> None:
        """Look for the champion from now on, in a thread; returns after the first look, or when that takes long."""
        if self._registry is not None:
            threading.Thread(target=self._run, name="champion", daemon=True).start()
            self._looked.wait(_FIRST_LOOK_S)

    def close(self) -> None:
        """Look no more."""
        self._closing = True
        self._wake.set()

    def champion(self) -> Loaded:
        """The champion. Raises NoModel; then it is looked for at once."""
        if (held := self._held) is not None:
            return held
        self._wake.set()
        raise NoModel(
            "no model is loaded: train one and promote it (`healthscore train --promote`), or check the tracking "
            f"address (`healthscore settings`); it is looked for every {self._look_every_s:g} seconds"
        )

    def version(self, name: str, number: str) -> HealthModel:
        """A version that made scores. Raises CannotAnswer where this program can't read it, UnavailableError."""
        key = (name, number)
        with self._loading:
            if key not in self._versions:
                if self._registry is None:
                    raise NoModel(f"{name} version {number} can't be loaded: no registry is set")
                try:
                    self._keep(key, replace(self._registry, name=name).load(number)[0])
                except ModelError as error:
                    raise CannotAnswer(f"{name} version {number} can't be read: {error}") from error
            self._versions.move_to_end(key)
            return self._versions[key]

    def versions(self) -> tuple[Listed, ...]:
        """The registered versions, the newest first, as they were at the last look."""
        return self._listed

    def receipt(self, number: str | None = None) -> dict[str, Any] | None:
        """The receipt of a version, the champion's by default; None where it is unproven. Raises UnavailableError."""
        number = number or self.champion().facts.version.number
        if number not in self._receipts:
            assert self._registry is not None, "there is a champion"
            self._receipts[number] = self._registry.receipt(number)
        return self._receipts[number]

    def page(self) -> str | None:
        """The champion's receipt as a page, None where there is none. Raises UnavailableError."""
        number = self.champion().facts.version.number
        if number not in self._pages:
            assert self._registry is not None, "there is a champion"
            self._pages[number] = self._registry.page(number)
        return self._pages[number]

    def look(self) -> None:
        """Take what is champion in the registry now; where that can't be had, what is held stays."""
        registry = self._registry
        if registry is None:
            return
        with self._looking:
            trouble = None
            try:
                facts = registry.find(CHAMPION)
                loaded = Loaded(self.version(facts.version.name, facts.version.number), facts)
                self._listed = tuple(self._list(registry))
                self._held = loaded
            except HealthscoreError as error:
                trouble = str(error)
            except Exception as error:  # whatever a registry does, requests go on
                trouble = repr(error)
            if trouble is not None and trouble != self._trouble:
                _LOG.warning("the champion can't be had: %s", trouble)
            self._trouble = trouble
            self._looked.set()

    @property
    def status(self) -> str:
        """Which model answers, in a sentence; what is wrong with the registry is in the log."""
        held = self._held
        if held is None:
            return "no model is loaded: what-if, changes, scoring and the model's own routes answer 503"
        away = "; the registry doesn't give the champion now, so this one goes on" if self._trouble else ""
        return f"{held.name} is loaded{away}"

    def _list(self, registry: Registry) -> Iterator[Listed]:
        """The registry's versions; of those listed before only what may change is read again."""
        runs = {listed.facts.version.run_id: listed.run for listed in self._listed}
        for facts in registry.versions(most=50):
            run_id = facts.version.run_id
            yield Listed(facts, runs[run_id] if run_id in runs else _run(registry, run_id))

    def _keep(self, key: tuple[str, str], model: HealthModel) -> None:
        self._versions[key] = model
        while len(self._versions) > _KEPT:
            self._versions.popitem(last=False)

    def _run(self) -> None:
        while not self._closing:
            self.look()
            self._wake.wait(self._look_every_s)
            self._wake.clear()


def _run(registry: Registry, run_id: str) -> Run | None:
    try:
        return registry.run(run_id)
    except HealthscoreError:
        return None
