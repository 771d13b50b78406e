"""Invoices in advance, a year or a month at a time; some customers pay late, more so as sentiment falls."""

import numpy as np
import polars as pl

from features.simulation.cells import Cells, late, until
from features.simulation.clock import Array, Clock, add_months, seconds
from features.simulation.population import Population

DUE = np.timedelta64(30, "D")


def invoices(rng: np.random.Generator, clock: Clock, people: Population, lived: Cells) -> pl.DataFrame:
    """One row per invoice issued in the observed periods, and a few credits with negative amounts."""
    cell, day = _anniversaries(people, lived)
    n, account = len(cell), lived.account[cell]
    issued = day.astype("datetime64[ms]") + seconds(rng.uniform(0.3, 0.7, n))
    credit = rng.random(n) < 0.01
    amount = np.where(people.monthly_billing[account], lived.arr[cell] / 12, lived.arr[cell])
    amount = np.round(np.where(credit, -0.05, 1.0) * amount, 2)
    delay = rng.normal(-3, 5, n) + rng.exponential(1, n) * np.where(people.slow_payer[account], 22, 3)
    delay += rng.exponential(1, n) * 8 * np.exp(-0.5 * lived.y[cell]) * (rng.random(n) < 0.3)
    due = issued + DUE
    paid = np.maximum(due + seconds(delay), issued + np.timedelta64(1, "h"))
    paid = np.where(rng.random(n) < 0.008, np.datetime64("NaT", "ms"), paid)
    return pl.DataFrame(
        {
            "invoice_id": [f"I{number:07d}" for number in range(1, n + 1)],
            "account_id": people.ids[account],
            "issued_at": issued,
            "due_at": due,
            "paid_at": until(paid, clock.end)[0],
            "amount": amount,
            "available_at": late(rng, issued, 0.03, 4),
        }
    )


def _anniversaries(people: Population, lived: Cells) -> tuple[Array, Array]:
    """(cell, day) of every month or year begun since the account's start, by cell."""
    starts = people.starts[lived.account]
    begun = (lived.first.astype("datetime64[M]") - starts.astype("datetime64[M]")).astype(int)
    cells, days = [], []
    for step in (0, 1):  # a period touches two months at most
        day = add_months(starts, begun + step)
        falls = (day >= lived.first) & (day < lived.first + lived.days.astype("timedelta64[D]"))
        falls &= people.monthly_billing[lived.account] | ((begun + step) % 12 == 0)
        cells.append(np.flatnonzero(falls))
        days.append(day[falls])
    cell, day = np.concatenate(cells), np.concatenate(days)
    order = np.argsort(cell, kind="stable")
    return cell[order], day[order]
