"""The artefact through MLflow's own doors: `pyfunc.load_model`, `mlflow models serve` and `spark_udf`, same scores."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError, URLError

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest

from training.tracking import Registry, example

ROOT = Path(__file__).parents[2]
SECONDS = 90
EXACT = ["health", "health_low", "health_high", "risk_90d", "risk_365d", "base_points", "points__tickets_84d"]


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """MLflow's own functions leave an address in the environment; others are to find it as it was."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    mlflow.set_tracking_uri(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before


@pytest.fixture(scope="module")
def newest(company) -> pl.DataFrame:
    return company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max()).head(40)


@pytest.fixture(scope="module")
def given(company, newest) -> pd.DataFrame:
    return example(newest, company.model, len(newest))


@pytest.fixture(scope="module")
def expected(company, newest) -> pd.DataFrame:
    return company.model.score(newest).select([*EXACT, "band"]).to_pandas()


@pytest.fixture(scope="module")
def path(company, newest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The registered version's files."""
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")
    made = registry.register(company.model, parameters={}, metrics={}, texts={}, tags={}, newest=newest, promote=True)
    return str(registry.client.get_model_version_download_uri(made.name, made.number))


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(found["band"]) == list(expected["band"])
    assert np.array_equal(found[EXACT].to_numpy(dtype=np.float64), expected[EXACT].to_numpy())


def test_pyfunc(path: str, given: pd.DataFrame, expected: pd.DataFrame) -> None:
    same(mlflow.pyfunc.load_model(path).predict(given), expected)


def test_what_is_not_there_is_missing(company, path: str, given: pd.DataFrame) -> None:
    model = mlflow.pyfunc.load_model(path)
    without = model.predict(given.drop(columns=["tickets_84d", "segment"]))
    missing = model.predict(given.assign(tickets_84d=np.nan, segment=None))
    pd.testing.assert_frame_equal(without, missing)


@pytest.fixture(scope="module")
def serving(path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", path, "--env-manager", "local"]
    log = (tmp_path_factory.mktemp("serving") / "log").open("wb+")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _answering(address, server, log)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(10)
        log.close()


def _answering(address: str, server, log) -> None:
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/ping", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    log.seek(0)
    raise AssertionError(f"mlflow models serve didn't answer: {log.read().decode()[-2000:]}")


def posted(address: str, rows: pd.DataFrame) -> pd.DataFrame:
    split = rows.astype(object).where(rows.notna(), None).to_dict("split", index=False)
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps({"dataframe_split": split}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return pd.DataFrame(json.load(answer)["predictions"])


def test_models_serve(serving: str, given: pd.DataFrame, expected: pd.DataFrame) -> None:
    same(posted(serving, given), expected)


def test_models_serve_refuses_text_for_a_signal(serving: str, given: pd.DataFrame) -> None:
    with pytest.raises(HTTPError) as refused:
        posted(serving, given.astype({"tickets_84d": object}).assign(tickets_84d="many"))
    with refused.value:
        assert refused.value.code == 400


@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")  # PySpark 4.2 hands it to pandas 3
def test_spark_udf(path: str, given: pd.DataFrame, expected: pd.DataFrame) -> None:
    """On Spark Connect, as Databricks and clusters speak it; Sail runs it in this process."""
    server = pytest.importorskip("pysail.spark", reason="Sail isn't installed").SparkConnectServer("127.0.0.1", 0)
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import struct

    server.start()
    try:
        spark = SparkSession.builder.remote("sc://{}:{}".format(*server.listening_address)).create()
        try:
            score = mlflow.pyfunc.spark_udf(spark, path, env_manager="local")
            rows = spark.createDataFrame(given).repartition(2)
            found = rows.select(score(struct(*given.columns)).alias("scores")).select("scores.*").toPandas()
        finally:
            spark.stop()
    finally:
        server.stop()
    same(found.sort_values(EXACT, ignore_index=True), expected.sort_values(EXACT, ignore_index=True))
