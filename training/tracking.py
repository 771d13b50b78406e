"""MLflow: where runs are tracked, and how a model version is registered, promoted and loaded."""

import os

# Before MLflow is imported: nothing about its use leaves this machine, and it speaks up only when something is wrong.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from training.errors import RegistryUnavailable
from training.model import HealthModel, Served, load, save

CHAMPION = "champion"
CHALLENGER = "challenger"
EXPERIMENT = "healthscore"


@dataclass(frozen=True)
class Version:
    """A registered model version and the run that made it."""

    name: str
    number: str
    run_id: str
    alias: str


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

    def load(self, version: str = CHAMPION) -> tuple[HealthModel, Version]:
        """The model with that alias or version number; RegistryUnavailable where there is none."""
        try:
            found = (
                self.client.get_model_version(self.name, version)
                if version.isdigit()
                else self.client.get_model_version_by_alias(self.name, version)
            )
            source = self.client.get_model_version_download_uri(self.name, found.version)
            with _tracked_at(self.uri), tempfile.TemporaryDirectory() as folder:
                local = mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=folder)
                return load(Path(local) / "data" / "model"), Version(
                    self.name, str(found.version), found.run_id, version
                )
        except (MlflowException, OSError) as error:
            raise RegistryUnavailable(
                f"no model {self.name}@{version} could be loaded from {self.uri}: {_first_line(error)}; "
                "train one first (healthscore train), or check the tracking address"
            ) from error

    def has(self, alias: str) -> bool:
        """Whether a model version has that alias."""
        try:
            self.client.get_model_version_by_alias(self.name, alias)
        except MlflowException:
            return False
        return True

    def register(
        self,
        model: HealthModel,
        *,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        example: pd.DataFrame,
        promote: bool,
    ) -> Version:
        """Log a run with the model and register it as a version.

        The first version becomes champion; a later one is challenger until it is promoted.
        """
        try:
            with _tracked_at(self.uri), self._run() as run, tempfile.TemporaryDirectory() as folder:
                mlflow.log_params(dict(parameters))
                mlflow.log_metrics({name: value for name, value in metrics.items() if value == value})
                mlflow.set_tags(dict(tags))
                data = Path(folder) / "model"
                save(model, data)
                predicted = Served(model).predict(example)
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    loader_module="training.model.served",
                    data_path=str(data),
                    signature=infer_signature(example, predicted),
                    input_example=example,
                    pip_requirements=["healthscore"],
                )
                if not self.client.search_registered_models(f"name = '{self.name}'"):
                    self.client.create_registered_model(self.name)
                made = self.client.create_model_version(
                    self.name, logged.model_uri, run.info.run_id, tags=dict(tags), model_id=logged.model_id
                )
                number = str(made.version)
            alias = CHAMPION if promote or not self.has(CHAMPION) else CHALLENGER
            self.client.set_registered_model_alias(self.name, alias, number)
        except MlflowException as error:
            raise RegistryUnavailable(f"the registry at {self.uri} refused the model: {_first_line(error)}") from error
        return Version(self.name, number, run.info.run_id, alias)

    @contextmanager
    def _run(self) -> Iterator[mlflow.ActiveRun]:
        """A run in the experiment, which is made with its artefacts beside the database where it is a local one."""
        if self.client.get_experiment_by_name(EXPERIMENT) is None:
            local = self.uri.startswith("sqlite:")
            location = self.artifacts.resolve().as_uri() if local else None
            self.client.create_experiment(EXPERIMENT, artifact_location=location)
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run() as run:
            yield run


@contextmanager
def _tracked_at(uri: str) -> Iterator[None]:
    """MLflow's fluent functions speak to `uri` for a while; they know no other way than a process-wide address.

    MLflow writes the address to the environment too, where our own settings would find it: both are put back.
    """
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
