"""Writes the audit log behind the requests: many entries in one transaction, so that reads don't wait for a disk."""

import asyncio
import logging
import threading
from concurrent.futures import Future
from datetime import datetime, timedelta

from serving.access.keys import Keys
from serving.audit import AuditLog, Entry
from serving.errors import StoreUnavailable

_GATHER_S = 0.2  # how long a read's entry may wait for others
_MOST = 10_000  # entries waiting before reads wait too
_TRIES = 3  # another writer may hold the store for a while
_USED_EVERY = timedelta(minutes=1)

_LOG = logging.getLogger(__name__)


class Recorder:
    """A thread that writes entries, and when keys were used; begun by the first of them, ended by `close`."""

    def __init__(self, log: AuditLog, keys: Keys) -> None:
        self._log, self._keys = log, keys
        self._changed = threading.Condition()
        self._entries: list[Entry] = []
        self._waiting: list[Future[None]] = []
        self._used: dict[str, datetime] = {}
        self._noted: dict[str, datetime] = {}
        self._closing = False
        self._thread: threading.Thread | None = None

    async def record(self, entry: Entry, *, wait: bool) -> None:
        """Take an entry; with `wait`, return only when it is in the log (or, with the store away, in the logs)."""
        written: Future[None] | None = None
        with self._changed:
            self._entries.append(entry)
            if wait or len(self._entries) > _MOST:
                written = Future()
                self._waiting.append(written)
            if written is not None or len(self._entries) == 1:  # others are gathered by a thread that is awake
                self._begin()
        if written is not None:
            await asyncio.wrap_future(written)

    def used(self, key_id: str, at: datetime) -> None:
        """Note that a key was used; written at most once a minute."""
        noted = self._noted.get(key_id)
        if noted is None or at - noted >= _USED_EVERY:
            with self._changed:
                self._used[key_id] = self._noted[key_id] = at
                self._begin()

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._thread, self._closing = None, False

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._entries or self._used or self._closing)
                self._changed.wait_for(lambda: self._waiting or self._closing, timeout=_GATHER_S)
                entries, self._entries = self._entries, []
                waiting, self._waiting = self._waiting, []
                used, self._used = self._used, {}
                closing = self._closing
            try:
                self._write(entries)
                self._keys.used(used)
            except Exception:  # whatever it was, the next entries must still be written
                _LOG.exception("the times of use of %s keys weren't written", len(used))
            for written in waiting:
                if written.set_running_or_notify_cancel():
                    written.set_result(None)
            if closing:
                return

    def _write(self, entries: list[Entry]) -> None:
        for _ in range(_TRIES):
            try:
                self._log.write(entries)
            except StoreUnavailable as error:
                _LOG.warning("the audit log can't be written now: %s", error)
            except Exception:
                _LOG.exception("the audit log can't be written")
                break
            else:
                return
        for entry in entries:  # not lost: the logs have it
            _LOG.error("not in the audit log", extra={"audit": entry._asdict()})
