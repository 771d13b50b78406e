"""Scoring together what waits together: requests of one account cost a model next to nothing more than the first.

One thread scores; what arrives meanwhile is its next round. So nobody waits for a timer, the event loop stays free, and
the busier the service, the less each request costs.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

from serving.ad_hoc import ad_hoc_scores
from serving.loaded_models import Loaded
from serving.vectors import of_rows

MOST = 64
"""Accounts of a request that is scored with others; a larger one would hold them up."""
_ROUND = 256  # requests at once

Rows = list[dict[str, Any]]
_Request = tuple[Loaded, Rows, Future[Rows]]


class Together:
    """The thread and the requests that wait for it; begun by the first of them, ended by `close`."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[_Request | None] = SimpleQueue()
        self._beginning = threading.Lock()
        self._thread: threading.Thread | None = None

    async def scores(self, loaded: Loaded, rows: Rows) -> Rows:
        """The scores of these rows by this model."""
        scored: Future[Rows] = Future()
        self._waiting.put((loaded, rows, scored))
        self._begin()
        return await asyncio.wrap_future(scored)

    def close(self) -> None:
        """Score what waits and end the thread."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _begin(self) -> None:
        if self._thread is None:
            with self._beginning:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            taken = [first, *islice(self._arrived(), _ROUND - 1)]
            requests = [request for request in taken if request is not None]
            for loaded in {id(each[0]): each[0] for each in requests}.values():
                _score(loaded, [(rows, scored) for of, rows, scored in requests if of is loaded])
            if len(requests) < len(taken):
                return

    def _arrived(self) -> Iterator[_Request | None]:
        while True:
            try:
                yield self._waiting.get_nowait()
            except Empty:
                return


def _score(loaded: Loaded, requests: list[tuple[Rows, Future[Rows]]]) -> None:
    live = [(rows, scored) for rows, scored in requests if scored.set_running_or_notify_cancel()]
    try:
        vectors = of_rows([row for rows, _ in live for row in rows], loaded.model.card.signals)
        made = iter(ad_hoc_scores(loaded, vectors))
        answers = [list(islice(made, len(rows))) for rows, _ in live]
    except BaseException as error:  # each is told; the thread goes on
        for _, scored in live:
            scored.set_exception(error)
    else:
        for (_, scored), answer in zip(live, answers, strict=True):
            scored.set_result(answer)
