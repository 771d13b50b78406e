"""Scoring where the signals are: on a Spark Connect cluster, by the model's own code, into Parquet the cluster writes.

No account's row passes through this process until a batch is published; then the Parquet is read back in parts. What is
held here of every account are the seven columns that the book's forecast is told from, and before them the model's
signals, for what may hold the batch back. The cluster's Python needs healthscore; the model travels with the task, as
the artefact's own text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import narwhals as nw
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.dataset as ds  # type: ignore[import-untyped]

from features.catalogue import CATALOGUE, SIGNALS
from features.engines import AnyTables, lazy, local, settled, write
from features.errors import HistoryError, UnavailableError
from features.freshness import FEEDS, Feed, latest, status
from features.matrix import CONTEXT, build
from features.spine import spine
from features.tables import Tables
from features.timeline import timelines
from serving.book import book_parts
from serving.scores import AccountScore, Batch
from serving.scoring import account_scores, batch_by, scored_by
from serving.store import ScoreStore
from serving.timelines import account_timelines
from training.model import HealthModel, explained, load, medians, save

PART = 2_000
"""Accounts read back at a time."""
_LATEST = "latest__"
_PLAIN = pl.CompatLevel.oldest()  # Arrow's own types only
_OF_BOOK = ("account_id", "segment", "arr_in_force", "risk_365d", "contraction_risk_365d", "arr_at_risk", "band")

Artefact = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Scored:
    """A folder of Parquet that a cluster wrote, a row per account, and when each feed last brought something."""

    folder: str
    accounts: int
    newest: Mapping[str, datetime | None]
    statuses: Mapping[str, Any]

    def scores(self) -> Iterator[AccountScore]:
        """The scores, a part of them in memory at a time. Raises UnavailableError where they can't be read here."""
        for batch in self._read().to_batches(batch_size=PART):
            part = pl.DataFrame(pl.from_arrow(batch))
            yield from account_scores(part, tuple(CATALOGUE), list(self._feeds(part)))

    def of_book(self) -> pl.DataFrame:
        """What `serving.book` reads, in the order of account_id. Raises UnavailableError as `scores` does."""
        return pl.DataFrame(pl.from_arrow(self._read().to_table(columns=list(_OF_BOOK)))).sort("account_id")

    def signals(self, names: Sequence[str]) -> pl.DataFrame:
        """Context and signals of every account. Raises UnavailableError as `scores` does."""
        return pl.DataFrame(pl.from_arrow(self._read().to_table(columns=["as_of", *CONTEXT, *names])))

    def _feeds(self, part: pl.DataFrame) -> Iterator[Feed]:
        for table in FEEDS:
            by_account: dict[str, datetime] = {}
            if _LATEST + table in part.columns:
                known = part.select("account_id", _LATEST + table).drop_nulls()
                by_account = dict(known.iter_rows())
            yield Feed(table, self.statuses[table], self.newest[table], by_account)

    def _read(self) -> ds.Dataset:
        try:
            return ds.dataset(self.folder, format="parquet")
        except (OSError, pa.ArrowException) as error:
            raise UnavailableError(
                f"the cluster wrote {self.folder}, which can't be read from here: {error}; give --output a folder that "
                "both reach, or --no-publish"
            ) from error


def score_on_cluster(
    tables: AnyTables,
    model: HealthModel,
    as_of: datetime,
    output: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Scored:
    """Score every account with a contract in force at `as_of` on the cluster of `tables`, and write it to `output`.

    The columns are the matrix's, the model's, `drivers`, and when each feed last brought something. Raises HistoryError
    where nobody is a customer at `as_of`.
    """
    matrix = lazy(build(tables, spine(tables, [as_of]), SIGNALS, progress))
    newest: dict[str, datetime | None] = dict.fromkeys(FEEDS)
    for table in FEEDS:
        if table in tables:
            of_accounts = latest(tables, table, as_of)
            newest[table] = local(of_accounts.select(nw.col("latest_at").max()))["latest_at"].item()
            matrix = matrix.join(of_accounts.rename({"latest_at": _LATEST + table}), on="account_id", how="left")
    matrix = settled(matrix)
    progress("medians of peers")
    told = medians(matrix, list(model.card.signals))
    if told[-1].is_empty():
        raise HistoryError(f"no account has a contract in force at {as_of:%Y-%m-%d}: score as of another day")
    progress("scores")
    task = partial(_scored, _artefact(model), told)
    (empty,) = task(iter([_no_rows(local(matrix.head(0)))]))
    scored = matrix.to_native().mapInArrow(task, _spark_schema(empty.schema))
    accounts = write(scored, output)
    return Scored(output, accounts, newest, {table: status(tables, table, newest[table], as_of) for table in FEEDS})


def publish(
    store: ScoreStore,
    scored: Scored,
    tables: Tables,
    model: HealthModel,
    *,
    as_of: datetime,
    targets: Mapping[str, float],
    grace_days: int,
    gate: Callable[[pl.DataFrame], None] = lambda _: None,
    **about: Any,
) -> Batch:
    """Publish what a cluster wrote, with book and timelines, in one transaction; `about`: the batch's other fields.

    `gate` is shown the signals first; what it raises stops the batch.
    """
    gate(scored.signals(model.card.signals))
    scores = scored.of_book()
    book = book_parts(tables, scores, model, as_of, targets=targets, grace_days=grace_days)
    batch = batch_by(model, as_of=as_of, accounts=scored.accounts, **about)
    entries = timelines(tables, as_of, scores.select("account_id"))
    store.publish(batch, scored.scores(), book, timelines=account_timelines(entries))
    return batch


def _scored(
    artefact: Artefact, told: Sequence[pl.DataFrame], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """What a task of the cluster does with its rows."""
    model = _model(artefact)
    for batch in batches:
        matrix = pl.DataFrame(pl.from_arrow(batch)).with_columns(pl.col(pl.Datetime).cast(pl.Datetime("us")))
        scored = scored_by(model, matrix)
        scored = scored.with_columns(drivers=explained(model, matrix, scored, told))
        scored = scored.with_columns(pl.col(pl.Null).cast(pl.String))  # a band, of no rows
        yield from _arrow(scored).to_batches() or [_no_rows(scored)]


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """The frame in types that Apache Spark takes too, which knows no list with long offsets."""
    table = frame.to_arrow(compat_level=_PLAIN)
    return table.cast(pa.schema([pa.field(field.name, _short(field.type)) for field in table.schema]))


def _short(of: pa.DataType) -> pa.DataType:
    if pa.types.is_large_list(of):
        return pa.list_(_short(of.value_type))
    if pa.types.is_struct(of):
        return pa.struct([pa.field(field.name, _short(field.type)) for field in of])
    return pa.string() if pa.types.is_large_string(of) else of


def _no_rows(frame: pl.DataFrame) -> pa.RecordBatch:
    schema = _arrow(frame).schema
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _spark_schema(schema: pa.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema, prefer_timestamp_ntz=True)


def _artefact(model: HealthModel) -> Artefact:
    with TemporaryDirectory() as folder:
        save(model, Path(folder))
        return tuple((file.name, file.read_text(encoding="utf-8")) for file in sorted(Path(folder).iterdir()))


@lru_cache(maxsize=2)
def _model(artefact: Artefact) -> HealthModel:
    """The model, read once in each of the cluster's processes."""
    with TemporaryDirectory() as folder:
        for name, text in artefact:
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return load(Path(folder))
