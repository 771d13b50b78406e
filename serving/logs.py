"""Logs: a JSON object a line, with the id of the request that was being answered."""

import logging
import sys
import threading
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from time import sleep, time
from typing import Any

from pydantic_core import to_json

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)

REQUESTS = "healthscore.requests"
"""The logger of the requests answered."""

_BLANK = vars(
    logging.makeLogRecord({"name": REQUESTS, "levelno": logging.INFO, "levelname": logging.getLevelName(logging.INFO)})
)
_OF_EVERY_RECORD = _BLANK.keys() | {"message", "asctime", "taskName", "color_message"}

_GATHER_S = 0.1  # how long a line may wait for others
_ROOM = 2**16  # bytes of lines that wait, at most


class Answered(logging.LogRecord):
    """A request that was answered. One is made at each, so it looks up nothing that its line doesn't show."""

    def __init__(self, *, method: str, route: str, status: int, seconds: float, who: str | None) -> None:
        now = time()
        self.fields = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 2), "who": who}
        said = {"msg": f"{method} {route} {status}", "created": now, "msecs": float(int(now % 1 * 1000))}
        self.__dict__.update(_BLANK | self.fields | said)


class JsonLines(logging.Formatter):
    """A record as one line: time, level, logger, message, request_id, what `extra` brought, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        if isinstance(record, Answered):
            line |= record.fields
        else:
            line |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return to_json(line, fallback=str).decode()


@lru_cache(1)
def _second(since_1970: int) -> str:
    return f"{datetime.fromtimestamp(since_1970, UTC):%Y-%m-%dT%H:%M:%S}"


class Gathered(logging.StreamHandler[Any]):
    """Writes to stderr: the lines of requests together, as each write has a request wait, all others at once.

    Only one is made in a process, and what its lines don't show is looked up for no record from then on
    (https://docs.python.org/3/howto/logging.html#optimization).
    """

    def __init__(self) -> None:
        super().__init__(open(sys.stderr.fileno(), "w", _ROOM, encoding="utf-8", closefd=False))  # noqa: SIM115
        self._waiting = threading.Event()
        threading.Thread(target=self._flush_in_time, name="logs", daemon=True).start()
        logging._srcfile = None
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        try:
            self.stream.write(f"{self.format(record)}\n")
            if record.name == REQUESTS and record.levelno < logging.WARNING:
                if not self._waiting.is_set():
                    self._waiting.set()
            else:
                self.flush()
        except Exception:
            self.handleError(record)

    def _flush_in_time(self) -> None:
        while True:
            self._waiting.wait()
            sleep(_GATHER_S)
            self._waiting.clear()
            with suppress(OSError):  # whoever read them is gone
                self.flush()


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "serving.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "serving.logs.Gathered", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "healthscore": {"level": "INFO"},
        "serving": {"level": "INFO"},
        "uvicorn": {"level": "INFO"},
        "uvicorn.access": {"level": "WARNING"},  # its lines hold addresses; `serving.observed` writes ours
    },
}
"""For `logging.config.dictConfig`, which uvicorn calls in each process."""
