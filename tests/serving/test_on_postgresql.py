"""Everything on PostgreSQL: registry and runs in one database, the score store in another."""

from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from features.matrix import build
from features.settings import load_settings
from features.spine import spine
from features.tables import Tables
from serving.access.keys import Keys
from serving.errors import StoreTooNew
from serving.loaded_models import LoadedModels
from serving.scoring import score
from serving.store import ScoreStore
from training.model import HealthModel
from training.tracking import CHALLENGER, CHAMPION, Registry

pytestmark = pytest.mark.postgres
AS_OF = datetime(2026, 1, 1)


def test_the_registry_and_the_store(postgres_url: str, company: tuple[Tables, HealthModel], tmp_path: Path) -> None:
    tables, model = company
    written = postgres_url.replace("postgresql+psycopg", "postgresql")  # as people write it
    settings, _ = load_settings({}, {"HEALTHSCORE_TRACKING_URI": written, "HEALTHSCORE_STATE": str(tmp_path)})
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    newest = build(tables, spine(tables, [AS_OF])).head(5)
    for promote, alias in ((True, CHAMPION), (False, CHALLENGER)):
        made = registry.register(
            model, parameters={"seed": 7}, metrics={"auc": 0.7}, texts={"receipt.json": "{}"}, tags={}, newest=newest,
            promote=promote,
        )  # fmt: skip
        assert made.alias == alias
    assert list((tmp_path / "artifacts").iterdir()), "artefacts are where every machine finds them"
    assert registry.find(CHAMPION).version.number == "1"
    models = LoadedModels(registry)
    models.look()
    assert models.champion().model.card == model.card
    with pytest.raises(StoreTooNew):  # both keep their revision in a table of the same name
        ScoreStore.open(postgres_url)
    with psycopg.connect(written, autocommit=True) as connection:
        connection.execute("CREATE DATABASE scores_beside")
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    with ScoreStore.open(postgres_url.replace(f"/{name}?", "/scores_beside?")) as store:
        batch = score(tables, model, store, as_of=AS_OF, known_at=AS_OF, model_name=settings.model, model_version="1")
        assert store.current() == batch


def test_a_database_without_an_encoding_is_taken_for_utf8(postgres_url: str) -> None:
    url = make_url(postgres_url)
    plain = url.set(database=f"{url.database}_plain")
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {plain.database} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    with ScoreStore.open(plain.render_as_string()) as store:
        Keys(store).create("Zoë", "admin", now=datetime(2026, 1, 1))
        assert [key.name for key in Keys(store).all()] == ["Zoë"]
