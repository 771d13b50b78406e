"""A small random company with everything that goes wrong: late rows, gaps, products, returns, zero seats."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from features.tables import TABLES, Tables

Row = dict[str, Any]
Rows = dict[str, list[Row]]

END = datetime(2025, 6, 1)
DAY = timedelta(days=1)


def tables(rows: Mapping[str, Sequence[Mapping[str, Any]]], extracted_at: datetime = END) -> Tables:
    """Rows as the canonical tables; columns that aren't given are missing."""
    frames = {}
    for name, some in rows.items():
        schema = TABLES[name].schema
        frames[name] = pl.DataFrame([{c: row.get(c) for c in schema} for row in some], schema=schema).lazy()
    return Tables(extracted_at, frames)


def complete(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Rows:
    """The same rows, with every declared column."""
    return {name: [{c: row.get(c) for c in TABLES[name].schema} for row in some] for name, some in rows.items()}


def random_row(name: str, account: str, number: int, draw: random.Random, years: float = 3.0) -> Row:
    """A row of a table at a random time before `END`, its facts within two months, some missing, some rows late."""
    schema = TABLES[name].schema
    at = END - timedelta(seconds=draw.randrange(int(years * 365 * 86_400)))
    if draw.random() < 0.15:  # on a midnight, where windows end
        at = datetime(at.year, at.month, at.day)
    if draw.random() < 0.05:  # a microsecond after it
        at = datetime(at.year, at.month, at.day) + timedelta(microseconds=1)
    row: Row = {column: _value(name, column, draw) for column in schema}
    row["account_id"] = account
    for key in TABLES[name].key:
        if key.endswith("_id") and key != "account_id":
            row[key] = f"{name}-{number}"
    times = [column for column, kind in schema.items() if kind == pl.Datetime and column != "available_at"]
    if name == "usage_daily":
        row["date"] = date(at.year, at.month, at.day)
    for time in times:
        later = timedelta(0) if time == TABLES[name].time else timedelta(seconds=draw.randrange(60 * 86_400))
        row[time] = at + later if TABLES[name].column(time).required or draw.random() < 0.8 else None
    if name == "surveys":
        low, high = TABLES[name].column("score").scales[row["kind"]]
        row["score"] = round(draw.uniform(low, high), 2)
    row["available_at"] = at + timedelta(seconds=draw.randrange(100 * 86_400)) if draw.random() < 0.15 else None
    return row


def _value(table: str, name: str, draw: random.Random) -> Any:
    column = TABLES[table].column(name)
    if not column.required and draw.random() < 0.12:
        return None
    if column.values:
        return draw.choice(column.values)
    if column.type == "boolean":
        return draw.random() < 0.4
    if name == "contact_role":
        return draw.choice(("champion", "sponsor", "user", "buyer"))
    if column.type == "integer":
        low, high = int(column.lower or 0), int(column.upper or 12)
        return draw.randint(low, high)
    if column.type == "number":
        low, high = column.lower or 0.0, column.upper or 900.0
        if name == "sentiment":
            low = -1.0
        if name == "amount":
            low = -200.0
        return round(draw.uniform(low, high), 2)
    if name == "product":
        return draw.choice(("crm", "desk", "flow"))
    return draw.choice(("a", "b", "c"))


def contracts(account: str, draw: random.Random) -> list[Row]:
    """A few contracts with their terms and amendments; some lapse, return, or count no seats."""
    rows = []
    for number in range(draw.choice((1, 1, 2, 3))):
        start = datetime(2021, 6, 1) + DAY * draw.randrange(1200)
        product, kind = (
            draw.choice(("crm", "desk", None)),
            draw.choice(("subscription", "subscription", "maintenance", "service", "order", "fixed_term", None)),
        )
        for _ in range(draw.choice((1, 2, 4))):
            end = start + DAY * draw.choice((180, 365, 365, 730))
            row = {
                "contract_id": f"{account}-{number}",
                "account_id": account,
                "product": product,
                "kind": kind,
                "service_level": draw.choice(("gold", "silver", None)),
                "term_start": start,
                "term_end": None if draw.random() < 0.1 else end,
                "arr": round(draw.uniform(0, 9000), 2) if draw.random() < 0.95 else 0.0,
                "seats": draw.choice((0, 3, 8, 20, None)),
                "auto_renew": draw.choice((True, False, None)),
                "notice_at": end - DAY * 60 if draw.random() < 0.2 else None,
                "available_at": draw.choice((None, start - DAY * 30, start + timedelta(days=20, hours=3))),
            }
            rows.append(row)
            if draw.random() < 0.25:
                cut = {"term_end": start + DAY * 100, "available_at": start + timedelta(days=70, hours=5)}
                rows.append({**row, **cut, "arr": round(row["arr"] / 2, 2)})
            start = end + DAY * draw.choice((0, 0, 0, 45))
    return rows


def random_company(seed: int, accounts: int = 12, rows_each: int = 30, silent: bool = False) -> Rows:
    """All tables of a company. `silent` ends the support feed long before `END`."""
    draw = random.Random(seed)
    names = [f"A{number:02d}" for number in range(accounts)]
    rows: Rows = {name: [] for name in TABLES if name != "usage_events"}
    for account in names:
        late = END - DAY * draw.randrange(900) if draw.random() < 0.2 else None
        rows["accounts"].append(
            {"account_id": account, "segment": draw.choice(("small", "large", None)), "available_at": late}
        )
        rows["contracts"] += contracts(account, draw)
    for name, some in rows.items():
        if name in ("accounts", "contracts"):
            continue
        many = rows_each * (4 if name == "usage_daily" else 1)
        for account in names[:-1]:  # the last account has nothing but contracts
            for _ in range(draw.randrange(many) if draw.random() < 0.9 else 0):
                row = random_row(name, account, len(some), draw)
                some.append(row)
                if name == "usage_daily" and draw.random() < 0.3:
                    some.append({**row, "product": "other"})
        if name == "community_threads":
            some += [{**random_row(name, "", len(some), draw), "account_id": None} for _ in range(5)]
    if silent:
        rows["tickets"] = [row for row in rows["tickets"] if row["opened_at"] < END - DAY * 200]
    return complete(rows)
