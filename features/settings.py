"""Settings: one frozen value, read once at the edge from flags, then `HEALTHSCORE_*`, then `healthscore.toml`, then
defaults. Nothing below the command line reads a file or a variable for itself.

`MLFLOW_TRACKING_URI`, which MLflow users have set already, counts as `HEALTHSCORE_TRACKING_URI` where that is missing.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import SettingsError

PREFIX = "HEALTHSCORE_"
FILE = Path("healthscore.toml")


class Settings(BaseModel):
    """Everything that can be set. A field's description is its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(None, description="folder of exports, or the URL of a database")
    mapping: Path | None = Field(None, description="mapping file; mapping.toml in the source's folder where missing")
    state: Path = Field(Path("mlruns"), description="folder of local state: tracking, artefacts, scores, quarantine")
    tracking_uri: str | None = Field(None, description="MLflow tracking server; mlflow.db in the state folder")
    store: str | None = Field(None, description="URL of the score store; scores.db in the state folder")
    model: str = Field("healthscore", min_length=1, description="name of the registered model")
    mlflow_url: str | None = Field(
        None, pattern=r"^https?://[^\s@]+$", description="address of the MLflow UI, for links to runs from the pages"
    )
    grace_days: int = Field(30, ge=0, le=365, description="days without a contract before an account has churned")
    order_lapse_days: int = Field(90, ge=1, le=3650, description="days after which an order's relationship lapses")
    stale_after_days: int = Field(28, ge=1, description="days without a row after which a table is called stale")
    max_bad_share: float = Field(0.2, ge=0, le=1, description="share of bad rows a required table may have")
    seed: int = Field(7, ge=0, description="seed of all that is random")
    host: str = Field("127.0.0.1", description="address to serve on")
    port: int = Field(8000, ge=0, le=65535, description="port to serve on")
    scorecard: Path | None = Field(None, description="file of the prior; the one that comes with healthscore")
    plays: Path | None = Field(None, description="file of plays; those that come with healthscore where missing")
    targets: Path | None = Field(None, description="file with a section [targets], for the book beside the scores")
    retrain: Literal["auto", "never", "always"] = Field("auto", description="when healthscore run trains a model")
    shadow: bool = Field(
        False, description="let healthscore run score with the challenger too, never shown as the score"
    )
    holdout: float = Field(
        0, ge=0, le=0.5, description="share of a worklist to leave alone, to tell what plays achieve"
    )
    holdout_up_to_arr: float | None = Field(None, ge=0, description="ARR above which no account is ever held out")
    workers: int = Field(1, ge=1, le=64, description="processes that serve")
    requests_per_minute: int = Field(1200, ge=1, description="requests a key may send to each process in a minute")
    max_body_mb: int = Field(64, ge=1, le=1024, description="largest body of a request, MiB")
    model_look_s: float = Field(5, gt=0, le=3600, description="seconds between two looks for a new champion")
    identity_cache_s: float = Field(5, ge=0, le=60, description="seconds until a revoked key is refused, at most")
    oidc_issuer: str | None = Field(None, description="OpenID Connect issuer whose tokens are taken, as tokens name it")
    oidc_audience: str | None = Field(None, description="what the issuer's tokens for this service name as audience")
    oidc_jwks_url: str | None = Field(None, description="where the issuer's keys are; its discovery document says so")
    oidc_role_claim: str = Field("role", min_length=1, description="claim of a token that names the role or roles")
    oidc_owner_claim: str = Field("owner", min_length=1, description="claim that names whose accounts a csm sees")

    @property
    def tracking(self) -> str:
        """The MLflow tracking address in force; of PostgreSQL with the driver that is installed."""
        address = self.tracking_uri or f"sqlite:///{self.state / 'mlflow.db'}"
        kind, found, rest = address.partition("://")
        return f"postgresql+psycopg://{rest}" if found and kind in {"postgresql", "postgres"} else address

    @property
    def score_store(self) -> str:
        """The score store's URL in force."""
        return self.store or f"sqlite:///{self.state / 'scores.db'}"


@dataclass(frozen=True)
class Origin:
    """A setting in force and where it came from."""

    name: str
    value: Any
    came_from: str


def without_password(address: str) -> str:
    """An address for people to read; what isn't one stays as it is."""
    return re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", address)


def load_settings(
    flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ, file: Path = FILE
) -> tuple[Settings, tuple[Origin, ...]]:
    """The settings in force and the origin of each; SettingsError names the flag, variable or line that is wrong.

    A flag that is None wasn't given.
    """
    given: dict[str, tuple[Any, str]] = {}
    for name, value in _from_file(file).items():
        given[name] = (value, f"{file}: {name}")
    if "MLFLOW_TRACKING_URI" in environment:
        given["tracking_uri"] = (environment["MLFLOW_TRACKING_URI"], "MLFLOW_TRACKING_URI")
    for variable, text in environment.items():
        if variable.startswith(PREFIX):
            given[variable.removeprefix(PREFIX).lower()] = (text, variable)
    for name, value in flags.items():
        if value is not None:
            given[name] = (value, f"--{name.replace('_', '-')}")
    for name, (_, came_from) in given.items():
        if name not in Settings.model_fields:
            near = get_close_matches(name, Settings.model_fields, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(Settings.model_fields)}"
            raise SettingsError(f"{came_from} sets {name!r}, which is no setting: {hint}")
    try:
        settings = Settings(**{name: value for name, (value, _) in given.items()})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise SettingsError(f"{given[name][1]} is {given[name][0]!r}: {first['msg'].lower()}") from error
    origins = tuple(
        Origin(name, getattr(settings, name), given[name][1] if name in given else "default")
        for name in Settings.model_fields
    )
    return settings, origins


def _from_file(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file} can't be read: {error}") from error
