"""Accounts that a request brings as rows of canonical tables: checked and turned into signals as any source's are."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from features.catalogue import SIGNALS
from features.errors import SourceError
from features.findings import Checked
from features.matrix import build
from features.quality import check
from features.sources import open_source
from features.spine import spine
from features.tables import TABLES, Column, Table
from serving.errors import CannotAnswer
from serving.read_models import Utc
from serving.signal_values import LARGEST

MOST_ACCOUNTS = 1_000
MOST_ROWS = 100_000
"""Rows of one table in a request."""
_DAY = (
    "(20[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    "|20([02468][048]|[13579][26])-02-29)"
)
_Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
_Number = Annotated[float, Field(strict=True, ge=-LARGEST, le=LARGEST)]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value  # 5.0 is a whole number in JSON


_TYPES: Mapping[str, Any] = {
    "text": _Text,
    "integer": Annotated[int, Field(strict=True, ge=-(2**53), le=2**53), BeforeValidator(_whole)],
    "number": _Number,
    "boolean": Annotated[bool, Field(strict=True)],
    "date": Annotated[str, Field(pattern=f"^{_DAY}$", json_schema_extra={"format": "date"})],
    "time": Utc,
}


def _row(table: Table) -> type[BaseModel]:
    return create_model(
        f"{''.join(part.title() for part in table.name.split('_'))}Row",
        __config__=ConfigDict(extra="forbid", frozen=True),
        __doc__=f"One {table.one_row_per}.",
        **{column.name: _field(column) for column in table.columns},
    )


def _field(column: Column) -> Any:
    kind = _TYPES[column.type]
    about = Field(description=f"{column.meaning}{f'; {column.unit}' if column.unit else ''}.")
    return (Annotated[kind, about], ...) if column.required else (Annotated[kind | None, about], None)


def _tables() -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for table in TABLES.values():
        most = MOST_ACCOUNTS if table.name == "accounts" else MOST_ROWS
        shape: Any = _row(table)
        rows: Any = Annotated[list[shape], Field(max_length=most, description=f"One row per {table.one_row_per}.")]
        fields[table.name] = (rows, ...) if table.required else (rows | None, None)
    return create_model(
        "CanonicalTables",
        __config__=ConfigDict(extra="forbid", frozen=True),
        __doc__="Rows by table. A table that isn't there is one the company doesn't have: its signals are missing.",
        **fields,
    )


CanonicalTables = _tables()


class RawRows(BaseModel):
    """A few accounts as rows of the canonical tables, and the day they are scored as of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: Annotated[
        str,
        Field(
            pattern=f"^{_DAY}$",
            json_schema_extra={"format": "date"},
            description="The day the world is frozen at, its first moment UTC; what is known later doesn't count.",
            examples=["2026-01-01"],
        ),
    ]
    tables: CanonicalTables  # type: ignore[valid-type]


def signals_of_rows(raw: RawRows) -> tuple[pl.DataFrame, Checked]:
    """The matrix of those who are customers at `as_of`, and what the check found.

    Bad rows are put aside and told of. Raises CannotAnswer where nothing of a table that is needed is left.
    """
    as_of = datetime.fromisoformat(raw.as_of)
    with TemporaryDirectory(prefix="healthscore-rows-") as folder:
        for name, rows in vars(raw.tables).items():
            if rows is not None:
                _frame(TABLES[name], rows).write_parquet(Path(folder) / f"{name}.parquet")
        try:
            with open_source(folder) as source:
                checked = check(source, extracted_at=as_of, max_bad_share=1.0)
        except SourceError as error:
            said = f"the rows can't be used: {str(error).removeprefix(f'{folder}: ')}"
            raise CannotAnswer(said, {"tables": said}) from error
    return build(checked.tables, spine(checked.tables, [as_of]), SIGNALS), checked


def _frame(table: Table, rows: list[BaseModel]) -> pl.DataFrame:
    """The rows with the columns that any of them has."""
    given = set[str]().union(*(row.model_fields_set for row in rows))
    columns = [column for column in table.columns if column.required or column.name in given]
    return pl.DataFrame({column.name: [_value(row, column) for row in rows] for column in columns}, schema={
        column.name: table.schema[column.name] for column in columns
    })  # fmt: skip


def _value(row: BaseModel, column: Column) -> object:
    value = getattr(row, column.name)
    return datetime.fromisoformat(value).date() if column.type == "date" and value is not None else value
