"""Answers kept as bytes for as long as what they show stays as it is: a read of one costs no query, JSON or routing.

On SQLite a counter of the database's, read in microseconds, says whether anybody has written since; only then is it
asked what is current. On PostgreSQL the store is asked each time, in one query.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from gzip import compress

from fastapi import Request, Response
from sqlalchemy import func, select
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.access.caller import Caller
from serving.access.roles import Scope as Needed
from serving.errors import StoreUnavailable
from serving.headers import JSON, header, not_modified
from serving.schema import batches, draws, measured_effects, opinions
from serving.store import ScoreStore

_MOST = 64 * 2**20  # bytes


@dataclass(frozen=True)
class Kept:
    """An answer, good until a moment (None: until the store changes), and the route that made it."""

    content: bytes
    headers: Mapping[str, str]
    until: datetime | None
    route: object
    path_params: Mapping[str, str]

    @cached_property
    def plain(self) -> Response:
        """The answer as it is."""
        return Response(self.content, headers=self._varied, media_type=JSON)

    @cached_property
    def compressed(self) -> Response:
        """The answer for clients that take gzip."""
        headers = self._varied | {"Content-Encoding": "gzip"}
        return Response(compress(self.content, mtime=0), headers=headers, media_type=JSON)

    @property
    def _varied(self) -> dict[str, str]:
        return {**self.headers, "Vary": f"{self.headers['Vary']}, Accept-Encoding"}


def _state() -> str:
    """SQL for what the answers rest on: the current batch, what was erased of it, how much was said and drawn since."""
    said = (
        select(number).scalar_subquery()
        for number in (
            func.count(opinions.c.opinion_id),
            func.count(draws.c.drawn_at) + func.count(draws.c.released_at),
            func.count(measured_effects.c.measured_at),
        )
    )
    latest = select(batches.c.batch_id, batches.c.erased, *said)
    latest = latest.order_by(batches.c.as_of.desc(), batches.c.known_at.desc()).limit(1)
    return str(latest.compile(compile_kwargs={"literal_binds": True}))


_STATE = _state()


class KeptAnswers:
    """The answers of one process that depend on the current batch, and on what people said and what was drawn since."""

    def __init__(self, store: ScoreStore) -> None:
        self._store = store
        self._changing = threading.Lock()
        self._marker: int | None = None
        self._state: tuple[object, ...] | None = None
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._bytes = 0

    def kept(self, key: Hashable, now: datetime) -> Kept | None:
        """The answer where nothing it rests on was written since it was made; waits for no connection."""
        try:
            marker = self._store.marker()
            if marker is None:
                return None
            self._settle(marker)
        except StoreUnavailable:  # the route will say so
            return None
        with self._changing:
            return self._good(key, now)

    def made(self, key: Hashable, now: datetime, make: Callable[[], Kept]) -> Kept:
        """The answer, made where what is kept isn't good any more."""
        state = self._settle(self._store.marker())
        with self._changing:
            if (found := self._good(key, now)) is not None:
                return found
        answer = make()
        with self._changing:
            if state == self._state and key not in self._kept:
                self._kept[key] = answer
                self._bytes += len(answer.content)
                while self._bytes > _MOST:
                    self._bytes -= len(self._kept.popitem(last=False)[1].content)
        return answer

    def _settle(self, marker: int | None) -> tuple[object, ...] | None:
        """What the answers rest on now; those that rest on something else are dropped.

        `marker` was read before, so that what is written meanwhile is seen next time.
        """
        if marker is not None and marker == self._marker:
            return self._state
        state = self._store.glance(_STATE)
        with self._changing:
            if state != self._state:
                self._kept.clear()
                self._bytes, self._state = 0, state
            self._marker = marker
        return state

    def _good(self, key: Hashable, now: datetime) -> Kept | None:
        found = self._kept.get(key)
        if found is None:
            return None
        if found.until is not None and found.until <= now:
            self._bytes -= len(self._kept.pop(key).content)
            return None
        self._kept.move_to_end(key)
        return found


READS: Needed = "accounts:read"


def key_of(path: str, caller: Caller) -> Hashable:
    """What an answer is kept by: the path, and all of the caller that it depends on."""
    return path, caller.role, caller.reach(READS)


class KeptReads:
    """Middleware behind the gate and the audit: answers what is kept, for callers whom its route would answer."""

    def __init__(self, app: ASGIApp, answers: KeptAnswers, clock: Callable[[], datetime]) -> None:
        self.app, self._answers, self._clock = app, answers, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or leave it to the routes."""
        kept = self._kept(scope)
        if kept is None:
            await self.app(scope, receive, send)
            return
        scope["route"], scope["path_params"], scope["state"]["needs"] = kept.route, dict(kept.path_params), READS
        known = header(scope, b"if-none-match") is not None and not_modified(Request(scope), kept.headers)
        zipped = "gzip" in (header(scope, b"accept-encoding") or "")
        await (known or (kept.compressed if zipped else kept.plain))(scope, receive, send)

    def _kept(self, scope: Scope) -> Kept | None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
            return None
        caller: Caller | None = scope["state"].get("caller")
        if caller is None or READS not in caller.scopes or (caller.role == "csm" and caller.owner is None):
            return None
        return self._answers.kept(key_of(scope["path"], caller), self._clock())
