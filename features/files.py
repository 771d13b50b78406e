"""A folder of CSV, Parquet or JSON Lines files, read into DuckDB with the origin of every row.

`<table>.<ext>` is one table, and so is a sub-folder `<table>/` whose files are its parts. Each row carries `_file` (its
path inside the folder) and `_row` (its record number in that file, from 1; blank lines aren't counted in CSV). CSV and
JSON Lines values come as text, so that ids like 007 and broken dates survive; Parquet keeps its types. Lines that can't
be split into the columns are returned, not raised.
"""
# ruff: noqa: S608 (names and values are quoted by features.sql)

import csv
import gzip
import zlib
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

import duckdb
import polars as pl

from features.errors import MappingError, SourceError
from features.sql import first_line, identifier, literal

EXTENSIONS = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")

MALFORMED = {"_file": pl.String, "_row": pl.Int64, "_line": pl.String, "reason": pl.String}
"""Schema of the lines that can't be split into columns."""


def find_tables(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Files per table name, in a stable order; two ways to spell one table are a SourceError."""
    if not folder.is_dir():
        raise SourceError(f"{folder}: there is no such folder; give the folder that holds the exports.")
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted(folder.iterdir()):
        paths = tuple(part for part in sorted(path.iterdir()) if _stem(part)) if path.is_dir() else (path,)
        name = path.name if path.is_dir() else _stem(path)
        if not name or not paths or name.startswith("."):
            continue
        if name in found:
            raise SourceError(
                f"{folder}: {found[name][0].name} and {path.name} are both table `{name}`; keep one of them."
            )
        found[name] = paths
    return found


def load_files(db: duckdb.DuckDBPyConnection, table: str, paths: tuple[Path, ...], folder: Path) -> pl.DataFrame:
    """Make `raw.<table>` of the files (columns united by name); the malformed lines as a frame of MALFORMED."""
    names = {path: path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name for path in paths}
    file_type = f"raw.{identifier(f'{table} files')}"
    db.execute(f"CREATE TYPE {file_type} AS ENUM ({', '.join(literal(name) for name in names.values())})")
    parts, malformed = [], []
    for number, path in enumerate(paths):
        try:
            query, bad = _part(db, path, f"{table} {number}")
        except duckdb.Error as error:
            if "state machine" in str(error):
                raise SourceError(f"{path}: mixes two kinds of line ends; convert it to one of them.") from None
            raise SourceError(f"{path}: can't be read: {first_line(error)}") from None
        parts.append(f"SELECT * EXCLUDE (_row), {literal(names[path])}::{file_type} AS _file, _row FROM {query}")
        malformed.append(bad.with_columns(pl.lit(names[path]).alias("_file")).select(list(MALFORMED)))
    try:
        db.execute(f"CREATE VIEW raw.{identifier(table)} AS {' UNION ALL BY NAME '.join(parts)}")
    except duckdb.Error as error:
        raise SourceError(f"{folder}: the parts of `{table}` don't fit together: {first_line(error)}") from None
    return pl.concat(malformed)


def _part(db: duckdb.DuckDBPyConnection, path: Path, name: str) -> tuple[str, pl.DataFrame]:
    """SQL that yields one file's rows with `_row`, and its malformed lines."""
    kind = path.name.removeprefix(_stem(path)).lower()
    if kind == ".parquet":
        query = f"read_parquet({literal(str(path))}, file_row_number = true)"
        db.execute(f"DESCRIBE SELECT * FROM {query}")
        return f"(SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _row FROM {query})", pl.DataFrame(
            schema=MALFORMED
        )
    if kind.startswith(".csv"):
        return _csv(db, path, f"raw.{identifier(f'{name} rows')}")
    return _json(db, path, f"raw.{identifier(f'{name} lines')}")


def _csv(db: duckdb.DuckDBPyConnection, path: Path, target: str) -> tuple[str, pl.DataFrame]:
    delimiter, header = _header(path)
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
    for reject in ("csv_rejects", "csv_scans"):
        db.execute(f"DROP TABLE IF EXISTS {reject}")
    db.execute(
        f"CREATE TABLE {target} AS SELECT *, row_number() OVER () AS _row FROM read_csv({literal(str(path))},"
        f" auto_detect = false, header = true, delim = {literal(delimiter)}, quote = '\"', escape = '\"',"
        f" columns = {{{columns}}}, store_rejects = true, rejects_table = 'csv_rejects', rejects_scan = 'csv_scans')"
    )
    rejects = db.sql(
        "SELECT (line - 1)::BIGINT AS _row, any_value(csv_line) AS _line, any_value(error_message) AS reason,"
        " bool_or(error_type = 'INVALID ENCODING') AS encoding FROM csv_rejects GROUP BY line ORDER BY line"
    ).pl()
    if rejects["encoding"].any():
        raise _not_utf8(path)
    if rejects.height:
        # DuckDB numbers the good rows only: hand out the record numbers that no malformed line has.
        good = db.execute(f"SELECT count(*) FROM {target}").fetchall()[0][0]
        numbers = pl.DataFrame({"_row": pl.int_range(1, good + rejects.height + 1, eager=True)})
        numbers = numbers.join(rejects, on="_row", how="anti").head(good)
        numbers = numbers.with_columns(_good=pl.int_range(1, pl.len() + 1))
        db.register("_numbers", numbers.to_arrow())
        db.execute(f"UPDATE {target} SET _row = n._row FROM _numbers AS n WHERE n._good = {target}._row")
        db.unregister("_numbers")
    return target, rejects.drop("encoding").with_columns(_file=pl.lit(""))


def _header(path: Path) -> tuple[str, list[str]]:
    """The delimiter and column names of a CSV file."""
    try:
        with _open(path) as raw, TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            start = text.readline()
            delimiter = max(",;\t|", key=start.count)
            text.seek(0)
            header = [name.strip() for name in next(csv.reader(text, delimiter=delimiter), [])]
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise SourceError(f"{path}: can't be read: {error}") from None
    if not any(header):
        raise SourceError(f"{path}: the file is empty; it must begin with a line of column names.")
    names = [name or f"column_{number}" for number, name in enumerate(header, 1)]
    twice = {name for name in names if [other.lower() for other in names].count(name.lower()) > 1}
    if twice:
        raise SourceError(f"{path}: the column name `{min(twice)}` stands twice in the first line; rename one of them.")
    return delimiter, names


def _json(db: duckdb.DuckDBPyConnection, path: Path, target: str) -> tuple[str, pl.DataFrame]:
    try:
        with _open(path) as raw:
            if b"\x00" in raw.read(1000):
                raise _not_utf8(path)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: can't be read: {error}") from None
    try:
        db.execute(
            f"CREATE TABLE {target} AS SELECT line, row_number() OVER () AS _row FROM read_csv({literal(str(path))},"
            " auto_detect = false, header = false, delim = '\x01', quote = '', escape = '',"
            " columns = {'line': 'VARCHAR'}, max_line_size = 16000000)"
        )
    except duckdb.Error as error:
        if "utf-8" in str(error).lower() or "unicode" in str(error).lower():
            raise _not_utf8(path) from None
        raise
    db.execute(f"UPDATE {target} SET line = substr(line, 2) WHERE _row = 1 AND line LIKE chr(65279) || '%'")
    good = f"(SELECT * FROM {target} WHERE CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' END)"
    keys = [
        key for (key,) in db.execute(f"SELECT DISTINCT unnest(json_keys(line)) FROM {good} ORDER BY ALL").fetchall()
    ]
    paths = {key: literal('$."' + key.replace('"', '""') + '"') for key in keys}
    columns = "".join(f"line ->> {path} AS {identifier(key)}, " for key, path in paths.items())
    malformed = db.sql(
        f"SELECT '' AS _file, _row, line AS _line, 'not a JSON object' AS reason FROM {target}"
        f" WHERE trim(line) <> '' AND coalesce(json_type(CASE WHEN json_valid(line) THEN line END), '') <> 'OBJECT'"
    ).pl()
    return f"(SELECT {columns}_row FROM {good})", malformed.cast(MALFORMED)


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _stem(path: Path) -> str:
    """The file name without a known extension; empty where the extension isn't known."""
    for extension in EXTENSIONS:
        if path.name.lower().endswith(extension):
            return path.name[: -len(extension)]
    return ""


def _not_utf8(path: Path) -> SourceError:
    return SourceError(f"{path}: the text is not UTF-8; save it as UTF-8 and try again.")


def check_listed(files: Mapping[str, str], folder: Path, mapping_file: str) -> dict[str, tuple[Path, ...]]:
    """Tables named in a mapping's `[files]` with their path; MappingError where a file isn't there."""
    listed: dict[str, tuple[Path, ...]] = {}
    for name, file in files.items():
        path = folder / file
        if not path.is_file() or not _stem(path):
            known = ", ".join(EXTENSIONS)
            raise MappingError(f"{mapping_file}: [files] {name}: {path} is not a file of a known kind ({known}).")
        listed[name] = (path,)
    return listed
