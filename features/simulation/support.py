"""What goes wrong and gets fixed: tickets and incidents."""

import numpy as np
import polars as pl

from features.simulation.cells import Cells, late, later, moments, until
from features.simulation.clock import Clock
from features.simulation.hazard import expit
from features.simulation.population import REGIONS, Population

CATEGORIES = ("defect", "how_to", "request", "billing", "other")
CHANNELS = ("portal", "email", "phone", "chat", "social", "community")
MISSING = np.datetime64("NaT", "ms")


def tickets(rng: np.random.Generator, clock: Clock, people: Population, lived: Cells) -> pl.DataFrame:
    """Requests, by size and appetite; defects grow as sentiment falls, how-to questions with adoption."""
    appetite = np.exp(0.75 * people.support[lived.account] - 0.28)
    size = np.sqrt(lived.seats) * 0.16 * appetite * np.where(lived.age < 90, 1.5, 1.0)
    weights = np.stack(
        [
            0.30 * np.exp(-0.35 * lived.y),
            0.38 * np.exp(0.20 * lived.x),
            np.full(len(lived), 0.17),
            0.09 * (1 + (lived.pressure == 2)),
            np.full(len(lived), 0.06),
        ]
    )
    cell, opened = moments(rng, lived, size * weights.sum(axis=0))
    shares = (weights / weights.sum(axis=0)).cumsum(axis=0)[:4, cell]
    category = (rng.random(len(cell)) >= shares).sum(axis=0)
    y, n = lived.y[cell], len(cell)
    defect = category == 0
    severity = np.clip(4 - rng.binomial(3, np.where(defect, expit(-0.6 - 0.2 * y), 0.2)), 1, 4)
    channel = rng.choice(6, n, p=(0.38, 0.30, 0.14, 0.12, 0.03, 0.03))
    answered = later(rng, opened, np.array((0.1, 0.25, 0.5, 0.8))[severity - 1])
    days = np.where(defect, 6.0, 2.0) * np.array((0.6, 0.9, 1.0, 1.3))[severity - 1]
    first = rng.random(n) < np.where(defect, 0.12, 0.45)
    closed = np.where(first, answered, later(rng, answered, days * np.exp(-0.15 * y)))
    closed = np.where(rng.random(n) < 0.02, MISSING, closed)
    rates = rng.random(n) < 0.35
    csat = np.clip(np.round(3.9 + 0.55 * y - 0.35 * defect + rng.normal(0, 0.8, n)), 1, 5)
    flags = [rng.random(n) < expit(odds - 0.5 * y) for odds in (-3.2 + 1.2 * defect, -2.8)]
    cost = np.round((6 + 9 * np.where(first, 0.3, 1.0) * days * rng.lognormal(0, 0.4, n)), 2)
    answered, *_ = until(answered, clock.end)
    closed, escalated, reopened, first, csat, cost = until(
        closed, clock.end, *flags, first, np.where(rates, csat, np.nan), cost
    )
    return pl.DataFrame(
        {
            "ticket_id": [f"T{number:07d}" for number in range(1, n + 1)],
            "account_id": people.ids[lived.account[cell]],
            "opened_at": opened,
            "first_response_at": answered,
            "closed_at": closed,
            "category": np.array(CATEGORIES)[category],
            "severity": severity,
            "channel": np.array(CHANNELS)[channel],
            "escalated": pl.Series(escalated, nan_to_null=True).cast(pl.Boolean),
            "reopened": pl.Series(reopened, nan_to_null=True).cast(pl.Boolean),
            "first_contact": pl.Series(first, nan_to_null=True).cast(pl.Boolean),
            "csat": pl.Series(csat, nan_to_null=True),
            "cost": pl.Series(cost, nan_to_null=True),
            "available_at": late(rng, opened, 0.06, 3),
        }
    )


def incidents(rng: np.random.Generator, clock: Clock, people: Population, lived: Cells) -> pl.DataFrame:
    """Outages of a region, about one in two periods, felt by most of its customers; a few of single accounts."""
    span = clock.periods * 28 * 86_400
    count = rng.poisson(clock.periods * 0.5, len(REGIONS))
    pieces = []
    for region, outages in enumerate(count):
        for start in np.sort(rng.integers(0, span, outages)):
            begin = clock.bounds[0].astype("datetime64[ms]") + np.timedelta64(int(start), "s")
            day = begin.astype("datetime64[D]")
            on = (lived.first <= day) & (day < lived.first + lived.days.astype("timedelta64[D]"))
            who = lived.account[on & (people.region[lived.account] == region)]
            who = who[rng.random(len(who)) < 0.7]
            pieces.append((who, np.full(len(who), begin), np.full(len(who), rng.integers(1, 5))))
    cell, at = moments(rng, lived, np.full(len(lived), 0.03))
    pieces.append((lived.account[cell], at, rng.integers(2, 5, len(cell))))
    who, started, severity = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    ended = later(rng, started, np.array((0.30, 0.2, 0.1, 0.05))[severity - 1])
    return pl.DataFrame(
        {
            "account_id": people.ids[who],
            "started_at": started,
            "ended_at": until(ended, clock.end)[0],
            "severity": severity,
            "available_at": late(rng, started, 0.03, 2),
        }
    )
