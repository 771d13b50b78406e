"""A company's exports, opened for reading: a folder of files or a database, with its mapping.

DuckDB runs the mapping's SQL on one in-memory connection that can read the source's own files and nothing else: no
other file, no network, no extension download, no change of these settings.
"""
# ruff: noqa: S608 (the SQL is the owner's own; names and values put into it are quoted by features.sql)

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from features.databases import Database
from features.errors import MappingError, SourceError
from features.fetching import fetch, with_origin
from features.files import MALFORMED, check_listed, find_tables, load_files
from features.mapping import TableMapping, TableMappings, load_mapping, near
from features.sql import first_line, identifier, literal
from features.tables import TABLES

DEFAULT_MAPPING = "mapping.toml"


@dataclass(frozen=True)
class Mapped:
    """One canonical table before any check.

    `frame`: the canonical columns the owner has, in whatever type they came; `_file` and `_row`; `others`, the columns
    the table doesn't declare, only where it has no key (they tell rows apart); and one boolean column `_rule <name>`
    per quarantine condition of the mapping. `unknown`: the owner's columns that nothing uses. `malformed`: lines of its
    file that never became rows.
    """

    table: str
    frame: pl.DataFrame
    others: tuple[str, ...]
    unknown: tuple[str, ...]
    conditions: tuple[str, ...]
    malformed: pl.DataFrame


@dataclass(frozen=True)
class PutAside:
    """Rows of one of the owner's tables that never took part in any mapping.

    `rows`: as text, with `_file`, `_row`, and one boolean column per rule in `rules`.
    """

    table: str
    rows_read: int
    rows: pl.DataFrame
    rules: tuple[str, ...]


class Source:
    """An opened source. Use it in a `with` block, or `close` it."""

    def __init__(
        self, location: str, mapping: TableMappings, *, files: Mapping[str, tuple[Path, ...]], database: Database | None
    ) -> None:
        self.location = location
        self.mapping = mapping
        self._files = files
        self._database = database
        self._names = {name.lower(): name for name in (database.tables if database else files)}
        self._rules = {name.lower(): tuple(table.quarantine.items()) for name, table in mapping.owner.items()}
        self._malformed: dict[str, pl.DataFrame] = {}
        self._aside: dict[str, PutAside] = {}
        for name in mapping.owner:
            if name.lower() not in self._names:
                raise self._mistake(f"[owner.{name}]: the source has no such table{near(name, self.owner_tables)}")
        self._spill = TemporaryDirectory(prefix="healthscore-")
        self._db = _connect([path for paths in files.values() for path in paths], self._spill.name)

    @property
    def owner_tables(self) -> tuple[str, ...]:
        """Names of the owner's tables."""
        return tuple(self._names.values())

    @property
    def put_aside(self) -> tuple[PutAside, ...]:
        """Rows of the owner's tables put aside so far, by `[owner.<table>]` conditions or because of their form."""
        return tuple(self._aside.values())

    def read(self, table: str) -> Mapped | None:
        """The rows of a canonical table; None where the source doesn't have it."""
        mapping = self.mapping.tables.get(table, TableMapping())
        malformed = pl.DataFrame(schema=MALFORMED)
        if mapping.select is not None:
            for name in self.owner_tables:
                if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", mapping.select, re.IGNORECASE):
                    self._load(name, direct=False)
            query, where = f"({mapping.select.strip().rstrip(';')}\n)", "select"
        else:
            owner = self._names.get((mapping.source or table).lower())
            if owner is None:
                if mapping.source:
                    near_names = near(mapping.source, self.owner_tables)
                    raise self._mistake(f"[{table}] from: the source has no table `{mapping.source}`{near_names}")
                if table in self.mapping.tables:
                    raise self._mistake(f"[{table}]: say `from` or `select`; the source has no table of that name.")
                return None
            direct = owner.lower() not in self._rules
            self._load(owner, direct=direct)
            malformed = self._malformed[owner] if direct else malformed
            query, where = self._renamed(table, mapping, identifier(owner)), "columns"
        query, columns = self._translated(table, mapping, query, where)
        frame, others = self._run(table, mapping, query, columns)
        unknown = others if mapping.select is None else ()
        return Mapped(
            table, frame, others if not TABLES[table].key else (), unknown, tuple(mapping.quarantine), malformed
        )

    def close(self) -> None:
        """Let go of the data and of the spill folder."""
        self._db.close()
        self._spill.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _renamed(self, table: str, mapping: TableMapping, owner: str) -> str:
        names = {name.lower(): name for name in self._columns(f"SELECT * FROM {owner}", f"[{table}] from")}
        chosen = {}
        for column in TABLES[table].schema:
            wanted = mapping.columns.get(column, column)
            if wanted.lower() in names:
                chosen[column] = names[wanted.lower()]
            elif column in mapping.columns:
                known = near(wanted, [name for name in names.values() if not name.startswith("_")])
                raise self._mistake(f"[{table}] columns.{column}: {owner} has no column `{wanted}`{known}")
        shown = [f"{identifier(name)} AS {identifier(column)}" for column, name in chosen.items()]
        shown += [identifier(name) for lower, name in names.items() if lower not in chosen]
        return f"(SELECT {', '.join(shown)} FROM {owner})"

    def _translated(self, table: str, mapping: TableMapping, query: str, where: str) -> tuple[str, dict[str, str]]:
        """The query with the mapping's values put in, and its columns: lower-case name to name."""
        columns = {name.lower(): name for name in self._columns(f"SELECT * FROM {query}", f"[{table}] {where}")}
        replaced = []
        for column, values in mapping.values.items():
            if column not in columns:
                raise self._mistake(f"[{table}] values.{column}: the mapped rows have no such column.")
            text = f"CAST({identifier(column)} AS VARCHAR)"
            cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in values.items())
            replaced.append(f"CASE {text} {cases} ELSE {text} END AS {identifier(column)}")
        return (f"(SELECT * REPLACE ({', '.join(replaced)}) FROM {query})" if replaced else query), columns

    def _run(
        self, table: str, mapping: TableMapping, query: str, columns: Mapping[str, str]
    ) -> tuple[pl.DataFrame, tuple[str, ...]]:
        declared = TABLES[table]
        used = {*declared.schema, *(name.lower() for name in mapping.columns.values())}
        others = tuple(name for lower, name in columns.items() if lower not in used and lower[:1] != "_")
        shown = {name: identifier(columns[name]) for name in declared.schema if name in columns}
        if not declared.key:
            shown |= {name: f"{identifier(name)}::VARCHAR" for name in others}
        shown |= {name: identifier(columns[name]) for name in ("_file", "_row") if name in columns}
        for rule, condition in mapping.quarantine.items():
            shown[f"_rule {rule}"] = f"coalesce(({condition}), false)::BOOLEAN"
            self._columns(f"SELECT {shown[f'_rule {rule}']} FROM {query}", f"[{table}] quarantine.{rule}")
        try:
            return with_origin(fetch(self._db, shown, query)), others
        except duckdb.Error as error:
            raise self._mistake(f"[{table}]: {first_line(error)}") from None

    def _columns(self, query: str, where: str) -> list[str]:
        try:
            return [row[0] for row in self._db.execute(f"DESCRIBE {query}").fetchall()]
        except duckdb.Error as error:
            raise self._mistake(f"{where}: {first_line(error)}") from None

    def _load(self, owner: str, *, direct: bool) -> None:
        """Make the owner's table known to DuckDB, without the rows put aside; `direct`: its canonical table reports."""
        if owner not in self._malformed:
            if self._database is not None:
                self._malformed[owner] = pl.DataFrame(schema=MALFORMED)
                self._load_rows(owner, self._database)
            else:
                self._malformed[owner] = load_files(self._db, owner, self._files[owner], Path(self.location))
            self._flag(owner)
        if not direct and owner not in self._aside:
            self._put_aside(owner)

    def _load_rows(self, owner: str, database: Database) -> None:
        name = f"raw.{identifier(owner)}"
        for number, batch in enumerate(database.read(owner)):
            self._db.register("_batch", batch.to_arrow())
            select = f"SELECT *, {literal(owner)} AS _file FROM _batch"
            self._db.execute(f"INSERT INTO {name} {select}" if number else f"CREATE TABLE {name} AS {select}")
            self._db.unregister("_batch")
        self._db.execute(
            f"CREATE VIEW raw.{identifier(f'{owner} numbered')} AS SELECT *, rowid + 1 AS _row FROM {name}"
        )

    def _flag(self, owner: str) -> None:
        """Make the table the mapping sees: `raw` without the rows that meet an `[owner]` condition."""
        raw = f"raw.{identifier(f'{owner} numbered' if self._database else owner)}"
        rules = dict(self._rules.get(owner.lower(), ()))
        flags = []
        for rule, condition in rules.items():
            flags.append(f"coalesce(({condition}), false)::BOOLEAN AS {identifier(f'_rule {rule}')}")
            self._columns(f"SELECT {flags[-1]} FROM {raw}", f"[owner.{owner}] quarantine.{rule}")
        if not flags:
            self._db.execute(f"CREATE VIEW {identifier(owner)} AS SELECT * FROM {raw}")
            return
        flagged = f"raw.{identifier(f'{owner} flagged')}"
        none = " AND ".join(f"NOT {identifier(f'_rule {rule}')}" for rule in rules)
        names = ", ".join(identifier(f"_rule {rule}") for rule in rules)
        try:
            self._db.execute(f"CREATE TABLE {flagged} AS SELECT *, {', '.join(flags)} FROM {raw} ORDER BY _file, _row")
        except duckdb.Error as error:
            raise self._mistake(f"[owner.{owner}] quarantine: {first_line(error)}") from None
        self._db.execute(f"CREATE VIEW {identifier(owner)} AS SELECT * EXCLUDE ({names}) FROM {flagged} WHERE {none}")

    def _put_aside(self, owner: str) -> None:
        rules = tuple(rule for rule, _ in self._rules.get(owner.lower(), ()))
        malformed = self._malformed[owner]
        if not rules and not malformed.height:
            return
        read = self._db.execute(f"SELECT count(*) FROM {identifier(owner)}").fetchall()[0][0]
        rows = pl.DataFrame(schema={"_file": pl.String, "_row": pl.Int64})
        if rules:
            any_rule = " OR ".join(identifier(f"_rule {rule}") for rule in rules)
            rows = self._db.sql(f"SELECT * FROM raw.{identifier(f'{owner} flagged')} WHERE {any_rule}").pl()
            rows = rows.with_columns(pl.col("_file").cast(pl.String))
        bad = malformed.rename({"reason": "_why"}).with_columns(pl.lit(True).alias("_rule malformed_line"))
        everything = pl.concat([rows, bad], how="diagonal") if bad.height else rows
        names = (*rules, "malformed_line") if bad.height else rules
        everything = everything.with_columns(pl.col(f"_rule {rule}").fill_null(False) for rule in names)
        self._aside[owner] = PutAside(owner, read + everything.height, everything, names)

    def _mistake(self, message: str) -> MappingError:
        return MappingError(f"{self.mapping.file}: {message}")


def open_source(location: str | Path, mapping: Path | None = None) -> Source:
    """Open a folder or a database URL. `mapping` defaults to `mapping.toml` in the folder, where there is one."""
    text = str(location)
    if "://" in text:
        database = Database(text)
        mappings = load_mapping(mapping) if mapping else TableMappings()
        if mappings.files:
            raise MappingError(f"{mappings.file}: [files] is for folders; a database has tables, use `from`.")
        return Source(database.location, mappings, files={}, database=database)
    folder = Path(location)
    found = find_tables(folder)
    if mapping is None and (folder / DEFAULT_MAPPING).is_file():
        mapping = folder / DEFAULT_MAPPING
    mappings = load_mapping(mapping) if mapping else TableMappings()
    listed = check_listed(mappings.files, folder, mappings.file)
    renamed = {path for paths in listed.values() for path in paths}
    files = {name: paths for name, paths in found.items() if not renamed.intersection(paths)} | listed
    if not files:
        raise SourceError(f"{folder}: no table found; put files like accounts.csv or accounts.parquet there.")
    return Source(str(folder), mappings, files=files, database=None)


def _connect(files: list[Path], spill: str) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "temp_directory": spill,
        }
    )
    db.execute("SET TimeZone = 'UTC'")
    db.execute("CREATE SCHEMA raw")
    if files:
        db.execute(f"SET allowed_paths = [{', '.join(literal(str(path)) for path in files)}]")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db
