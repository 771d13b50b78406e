"""What every test may use: a real PostgreSQL and servers of Spark Connect, started once and stopped at the end."""

import gc
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.forking import Forking

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported
# Read when LightGBM is: its threads wait for each other without holding a core that others want.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
gc.set_threshold(50_000, 20, 50)  # all that is imported stays; to look through it for garbage is a tenth of a run
if "PYTEST_XDIST_WORKER" in os.environ:  # a process per core: threads of each would only wait for one another
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# xdist's workers say 80, which would be the width of every table; a test that wants one says how wide.
os.environ.pop("COLUMNS", None)
# PySpark takes a process whose main module has no file, as xdist's workers are, for a doctest and ends it.
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)

LONGEST = (
    "test_months.py", "test_main_job.py", "test_job.py", "test_every_page.py", "test_tracking.py", "test_real_data.py",
    "test_train.py", "test_watching.py", "test_cluster.py", "test_server.py",
)  # fmt: skip
"""Files that take longest begin first, so that the processes of a run end together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others stay in their order."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def _postgres() -> Iterator[str]:
    """The folder of the socket of a PostgreSQL server that only this machine's socket reaches."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server program (initdb, postgres) on this machine")
    user = _user()
    as_user = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp", ignore_cleanup_errors=True) as folder:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = str(Path(folder) / "data")
        making = [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = subprocess.run(making, cwd="/", capture_output=True, text=True, check=False, **as_user)
        assert made.returncode == 0, made.stderr
        running = [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(running, cwd="/", stdout=log, stderr=log, **as_user)
        try:
            _wait(folder, server)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)  # "fast": a client that was forgotten isn't waited for
            server.wait()


@pytest.fixture(scope="session")
def make_database(_postgres: str) -> Callable[[], str]:
    """Makes an empty database and tells its URL."""
    numbers = count()

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(host=_postgres, user="tester", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://tester@/{name}?host={_postgres}"

    return make


@pytest.fixture
def postgres_url(make_database: Callable[[], str]) -> str:
    """The URL of a fresh empty database."""
    return make_database()


@pytest.fixture(scope="session")
def sail() -> Iterator[str]:
    """The address of a Sail server in this process."""
    server = pytest.importorskip("pysail.spark", reason="Sail isn't installed").SparkConnectServer("127.0.0.1", 0)
    server.start()
    try:
        yield "sc://{}:{}".format(*server.listening_address)
    finally:
        server.stop()


@pytest.fixture(scope="session")
def apache_spark() -> Iterator[str]:
    """The address of an Apache Spark Connect server of this machine's own."""
    if shutil.which("java") is None:
        pytest.skip("Apache Spark needs Java")
    jars = find_spec("pyspark.jars")
    if jars is None or jars.submodule_search_locations is None:
        pytest.skip("pyspark with its JVM isn't installed: pip install pyspark")
    submit = Path(next(iter(jars.submodule_search_locations))).parent / "bin" / "spark-submit"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = ["--master", "local[2]", "--conf", f"spark.connect.grpc.binding.port={port}"]
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    command = [submit, *given, "--class", server, "spark-internal"]
    workers = os.environ | {"PYSPARK_PYTHON": sys.executable}  # the model's own code runs there
    running = subprocess.Popen(command, env=workers, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.5)
        yield f"sc://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


@pytest.fixture(scope="session")
def forking() -> Iterator[Forking]:
    """Begins processes that have imported everything."""
    with Forking() as begun:
        yield begun


def _programs() -> Path | None:
    found = [Path(program).parent for program in (shutil.which("initdb"),) if program]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def _user() -> pwd.struct_passwd | None:
    """Whom the server runs as where the tests run as root, which it refuses."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _wait(folder: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            psycopg.connect(host=folder, user="tester", dbname="postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, (Path(folder) / "log").read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError("PostgreSQL didn't start within 30 seconds")
