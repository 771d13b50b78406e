"""The table `contracts`, from the book."""

import numpy as np
import polars as pl

from features.simulation.book import Book
from features.simulation.clock import Clock
from features.simulation.population import Population


def frame(clock: Clock, people: Population, book: Book) -> pl.DataFrame:
    """The table `contracts` as known at the extract, with the side contracts of accounts that have some.

    An add-on product, and maintenance or service, follow the terms of the main contract: same rows, own contract_id.
    """
    rows = {name: np.concatenate([piece[name] for piece in book.rows]) for name in book.rows[0]}
    main = {"suffix": "A", "product": "atlas", "kind": "subscription", "arr": 1.0, "seats": 1.0}
    sides = [
        (np.ones(len(people), dtype=bool), main),
        (people.addon, {"suffix": "B", "product": "beacon", "kind": "subscription", "arr": 0.25, "seats": 0.4}),
        (people.care == 1, {"suffix": "M", "product": "atlas", "kind": "maintenance", "arr": 0.18, "seats": None}),
        (people.care == 2, {"suffix": "S", "product": "atlas", "kind": "service", "arr": 0.12, "seats": None}),
    ]
    pieces = []
    for has, side in sides:
        mine = {name: values[has[rows["account"]]] for name, values in rows.items()}
        account, seats = mine["account"], side["seats"]
        pieces.append(
            pl.DataFrame(
                {
                    "contract_id": [
                        f"C{a + 1:05d}-{n}{side['suffix']}" for a, n in zip(account, mine["number"], strict=True)
                    ],
                    "account_id": people.ids[account],
                    "product": [side["product"]] * len(account),
                    "kind": [side["kind"]] * len(account),
                    "service_level": people.service_level[account] if seats is None else [None] * len(account),
                    "term_start": mine["term_start"].astype("datetime64[ms]"),
                    "term_end": mine["term_end"].astype("datetime64[ms]"),
                    "arr": np.round(mine["arr"] * side["arr"], 2),
                    "seats": [None] * len(account)
                    if seats is None
                    else np.maximum(1, np.round(mine["seats"] * seats)).astype(int),
                    "auto_renew": people.auto_renew[account],
                    "notice_at": mine["notice_at"],
                    "available_at": mine["available_at"],
                },
                schema_overrides={"service_level": pl.String, "seats": pl.Int64},
            )
        )
    known = pl.col("available_at") < clock.end
    return pl.concat(pieces).filter(known).sort("account_id", "contract_id", "available_at", "term_start")
