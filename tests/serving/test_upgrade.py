"""A store of every earlier revision opens, with its rows as they were, on SQLite and PostgreSQL."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, insert, select

import serving.schema
from serving.accounts import account_detail, account_page
from serving.history import account_history
from serving.listing import AccountQuery
from serving.reach import EVERYTHING
from serving.store import ScoreStore, _database, _engine

MIGRATIONS = Path(serving.schema.__file__).parent / "migrations"
CONFIG = Config()
CONFIG.set_main_option("script_location", str(MIGRATIONS))
REVISIONS = [each.revision for each in reversed(list(ScriptDirectory.from_config(CONFIG).walk_revisions()))]
MOMENT = datetime(2026, 11, 1)
VALUES: dict[str, Any] = {
    "band": "at_risk", "rating": "critical", "step": "started", "settled_band": "at_risk", "health": 41.5,
    "signals": [{"name": "open_tickets", "value": 2.0, "points": -1.5}], "points": {"support": -1.5}, "freshness": {},
    "drivers": None, "accounts": 1, "erased": 0, "effects": [],
}  # fmt: skip
"""What a column holds where any value of its type won't do; signals as the first revision wrote them."""


def engine_at(url: str, revision: str) -> Engine:
    """An empty store as the program of a revision left it."""
    engine = _engine(_database(url))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, revision)
    return engine


def value_of(column: Any) -> Any:
    if column.name in VALUES:
        return VALUES[column.name]
    kind = column.type.python_type
    return {str: "a", int: 1, float: 0.25, bool: True, datetime: MOMENT, dict: {}, list: []}.get(kind, "a")


def filled(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """A row in every table there is, and what they hold."""
    found = MetaData()
    found.reflect(engine)
    held = {}
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for table in found.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(insert(table), {column.name: value_of(column) for column in table.c})
                held[table.name] = [dict(row._mapping) for row in connection.execute(select(table))]
    return held


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_store_of_an_earlier_revision_keeps_its_rows(url: str, revision: str) -> None:
    engine = engine_at(url, revision)
    held = filled(engine)
    engine.dispose()
    assert "scores" in held
    with ScoreStore.open(url) as store, store.reading() as connection:
        now = MetaData()
        now.reflect(connection)
        for name, rows in held.items():
            kept = [dict(row._mapping) for row in connection.execute(select(now.tables[name]))]
            assert [{column: row[column] for column in rows[0]} for row in kept] == rows, name
        batch = store.current()
        assert (batch.batch_id, batch.as_of) == ("a", MOMENT)
        (row,) = account_page(store, batch, AccountQuery(), superseded=False).accounts
        detail = account_detail(store, batch, "a")
        assert (row.health, detail.signals[0].name, detail.signals[0].points) == (41.5, "open_tickets", -1.5)
        assert len(account_history(store, "a", reach=EVERYTHING).points) == 1
    ScoreStore.open(url).close()


def test_the_revisions_are_one_chain() -> None:
    assert len(ScriptDirectory.from_config(CONFIG).get_heads()) == 1
    assert len(REVISIONS) == len(list(MIGRATIONS.glob("versions/r*.py")))
