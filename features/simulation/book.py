"""The book of contracts, walked forward period by period, every decision a row that is never edited.

Within `(bounds[p], bounds[p+1]]`, with the score at bound p:

1. quiet terms are cancelled, expanded or contracted (an amendment row);
2. terms whose day of decision (7 to 60 days before their end) falls here are renewed ahead, get a notice, or stay open;
3. terms that end here end, or go on with a new row (8 % are signed up to 25 days late);
4. new accounts, and some who had left, start.
"""

from dataclasses import dataclass, field

import numpy as np

from features.simulation import hazard
from features.simulation.clock import Array, Clock, add_months, seconds
from features.simulation.health import PRESSURES, Health
from features.simulation.population import Population

IDLE, OPEN, SILENT, RENEWED, LEAVING = range(5)
"""No contract; undecided; decision day passed in silence; renewed ahead; notice given."""

NEVER = np.datetime64("9999-01-01", "D")


@dataclass
class Book:
    """What the walk leaves behind. Paths have shape (accounts, periods + 1).

    `status`, `term_start`, `term_end` and `decides` are as they stand at each bound; `lives_from` and `lives_to` (first
    day after) bound the part of each period in which the account was a customer, `seats` and `arr` are those of that
    part. `rows` are pieces of the contract table, `churns` are (account, day, bound of decision, reason).
    """

    status: Array
    term_start: Array
    term_end: Array
    decides: Array
    lives_from: Array
    lives_to: Array
    seats: Array
    arr: Array
    rows: list[dict[str, Array]] = field(default_factory=list)
    churns: list[tuple[Array, Array, Array, Array]] = field(default_factory=list)


@dataclass
class _Terms:
    """Where every account stands now, shape (accounts,)."""

    status: Array
    number: Array
    start: Array
    end: Array
    decides: Array
    seats: Array
    price: Array
    next_seats: Array
    next_price: Array
    raised: Array
    starts: Array


class _Walk:
    """One walk through the periods."""

    def __init__(self, rng: np.random.Generator, clock: Clock, people: Population, state: Health) -> None:
        self.rng, self.clock, self.people, self.state = rng, clock, people, state
        size, shape = len(people), (len(people), clock.periods + 1)
        days = [np.full(shape, clock.bounds[0]) for _ in range(5)]
        status, seats = np.zeros(shape, dtype=np.int8), np.zeros(shape, dtype=int)
        self.book = Book(status, days[0], days[1], days[2], days[3], days[4], seats, np.zeros(shape))
        none = np.zeros(size, dtype=int)
        self.now = _Terms(
            status=none.copy(),
            number=none.copy(),
            start=people.starts.copy(),
            end=people.starts.copy(),
            decides=people.starts.copy(),
            seats=people.seats.copy(),
            price=people.price.copy(),
            next_seats=people.seats.copy(),
            next_price=people.price.copy(),
            raised=np.zeros(size, dtype=bool),
            starts=people.starts.copy(),
        )

    def run(self) -> Book:
        bounds = self.clock.bounds
        self._begin(self.now.starts <= bounds[0], bounds[0])
        for p in range(self.clock.periods):
            self._note(p)
            self._step(p, bounds[p], bounds[p + 1])
        self._note(self.clock.periods)
        return self.book

    def _note(self, p: int) -> None:
        now, book = self.now, self.book
        book.status[:, p], book.decides[:, p] = now.status, now.decides
        book.term_start[:, p], book.term_end[:, p] = now.start, now.end

    def _step(self, p: int, begin: np.datetime64, end: np.datetime64) -> None:
        now, book, u = self.now, self.book, self.rng.random((4, len(self.people)))
        new_regime = p >= self.clock.regime
        score = hazard.score(self.people, self.state, p, new_regime)
        failing = hazard.renewal(score, self.people.months)
        live = now.status != IDLE
        book.lives_from[live, p + 1], book.lives_to[live, p + 1] = begin, end
        book.seats[:, p + 1], book.arr[:, p + 1] = now.seats, np.round(now.seats * now.price, 2)

        settled = now.start <= begin - np.timedelta64(28, "D")  # a renewal signed late is known by now
        quiet = (now.status == OPEN) & (now.decides > end) & (self.people.months > 1) & settled
        gone = quiet & (u[0] < hazard.cancellation(score))
        self._cancel(gone, begin)
        self._amend(quiet & ~gone, begin, u[1], p)
        self._decide((now.status == OPEN) & (now.decides > begin) & (now.decides <= end) & live, failing, u[2], p)
        ending = live & (now.end > begin) & (now.end <= end) & ~gone
        late = hazard.undecided(failing, self.people.auto_renew)
        fails = np.select(
            [now.status == LEAVING, now.status == RENEWED, now.status == SILENT], [1.0, 0.0, late], failing
        )
        gone |= ending & (u[3] < fails)
        self._sign(ending & ~gone & (now.status != RENEWED), begin, p)
        self._roll(ending & ~gone)
        self._leave(gone, p)
        born = (now.status == IDLE) & (now.starts > begin) & (now.starts <= end)
        book.lives_from[born, p + 1], book.lives_to[born, p + 1] = now.starts[born], end
        self._begin(born, begin)
        book.seats[born, p + 1], book.arr[born, p + 1] = now.seats[born], np.round((now.seats * now.price)[born], 2)

    def _write(self, who: Array, at: Array, start: Array, end: Array, seats: Array, price: Array, notice: bool) -> None:
        self.book.rows.append(
            {
                "account": who,
                "number": self.now.number[who],
                "term_start": start,
                "term_end": end,
                "arr": np.round(seats * price, 2),
                "seats": seats,
                "notice_at": at if notice else np.full(len(who), np.datetime64("NaT", "ms")),
                "available_at": at,
            }
        )

    def _as_is(self, who: Array, at: Array, notice: bool = False) -> None:
        now = self.now
        self._write(who, at, now.start[who], now.end[who], now.seats[who], now.price[who], notice)

    def _begin(self, mask: Array, begin: np.datetime64) -> None:
        """First terms, with the earlier terms of accounts that began before the first period."""
        now, rng = self.now, self.rng
        who = np.flatnonzero(mask)
        now.number[who] += 1
        now.start[who], now.status[who] = now.starts[who], OPEN
        now.end[who] = add_months(now.start[who], self.people.months[who])
        signed = now.start[who].astype("datetime64[ms]") - seconds(rng.exponential(6, len(who)).clip(0.1, 30))
        while len(who):
            self._as_is(who, signed)
            over = now.end[who] <= begin
            who, signed = who[over], signed[over]
            now.start[who] = now.end[who]
            now.end[who] = add_months(now.start[who], self.people.months[who])
            signed = now.start[who].astype("datetime64[ms]") - seconds(
                rng.uniform(0, 1, len(who)) * np.where(self.people.months[who] > 1, 30, 3)
            )
        self._plan(np.flatnonzero(mask))

    def _plan(self, who: Array) -> None:
        """Draw the day of decision of a term that has just begun; monthly ones decide on the last day."""
        ahead = np.where(self.people.months[who] > 1, self.rng.integers(7, 61, len(who)), 0)
        self.now.decides[who] = np.where(ahead > 0, self.now.end[who] - ahead.astype("timedelta64[D]"), NEVER)

    def _cancel(self, mask: Array, begin: np.datetime64) -> None:
        who = np.flatnonzero(mask)
        at = begin.astype("datetime64[ms]") + seconds(self.rng.uniform(0.1, 13, len(who)))
        self.now.end[who] = at.astype("datetime64[D]") + self.rng.integers(1, 15, len(who)).astype("timedelta64[D]")
        self._as_is(who, at)

    def _amend(self, mask: Array, begin: np.datetime64, u: Array, p: int) -> None:
        """More or fewer seats before the term ends."""
        now, rng = self.now, self.rng
        grows = 0.012 * np.exp(0.6 * self.state.x[:, p])
        shrinks = 0.003 * np.exp(-0.6 * self.state.x[:, p])
        who = np.flatnonzero(mask & ((u < grows) | (u > 1 - shrinks)))
        up = u[who] < 0.5
        factor = np.where(up, rng.uniform(1.05, 1.4, len(who)), rng.uniform(0.6, 0.93, len(who)))
        now.seats[who] = np.maximum(
            2, np.where(up, np.ceil(now.seats[who] * factor), np.floor(now.seats[who] * factor))
        ).astype(int)
        self._as_is(who, begin.astype("datetime64[ms]") + seconds(rng.uniform(0.1, 27, len(who))))

    def _decide(self, due: Array, failing: Array, u: Array, p: int) -> None:
        """Notice, a renewal signed ahead, or silence."""
        now, auto = self.now, self.people.auto_renew.astype(int)
        notice = due & (u < hazard.NOTICE[auto] * failing)
        ahead = due & (u > 1 - hazard.SIGNED[auto] * (1 - failing))
        now.status[due] = SILENT
        now.status[notice], now.status[ahead] = LEAVING, RENEWED
        for mask in (notice, ahead):
            who = np.flatnonzero(mask)
            at = now.decides[who].astype("datetime64[ms]") - seconds(self.rng.uniform(0.2, 0.6, len(who)))
            if mask is notice:
                self._as_is(who, at, notice=True)
            else:
                self._renew(who, at, p)

    def _sign(self, mask: Array, begin: np.datetime64, p: int) -> None:
        """Renewals agreed within this period, some signed late; monthly terms go on by themselves."""
        who = np.flatnonzero(mask)
        end, months = self.now.end[who], self.people.months[who]
        since = np.where(months > 1, np.minimum((end - begin).astype(int), 7), 0) * self.rng.uniform(0, 0.99, len(who))
        tardy = (self.rng.random(len(who)) < 0.08) & (months > 1)
        days = np.where(tardy, self.rng.uniform(1, 25, len(who)), -since)
        self._renew(who, end.astype("datetime64[ms]") + seconds(days), p)

    def _renew(self, who: Array, at: Array, p: int) -> None:
        """The row of the next term: seats by health, prices up 3 % for half, 12 % once after the regime change."""
        now, rng, months = self.now, self.rng, self.people.months[who]
        health = self.state.health[who, p]
        u, often = rng.random(len(who)), np.where(months > 1, 1.0, 0.08)
        shrinks = u < often * hazard.expit(-2.2 - 1.0 * health)
        grows = u > 1 - often * 0.5 * hazard.expit(-0.3 + 0.9 * health)
        seats = now.seats[who]
        seats = np.where(shrinks, np.floor(seats * rng.uniform(0.55, 0.93, len(who))), seats)
        seats = np.where(grows, np.ceil(seats * rng.uniform(1.05, 1.4, len(who))), seats)
        raised = (p >= self.clock.regime) & (self.people.segment[who] == hazard.PRICE_SEGMENT) & ~now.raised[who]
        now.raised[who] |= raised
        usual = np.where((rng.random(len(who)) < 0.5) & (months > 1), 1.03, 1.0)
        now.next_seats[who] = np.maximum(2, seats).astype(int)
        now.next_price[who] = now.price[who] * np.where(raised, 1.12, usual)
        end = add_months(now.end[who], months)
        self._write(who, at, now.end[who], end, now.next_seats[who], now.next_price[who], False)

    def _roll(self, mask: Array) -> None:
        now, who = self.now, np.flatnonzero(mask)
        now.start[who] = now.end[who]
        now.end[who] = add_months(now.start[who], self.people.months[who])
        now.seats[who], now.price[who], now.status[who] = now.next_seats[who], now.next_price[who], OPEN
        self._plan(who)

    def _leave(self, mask: Array, p: int) -> None:
        now, state, rng = self.now, self.state, self.rng
        who = np.flatnonzero(mask)
        pressure = state.pressure[who, p]
        low = (state.slump[who, p] == 1) | (state.health[who, p] < -0.7)
        priced = (p >= self.clock.regime) & (self.people.segment[who] == hazard.PRICE_SEGMENT)
        reason = np.select([pressure > 0, low, priced], [np.array(PRESSURES)[pressure], "decline", "price"], "poor_fit")
        self.book.churns.append((who, now.end[who], np.full(len(who), p), reason))
        self.book.lives_to[who, p + 1] = now.end[who]
        now.status[who] = IDLE
        gap = rng.integers(45, 300, len(who)).astype("timedelta64[D]")
        back = (now.end[who] + gap).astype("datetime64[M]").astype("datetime64[D]") + np.timedelta64(14, "D")
        returns = rng.random(len(who)) < 0.10
        now.starts[who] = np.where(returns, np.maximum(back, now.end[who] + np.timedelta64(35, "D")), NEVER)


def walk(rng: np.random.Generator, clock: Clock, people: Population, state: Health) -> Book:
    """Walk the whole book."""
    return _Walk(rng, clock, people, state).run()
