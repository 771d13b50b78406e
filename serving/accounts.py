"""The accounts of a batch, read from the store into the shapes people see."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, case, func, select

from features.catalogue import CATALOGUE
from serving.errors import BadCursor, UnknownAccount
from serving.listing import AccountQuery, Cursor, page_of, selected, sorted_by
from serving.loading import signals_of
from serving.read_models import AccountDetail, AccountPage, AccountRow, BatchShown, Totals
from serving.schema import score_details, scores
from serving.scores import BANDS, Batch
from serving.store import ScoreStore


def batch_of(store: ScoreStore, query: AccountQuery) -> Batch:
    """The batch a query reads: its cursor's, else the current one. Raises NothingPublished, BadParameter."""
    if query.cursor is None:
        return store.current()
    batch = store.batch(Cursor.read(query.cursor).batch_id)
    if batch is None:
        raise BadCursor
    return batch


def account_page(store: ScoreStore, batch: Batch, query: AccountQuery, *, superseded: bool) -> AccountPage:
    """One page of a batch's accounts. Raises BadParameter if the batch doesn't hold the cursor's account."""
    cursor = None if query.cursor is None else Cursor.read(query.cursor)
    with store.reading() as connection:
        value = None
        if cursor is not None:
            anchor = connection.execute(
                select(sorted_by(query)).where(
                    scores.c.batch_id == batch.batch_id, scores.c.account_id == cursor.account_id
                )
            ).one_or_none()
            if anchor is None:
                raise BadCursor
            value = anchor[0]
        rows = list(connection.execute(page_of(batch.batch_id, query, cursor, value)).all())
        totals = connection.execute(_totals(batch, query)).one()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    back = cursor is not None and cursor.back
    if back:
        rows.reverse()
    following, preceding = (True, more) if back else (more, cursor is not None)
    return AccountPage(
        batch=BatchShown.model_validate(batch),
        superseded=superseded,
        totals=Totals(
            accounts=totals.accounts,
            arr=totals.arr,
            arr_at_risk=totals.arr_at_risk,
            bands={band: totals._mapping[band] for band in BANDS},
        ),
        accounts=[AccountRow.model_validate(row) for row in rows],
        next_cursor=str(Cursor(batch.batch_id, rows[-1].account_id, False)) if rows and following else None,
        previous_cursor=str(Cursor(batch.batch_id, rows[0].account_id, True)) if rows and preceding else None,
    )


def account_detail(store: ScoreStore, batch: Batch, account_id: str) -> AccountDetail:
    """One account of a batch. Raises UnknownAccount."""
    joined = select(scores, score_details).join_from(
        scores,
        score_details,
        (scores.c.batch_id == score_details.c.batch_id) & (scores.c.account_id == score_details.c.account_id),
    )
    row: Row[Any] | None = None
    if "\x00" not in account_id:  # which PostgreSQL can't hold
        with store.reading() as connection:
            row = connection.execute(
                joined.where(scores.c.batch_id == batch.batch_id, scores.c.account_id == account_id)
            ).one_or_none()
    if row is None:
        raise UnknownAccount(f"there is no account {account_id!r} in the scores as of {batch.as_of:%Y-%m-%d %H:%M} UTC")
    signals = [
        _explained(name, value, points)
        for name, (value, points) in sorted(signals_of(row.signals).items(), key=lambda signal: -abs(signal[1][1]))
    ]
    shown = BatchShown.model_validate(batch).model_dump()
    return AccountDetail.model_validate({**row._mapping, **shown, "signals": signals})


def _explained(name: str, value: float | str | None, points: float) -> dict[str, Any]:
    """A stored signal with what the catalogue says of it."""
    known = CATALOGUE.get(name)
    said = {field: getattr(known, field, None) for field in ("meaning", "dimension", "unit")}
    return {"name": name, "value": value, "points": points, **said}


def _totals(batch: Batch, query: AccountQuery) -> Select[Any]:
    return select(
        func.count().label("accounts"),
        func.coalesce(func.sum(scores.c.arr), 0.0).label("arr"),
        func.coalesce(func.sum(scores.c.arr_at_risk), 0.0).label("arr_at_risk"),
        *(func.coalesce(func.sum(case((scores.c.band == band, 1), else_=0)), 0).label(band) for band in BANDS),
    ).where(selected(batch.batch_id, query))


@lru_cache(maxsize=8)
def choices(store: ScoreStore, batch: Batch) -> dict[str, list[str]]:
    """The owners, segments and regions of a batch, sorted; a batch never changes, so they are kept."""
    with store.reading() as connection:
        return {
            name: sorted(
                connection.scalars(
                    select(scores.c[name]).distinct().where(scores.c.batch_id == batch.batch_id, scores.c[name] != "")
                )
            )
            for name in ("owner", "segment", "region")
        }
