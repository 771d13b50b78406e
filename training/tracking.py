"""MLflow: where runs are tracked, and how a model version is registered, promoted and loaded."""

import os

# Before MLflow is imported: nothing about its use leaves this machine, and it speaks up only when something is wrong.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import json
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import polars as pl
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.types import ColSpec, Schema
from pandas.api.types import is_numeric_dtype

from features.settings import without_password
from training.champions import CHALLENGER as CHALLENGER
from training.champions import CHAMPION as CHAMPION
from training.champions import REFUSALS, Champions, not_there
from training.errors import RegistryUnavailable
from training.leads import renewal_clock
from training.model import HealthModel, Served, load, save

EXPERIMENT = "healthscore"
RECEIPT = "receipt.json"
PAGE = "receipt.html"
BASELINE = "baseline.json"
MONITORING = "monitoring.json"

_SPEAKING = threading.RLock()


@dataclass(frozen=True)
class Version:
    """A registered model version and the run that made it."""

    name: str
    number: str
    run_id: str
    alias: str


@dataclass(frozen=True)
class Facts:
    """What the registry says of a version now: every alias and tag, and when it was registered, UTC."""

    version: Version
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    registered_at: datetime


@dataclass(frozen=True)
class Run:
    """What the run that made a version wrote down: its parameters, as text, and its metrics."""

    parameters: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Registry:
    """The tracking server and registry at `uri`; runs go to one experiment, artefacts below `artifacts`."""

    uri: str
    artifacts: Path
    name: str = "healthscore"

    @property
    def client(self) -> MlflowClient:
        """A client of this registry."""
        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @property
    def where(self) -> str:
        """The address for people to read: without a password."""
        return without_password(self.uri)

    @property
    def champions(self) -> Champions:
        """Who is champion, who was before, and what was decided on versions."""
        return Champions(self.client, self.name)

    def load(self, version: str = CHAMPION) -> tuple[HealthModel, Version]:
        """The model with that alias or version number; RegistryUnavailable where there is none."""
        try:
            found = self._version(version)
            source = self.client.get_model_version_download_uri(self.name, found.version)
            with _tracked_at(self.uri), tempfile.TemporaryDirectory() as folder:
                local = mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=folder)
                return load(Path(local) / "data" / "model"), Version(
                    self.name, str(found.version), found.run_id, version
                )
        except REFUSALS as error:
            raise RegistryUnavailable(
                f"no model {self.name}@{version} could be loaded from {self.where}: {_first_line(error)}; "
                "train one first (healthscore train), promote one that waits (healthscore promote), or check the "
                "tracking address"
            ) from error

    def has(self, version: str) -> bool:
        """Whether there is a model version with that alias or number. Raises RegistryUnavailable."""
        try:
            self._version(version)
        except REFUSALS as error:
            if not_there(error):
                return False
            raise RegistryUnavailable(f"the registry at {self.where} doesn't answer: {_first_line(error)}") from error
        return True

    def _version(self, version: str) -> ModelVersion:
        if not self._there():
            raise MlflowException("there is no registry yet", RESOURCE_DOES_NOT_EXIST)
        if version.isdigit():
            return self.client.get_model_version(self.name, version)
        return self.client.get_model_version_by_alias(self.name, version)

    def find(self, version: str = CHAMPION) -> Facts:
        """What is known of that alias or version number, unloaded; RegistryUnavailable where there is none."""
        try:
            found = self._version(version)
            aliases = self.client.get_registered_model(self.name).aliases
        except REFUSALS as error:
            raise RegistryUnavailable(
                f"no model {self.name}@{version} was found at {self.where}: {_first_line(error)}; "
                "train one first (healthscore train), or check the tracking address"
            ) from error
        return _facts(found, aliases, version)

    def versions(self, most: int = 10_000) -> tuple[Facts, ...]:
        """The versions registered last, unloaded, the newest first; none where there is no such model.

        Raises RegistryUnavailable.
        """
        try:
            if not self._exists():
                return ()
            aliases = self.client.get_registered_model(self.name).aliases
            found = self.client.search_model_versions(
                f"name = '{self.name}'", max_results=most, order_by=["version_number DESC"]
            )
        except REFUSALS as error:
            raise RegistryUnavailable(
                f"the versions of {self.name} couldn't be read from {self.where}: {_first_line(error)}"
            ) from error
        return tuple(_facts(version, aliases) for version in found)

    def run(self, run_id: str) -> Run:
        """What a run wrote down. Raises RegistryUnavailable."""
        try:
            data = self.client.get_run(run_id).data
        except REFUSALS as error:
            raise RegistryUnavailable(
                f"the run {run_id} couldn't be read from {self.where}: {_first_line(error)}"
            ) from error
        return Run(dict(data.params), dict(data.metrics))

    def _there(self) -> bool:
        """Whether there is a registry to ask; asking would make a local one."""
        local = self.uri.removeprefix("sqlite:///")
        return local == self.uri or Path(local).exists()

    def _exists(self) -> bool:
        return self._there() and bool(self.client.search_registered_models(f"name = '{self.name}'"))

    def receipt(self, version: str = CHAMPION) -> dict[str, Any] | None:
        """The receipt of that alias or version number as plain JSON values, None where it wasn't proven."""
        text = self._text(version, RECEIPT)
        return None if text is None else json.loads(text)

    def page(self, version: str = CHAMPION) -> str | None:
        """The receipt's HTML page, None where the run has none."""
        return self._text(version, PAGE)

    def baseline(self, version: str = CHAMPION) -> str | None:
        """What was usual when that alias or version number was made, None where its run hasn't kept it."""
        return self._text(version, BASELINE)

    def monitoring(self, version: str = CHAMPION) -> dict[str, Any] | None:
        """The last look at that alias or version number in use as plain JSON values, None where nobody looked."""
        text = self._text(version, MONITORING)
        return None if text is None else json.loads(text)

    def monitored(
        self, version: Version, *, at: datetime, metrics: Mapping[str, float], texts: Mapping[str, str]
    ) -> str:
        """Log a look at a version in use as a run of its own, and `monitoring.json` with the version's run too.

        The run's tags `kind` (monitoring), `model` and `model_version` say whose it is; the version's tag
        `monitored_by` names the run. Returns the run's id.
        """
        try:
            with _tracked_at(self.uri), self._run() as run:
                mlflow.set_tags({"kind": "monitoring", "model": self.name, "model_version": version.number})
                mlflow.log_params({"as_of": at.isoformat()})
                mlflow.log_metrics(dict(metrics))
                for path, text in texts.items():
                    mlflow.log_text(text, path)
                self.client.log_text(version.run_id, texts[MONITORING], MONITORING)
            self.client.set_model_version_tag(self.name, version.number, "monitored_by", run.info.run_id)
        except REFUSALS as error:
            raise RegistryUnavailable(f"the registry at {self.where} refused the look: {_first_line(error)}") from error
        return str(run.info.run_id)

    def _text(self, version: str, path: str) -> str | None:
        try:
            found = self._version(version)
            if path not in {file.path for file in self.client.list_artifacts(found.run_id)}:
                return None
            with _tracked_at(self.uri):
                text: str = mlflow.artifacts.load_text(f"runs:/{found.run_id}/{path}")
        except REFUSALS as error:
            raise RegistryUnavailable(
                f"no {path} of {self.name}@{version} could be read from {self.where}: {_first_line(error)}"
            ) from error
        return text

    def register(
        self,
        model: HealthModel,
        *,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        texts: Mapping[str, str],
        tags: Mapping[str, str],
        newest: pl.DataFrame,
        promote: bool,
        trials: Sequence[tuple[Mapping[str, Any], Mapping[str, float]]] = (),
    ) -> Version:
        """Log a run with the model and `texts` (artefacts by path), and register it as a version.

        `newest` are rows of the matrix, for the example; `trials` (parameters and metrics) become nested runs. With
        `promote` the version becomes champion, else challenger.
        """
        card = model.card
        told = {
            "mode": card.mode,
            "catalogue_digest": card.catalogue_digest,
            "code_version": version("healthscore"),
            **tags,
        }
        try:
            with _tracked_at(self.uri), self._run() as run, tempfile.TemporaryDirectory() as folder:
                mlflow.log_params(dict(parameters))
                mlflow.set_tags(told)
                for path, text in texts.items():
                    mlflow.log_text(text, path)
                for chosen, result in trials:
                    with mlflow.start_run(nested=True):
                        mlflow.log_params(dict(chosen))
                        mlflow.log_metrics(dict(result))
                data = Path(folder) / "model"
                save(model, data)
                given = example(newest, model)
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    loader_module="training.model.served",
                    data_path=str(data),
                    signature=_signature(given, Served(model).predict(given)),
                    input_example=given,
                    pip_requirements=["healthscore"],
                )
                # After it: MLflow would read each back by itself to log it with the model.
                mlflow.log_metrics(dict(metrics), model_id=logged.model_id)
                if not self.client.search_registered_models(f"name = '{self.name}'"):
                    self.client.create_registered_model(self.name)
                made = self.client.create_model_version(
                    self.name, logged.model_uri, run.info.run_id, tags=told, model_id=logged.model_id
                )
                number = str(made.version)
            alias = CHAMPION if promote else CHALLENGER
            self.client.set_registered_model_alias(self.name, CHALLENGER, number)
            if promote:
                at = datetime.fromtimestamp(made.creation_timestamp / 1000, UTC).replace(tzinfo=None)
                self.champions.promote(number, at=at, by="training", reason="registered as champion")
        except REFUSALS as error:
            raise RegistryUnavailable(
                f"the registry at {self.where} refused the model: {_first_line(error)}"
            ) from error
        return Version(self.name, number, run.info.run_id, alias)

    @contextmanager
    def _run(self) -> Iterator[mlflow.ActiveRun]:
        """A run in the experiment; artefacts go to `artifacts` where no server keeps them, but a database the rest."""
        if self.client.get_experiment_by_name(EXPERIMENT) is None:
            database = self.uri.startswith(("sqlite:", "postgresql"))
            location = self.artifacts.resolve().as_uri() if database else None
            self.client.create_experiment(EXPERIMENT, artifact_location=location)
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run() as run:
            yield run


def _facts(found: ModelVersion, aliases: Mapping[str, Any], asked_for: str | None = None) -> Facts:
    number = str(found.version)
    return Facts(
        Version(found.name, number, found.run_id, asked_for or number),
        tuple(sorted(alias for alias, of in aliases.items() if str(of) == number)),
        dict(found.tags),
        datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).replace(tzinfo=None),
    )


def example(matrix: pl.DataFrame, model: HealthModel, rows: int = 5) -> pd.DataFrame:
    """The first rows as the MLflow model takes them (`training.model.Served`); NaN where missing."""
    newest = matrix.head(rows)
    renewal, term = renewal_clock(newest)
    frame = newest.select(model.card.signals).to_pandas().astype("float64")
    return frame.assign(days_to_renewal=renewal, term_days=term, segment=newest["segment"].to_list())


def _signature(given: pd.DataFrame, scores: pd.DataFrame) -> ModelSignature:
    """Any column may be missing, and every score null: what five rows of an example have doesn't say what others lack.

    Inferred, a column without a gap in the example would be required, and a missing one refused.
    """
    return ModelSignature(
        *(
            Schema([ColSpec("double" if is_numeric_dtype(frame[name]) else "string", name, False) for name in frame])
            for frame in (given, scores)
        )
    )


@contextmanager
def _tracked_at(uri: str) -> Iterator[None]:
    """MLflow's fluent functions speak to `uri` for a while; they know no other way than a process-wide address.

    MLflow writes the address to the environment too, where our own settings would find it: both are put back. One
    thread at a time.
    """
    with _SPEAKING:
        before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        try:
            with warnings.catch_warnings():
                # MLflow looks whether a frame is Spark's, and PySpark, where there is one, complains of pandas 3.
                warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
                yield
        finally:
            mlflow.set_tracking_uri(before["MLFLOW_TRACKING_URI"])
            mlflow.set_registry_uri(before["MLFLOW_REGISTRY_URI"])
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
