"""Processes that begin with everything imported: one process imports it once, and forks another for each that is asked.

Importing takes longer than most of what tests do in processes of their own. What runs there is a real process: its
folder, environment, standard output and end are its own, and a signal to its id reaches it and nobody else.
The process that forks runs nothing but imports, so that no thread of a library is lost in a fork.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import IO, Any, NoReturn, Self

from sqlalchemy.orm import configure_mappers

ROOT = Path(__file__).parents[1]
IMPORTED = (
    "serving.job", "serving.server", "serving.verbs",
    # What those import when it is first used.
    "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store",
    "narwhals._polars.dataframe", "narwhals._polars.group_by", "sqlalchemy.dialects.sqlite",
)  # fmt: skip
WIDTH = 16
"""Of the number that says how long a request is."""


def environment(**changed: str) -> dict[str, str]:
    """This process's, without settings that a developer may have."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("HEALTHSCORE_", "MLFLOW_"))
    } | changed


class Child:
    """A process that was forked; what `subprocess.Popen` has of the same name does the same."""

    def __init__(self, told: int, stdout: int, stderr: int) -> None:
        self._told = os.fdopen(told)
        self.stdout, self.stderr = os.fdopen(stdout), os.fdopen(stderr)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self, timeout: float | None = 0) -> int | None:
        """How it ended; None after `timeout` seconds in which it didn't."""
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = int(self._told.readline())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        ended = self.poll(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired("forked", timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        said: dict[str, str] = {}
        pipes = {"out": self.stdout, "err": self.stderr}

        def read(name: str, pipe: IO[str]) -> None:
            with suppress(ValueError):  # it was read to its end before
                said[name] = pipe.read()

        readers = [threading.Thread(target=read, args=pipe, daemon=True) for pipe in pipes.items()]
        ends = time.monotonic() + (timeout or 0)
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if timeout is None else max(ends - time.monotonic(), 0))
        if any(reader.is_alive() for reader in readers):
            raise subprocess.TimeoutExpired("forked", timeout or 0)
        self.wait(timeout)
        for pipe in (*pipes.values(), self._told):
            pipe.close()
        return said.get("out", ""), said.get("err", "")


@dataclass(frozen=True)
class Done:
    """How a process ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


class Forking:
    """The process that has imported everything, begun when it is first asked for another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asking: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._asking is not None and self._process is not None:
            self._asking.close()
            self._process.wait(20)

    def start(
        self, program: str, *words: str, cwd: Path = ROOT, given: dict[str, str] | None = None, ends: int = 0
    ) -> Child:
        """Begin what `python -c program words…` would; it is killed after `ends` seconds, unless they are 0."""
        if self._asking is None:
            self._asking, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-m", "tests.forking"]
                self._process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=theirs)
        pipes = [os.pipe() for _ in range(3)]
        asked = {
            "program": program,
            "words": words,
            "cwd": str(cwd),
            "environment": given or environment(),
            "ends": ends,
        }
        text = json.dumps(asked).encode()
        socket.send_fds(self._asking, [str(len(text)).rjust(WIDTH).encode()], [writes for _, writes in pipes])
        self._asking.sendall(text)
        for _, writes in pipes:
            os.close(writes)
        return Child(*(reads for reads, _ in pipes))

    def run(self, program: str, *words: str, cwd: Path = ROOT, given: dict[str, str] | None = None) -> Done:
        """Run a program's text to its end, for two minutes at most."""
        child = self.start(program, *words, cwd=cwd, given=given, ends=120)
        out, err = child.communicate()
        return Done(child.wait(), out, err)


def _fork_for_all() -> dict[str, Any]:
    """Fork a process for each that is asked for; return, in each of them, what it is to do."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those ended who wait for one
    asking = socket.socket(fileno=0)
    while True:
        size, pipes, _, _ = socket.recv_fds(asking, WIDTH, 3)
        if not size:
            os._exit(0)  # as in `_run`
        text = b""
        while len(text) < int(size):
            text += asking.recv(int(size) - len(text))
        if os.fork() == 0:
            asking.close()
            _wait_for_one(*pipes)
            return json.loads(text)  # type: ignore[no-any-return]
        for pipe in pipes:
            os.close(pipe)


def _wait_for_one(told: int, out: int, err: int) -> None:
    """Fork once more: this process tells the other's id and how it ended; return in the other."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        os.close(out)
        os.close(err)
        os.write(told, f"{child}\n".encode())
        os.write(told, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())
        os._exit(0)
    os.close(told)
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
        os.dup2(file, number)
        if file != number:
            os.close(file)


def _run(asked: dict[str, Any]) -> NoReturn:
    """Run a program as `python -c` would, but end without tearing all modules down, which takes a second."""
    signal.alarm(asked["ends"])
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["-c", *asked["words"]]
    program = sys.modules["__main__"] = ModuleType("__main__")
    program.__file__ = __file__  # PySpark takes a process whose main module has no file for a doctest and ends it
    code: object = 1
    try:
        exec(asked["program"], vars(program))
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    configure_mappers()

    gc.freeze()  # a collection in a fork would write to, and so copy, every page
    _run(_fork_for_all())
