"""The mapping file: how a company's own tables become the canonical ones.

A TOML file with one section per canonical table. Columns the owner already names canonically map themselves, so a
source that speaks canonical names needs no mapping. Every mistake is a MappingError that names file and key.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.errors import MappingError
from features.tables import TABLES

_TOP = ("extracted_at", "files", "owner")


class OwnerTable(BaseModel):
    """What is known of one of the owner's tables before it is mapped: rows that never take part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quarantine: dict[str, str] = Field(default_factory=dict)


class TableMapping(BaseModel):
    """How one canonical table is made: `from` a table with renamed columns, or by a `select`.

    `values` translates the owner's values, column by column; `quarantine` names SQL conditions over the mapped rows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str | None = Field(default=None, alias="from")
    columns: dict[str, str] = Field(default_factory=dict)
    select: str | None = None
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    quarantine: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.select is not None and (self.source is not None or self.columns):
            raise ValueError("has both `select` and `from`/`columns`; keep one of them")
        return self


class TableMappings(BaseModel):
    """A whole mapping file. `file` is where it was read from and is named in every error about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = "no mapping file"
    extracted_at: datetime | None = None
    files: dict[str, str] = Field(default_factory=dict)
    owner: dict[str, OwnerTable] = Field(default_factory=dict)
    tables: dict[str, TableMapping] = Field(default_factory=dict)


def load_mapping(path: Path) -> TableMappings:
    """Read and check a mapping file; MappingError says which key is wrong and what to do."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise MappingError(f"{path}: there is no such mapping file; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: the mapping file can't be read ({error}); it must be UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{path}: not valid TOML: {error}.") from None
    return parse_mapping(content, str(path))


def parse_mapping(content: Mapping[str, Any], file: str) -> TableMappings:
    """Check a mapping already read from TOML; `file` is named in errors."""
    for name in content:
        if name not in TABLES and name not in _TOP:
            raise MappingError(f"{file}: `{name}` is not a canonical table{near(name, (*TABLES, *_TOP))}")
    try:
        mappings = TableMappings(
            file=file,
            extracted_at=_moment(content.get("extracted_at"), file),
            files=content.get("files", {}),
            owner=content.get("owner", {}),
            tables={name: value for name, value in content.items() if name in TABLES},
        )
    except ValidationError as error:
        raise MappingError(f"{file}: {_explain(error)}") from None
    for name, mapping in mappings.tables.items():
        _check_columns(name, mapping, file)
    return mappings


def near(name: str, known: Iterable[str]) -> str:
    """End of an error message: the nearest known names, or all of them where none is near."""
    names = sorted(known)
    close = get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    if close:
        return f"; did you mean {' or '.join(f'`{name}`' for name in close)}?"
    return f"; known are: {', '.join(names) or 'none'}."


def _check_columns(name: str, mapping: TableMapping, file: str) -> None:
    table = TABLES[name]
    for part, named in (("columns", mapping.columns), ("values", mapping.values)):
        for column in named:
            if column not in table.schema:
                raise MappingError(
                    f"{file}: [{name}] {part}: `{column}` is not a column of {name}{near(column, table.schema)}"
                )
    for column, values in mapping.values.items():
        allowed = table.column(column).values
        for owner_value, value in values.items():
            if allowed and value not in allowed:
                raise MappingError(
                    f"{file}: [{name}] values: `{owner_value}` becomes `{value}`, which {name}.{column} doesn't allow"
                    f"{near(value, allowed)}"
                )


def _moment(value: object, file: str) -> datetime | None:
    """A TOML date or time as UTC without a zone; a plain date is its first moment."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = ""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise MappingError(
        f"{file}: `extracted_at` is not a date or time; write it like 2024-01-31 or 2024-01-31T06:00:00Z."
    )


def _explain(error: ValidationError) -> str:
    """The first of pydantic's complaints in the words of the file."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if part != "tables"]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        known = ["quarantine"] if path[0] == "owner" else ["from", "columns", "select", "values", "quarantine"]
        return f"`{key}` is not known{near(path[-1], known)}"
    message = first["msg"].removeprefix("Value error, ")
    return f"`{key}`: {message[0].lower()}{message[1:]}."
