"""Cells: one row per account and period in which the account was a customer; behaviour is drawn per cell."""

from dataclasses import dataclass

import numpy as np

from features.periods import PERIOD_DAYS
from features.simulation.book import Book
from features.simulation.clock import Array, Clock, seconds
from features.simulation.health import Health
from features.simulation.population import Population


@dataclass(frozen=True)
class Cells:
    """All arrays have shape (cells,). `share` is the part of the period lived, `age` days since the first start."""

    account: Array
    period: Array
    first: Array
    days: Array
    share: Array
    age: Array
    seats: Array
    arr: Array
    x: Array
    y: Array
    pressure: Array

    def __len__(self) -> int:
        return len(self.account)


def cells(clock: Clock, people: Population, state: Health, book: Book) -> Cells:
    """The cells of periods 1 … periods, by account and then period."""
    days = (book.lives_to - book.lives_from).astype(int)
    days[:, 0] = 0
    account, period = np.nonzero(days > 0)
    at = (account, period)
    return Cells(
        account=account,
        period=period,
        first=book.lives_from[at],
        days=days[at],
        share=days[at] / PERIOD_DAYS,
        age=(clock.bounds[period] - people.starts[account]).astype(int),
        seats=book.seats[at],
        arr=book.arr[at],
        x=state.x[at],
        y=state.y[at],
        pressure=state.pressure[at],
    )


def customer(clock: Clock, book: Book, account: Array, moment: Array) -> Array:
    """Whether each account is a customer at the moment; true before the first period, which isn't simulated."""
    day = moment.astype("datetime64[D]")
    period = np.clip(np.searchsorted(clock.bounds, day, side="right"), 0, clock.periods)
    lives = (book.lives_from[account, period] <= day) & (day < book.lives_to[account, period])
    return np.asarray(lives | (day < clock.bounds[0]))


def moments(rng: np.random.Generator, lived: Cells, rate: Array) -> tuple[Array, Array]:
    """A Poisson number of moments per cell, `rate` to a whole period, in office hours.

    Returns the cell of each and when it is, both shape (moments,), ordered by cell.
    """
    cell = np.repeat(np.arange(len(lived)), rng.poisson(rate * lived.share))
    day = np.floor(rng.random(len(cell)) * lived.days[cell])
    return cell, lived.first[cell].astype("datetime64[ms]") + seconds(day + rng.uniform(8 / 24, 18 / 24, len(cell)))


def later(rng: np.random.Generator, at: Array, days: Array) -> Array:
    """`at` and an exponential number of days with that mean."""
    return at + seconds(rng.exponential(1.0, len(at)) * days)


def late(rng: np.random.Generator, at: Array, share: float, days: float) -> Array:
    """`available_at`: missing but for a share of rows, which arrive about `days` late."""
    moment = later(rng, at, np.full(len(at), days)) + np.timedelta64(1, "D")
    return np.where(rng.random(len(at)) < share, moment, np.datetime64("NaT", "ms"))


def until(moment: Array, end: object, *values: Array) -> tuple[Array, ...]:
    """`moment` where it lies before `end`, else missing; likewise each of `values`, as floats."""
    known = moment < np.datetime64(end, "ms")  # type: ignore[call-overload]
    return np.where(known, moment, np.datetime64("NaT", "ms")), *(np.where(known, value, np.nan) for value in values)
