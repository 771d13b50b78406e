"""The accounts of a batch, read from the store into the shapes people see.

Every read takes the caller's `Reach`: what is out of reach is left out, and asked for by name it is unknown.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Row, select

from features.catalogue import CATALOGUE
from serving.effects import effects_of_plays
from serving.errors import BadCursor, BadParameter, UnknownAccount
from serving.filtering import kept
from serving.holdouts import held_out_until
from serving.listing import AccountQuery, Cursor
from serving.loading import signals_of
from serving.opinions import standing_opinions
from serving.plays import NO_PLAYS, Plays
from serving.reach import EVERYTHING, Reach
from serving.read_models import AccountDetail, AccountPage, AccountRow, BatchShown, Totals
from serving.reasons import reasons
from serving.schema import score_details, scores
from serving.scores import BANDS, Batch
from serving.snapshot import snapshot_of
from serving.store import ScoreStore


def batch_of(store: ScoreStore, query: AccountQuery) -> Batch:
    """The batch a query reads: its cursor's, else that of its `as_of` and `known_at`, else the current one.

    Raises NothingPublished, BadParameter.
    """
    if query.cursor is None:
        if query.as_of is None and query.known_at is None:
            return store.current()
        found = store.at(query.as_of, query.known_at)
        if found is None:
            which = "as_of" if query.as_of is not None else "known_at"
            raise BadParameter(which, "there are no scores that old: ask for a later day")
        return found
    batch = store.batch(Cursor.read(query.cursor).batch_id)
    if batch is None:
        raise BadCursor
    return batch


def account_page(
    store: ScoreStore, batch: Batch, query: AccountQuery, *, superseded: bool, reach: Reach = EVERYTHING
) -> AccountPage:
    """One page of a batch's accounts. Raises BadParameter if the batch doesn't hold the cursor's account."""
    snapshot = snapshot_of(store, batch)
    keep = snapshot.frame.select(kept(query, reach, batch.as_of)).to_series().to_numpy()
    order = snapshot.order("folded" if query.sort_key == "name" else query.sort_key, descending=query.descending)
    rows = order[keep[order]]
    start, stop = 0, min(query.limit, len(rows))
    if query.cursor is not None:
        cursor = Cursor.read(query.cursor)
        anchor = snapshot.row_of(cursor.account_id)
        if anchor is None or not keep[anchor]:
            raise BadCursor
        place = int(np.flatnonzero(rows == anchor)[0])
        start, stop = (max(0, place - query.limit), place) if cursor.back else (place + 1, place + 1 + query.limit)
    shown = snapshot.frame[rows[start:stop]].rows(named=True)
    return AccountPage(
        batch=BatchShown.model_validate(batch),
        superseded=superseded,
        totals=_totals(snapshot.frame.select("arr", "arr_at_risk", "band").filter(keep)),
        accounts=[AccountRow.model_validate(row) for row in shown],
        next_cursor=str(Cursor(batch.batch_id, shown[-1]["account_id"], False)) if shown and stop < len(rows) else None,
        previous_cursor=str(Cursor(batch.batch_id, shown[0]["account_id"], True)) if shown and start > 0 else None,
    )


def account_detail(
    store: ScoreStore,
    batch: Batch,
    account_id: str,
    *,
    reach: Reach = EVERYTHING,
    plays: Plays = NO_PLAYS,
    now: datetime | None = None,
) -> AccountDetail:
    """One account of a batch, with the plays against what pulls it down and the opinions that stand at `now`.

    Raises UnknownAccount.
    """
    joined = select(scores, score_details).join_from(
        scores,
        score_details,
        (scores.c.batch_id == score_details.c.batch_id) & (scores.c.account_id == score_details.c.account_id),
    )
    row: Row[Any] | None = None
    held_out, effects = None, {}
    if "\x00" not in account_id:  # which PostgreSQL can't hold
        with store.reading() as connection:
            row = connection.execute(
                joined.where(
                    scores.c.batch_id == batch.batch_id,
                    scores.c.account_id == account_id,
                    *(() if reach.owner is None else (scores.c.owner == reach.owner,)),
                )
            ).one_or_none()
            held_out = held_out_until(connection, account_id, batch.as_of)
            effects = effects_of_plays(connection)
    if row is None:
        raise UnknownAccount(f"there is no account {account_id!r} in the scores as of {batch.as_of:%Y-%m-%d %H:%M} UTC")
    signals = [
        _explained(name, value, points)
        for name, (value, points) in sorted(signals_of(row.signals).items(), key=lambda signal: -abs(signal[1][1]))
    ]
    shown = BatchShown.model_validate(batch).model_dump()
    worst = reasons(row.drivers, row.signals)
    said = [] if now is None else standing_opinions(store, account_id, now)
    made = {"signals": signals, "reasons": worst, "plays": plays.against(worst, effects), "opinions": said}
    return AccountDetail.model_validate({**row._mapping, **shown, **made, "held_out_until": held_out})


def _explained(name: str, value: float | str | None, points: float) -> dict[str, Any]:
    """A stored signal with what the catalogue says of it."""
    known = CATALOGUE.get(name)
    said = {field: getattr(known, field, None) for field in ("meaning", "dimension", "unit")}
    return {"name": name, "value": value, "points": points, **said}


def _totals(rows: pl.DataFrame) -> Totals:
    bands = dict(rows["band"].value_counts().iter_rows())
    return Totals(
        accounts=rows.height,
        arr=rows["arr"].sum(),
        arr_at_risk=rows["arr_at_risk"].sum(),
        bands={band: bands.get(band, 0) for band in BANDS},
    )


@lru_cache(maxsize=8)
def choices(store: ScoreStore, batch: Batch, reach: Reach = EVERYTHING) -> dict[str, list[str]]:
    """The owners, segments and regions of a batch, sorted; a batch never changes, so they are kept."""
    rows = snapshot_of(store, batch).frame
    if reach.owner is not None:
        rows = rows.filter(pl.col("owner") == reach.owner)
    return {
        name: [value for value in rows[name].drop_nulls().unique().sort() if value]
        for name in ("owner", "segment", "region")
    }
