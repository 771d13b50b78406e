"""Who the accounts are: what never changes about them, drawn once."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.simulation.clock import Array, Clock, seconds

SEGMENTS = ("enterprise", "mid_market", "small")
SEGMENT_SHARES = (0.18, 0.37, 0.45)
SEATS = (160.0, 40.0, 9.0)  # median licences
LIST_PRICE = (780.0, 960.0, 1100.0)  # a seat and year
INDUSTRIES = ("manufacturing", "finance", "health", "retail", "public", "software")
REGIONS = ("emea", "amer", "apac")
CHANNELS = ("direct", "partner", "web")
TERMS = (1, 12, 24, 36)  # months
TERM_SHARES = ((0.0, 0.70, 0.12, 0.18), (0.12, 0.76, 0.08, 0.04), (0.38, 0.62, 0.0, 0.0))


@dataclass(frozen=True)
class Population:
    """One entry per account in every array, shape (accounts,).

    `starts` is the day of the first term. `level_x` and `level_y` are the long-run levels of adoption and sentiment;
    `support` and `touch` standard normal appetites for support and for meetings. `instrumented` accounts send usage.
    """

    ids: Array
    segment: Array
    industry: Array
    region: Array
    channel: Array
    owner: Array
    created_at: Array
    starts: Array
    months: Array
    auto_renew: Array
    seats: Array
    price: Array
    level_x: Array
    level_y: Array
    support: Array
    touch: Array
    habit: Array
    instrumented: Array
    addon: Array
    care: Array
    service_level: Array
    monthly_billing: Array
    slow_payer: Array

    def __len__(self) -> int:
        return len(self.ids)

    def frame(self) -> pl.DataFrame:
        """The table `accounts`."""
        return pl.DataFrame(
            {
                "account_id": self.ids,
                "name": [f"Company {number:05d}" for number in range(1, len(self) + 1)],
                "segment": np.array(SEGMENTS)[self.segment],
                "industry": np.array(INDUSTRIES)[self.industry],
                "region": np.array(REGIONS)[self.region],
                "channel": np.array(CHANNELS)[self.channel],
                "owner": [f"csm{number:02d}" for number in self.owner],
                "created_at": self.created_at,
            }
        )


def population(rng: np.random.Generator, clock: Clock, accounts: int) -> Population:
    """Draw the accounts: 55 % are customers before the first period, the others arrive evenly over the periods."""
    first, span = clock.bounds[0], clock.periods * 28
    segment = rng.choice(3, accounts, p=SEGMENT_SHARES)
    age = np.where(rng.random(accounts) < 0.55, -rng.integers(0, 3 * 365, accounts), rng.integers(1, span, accounts))
    starts = first + age.astype("timedelta64[D]")
    month = starts.astype("datetime64[M]").astype("datetime64[D]")
    day_of_month = np.minimum((starts - month).astype(int), 27)
    starts = month + np.where(rng.random(accounts) < 0.4, 0, day_of_month).astype("timedelta64[D]")
    months = np.zeros(accounts, dtype=int)
    for number, shares in enumerate(TERM_SHARES):
        of_segment = segment == number
        months[of_segment] = rng.choice(TERMS, int(of_segment.sum()), p=shares)
    owners = min(40, max(8, accounts // 60))
    channel = np.where(segment == 2, rng.choice(3, accounts, p=(0.3, 0.25, 0.45)), rng.integers(0, 2, accounts))
    return Population(
        ids=np.array([f"A{number:05d}" for number in range(1, accounts + 1)]),
        segment=segment,
        industry=rng.integers(0, len(INDUSTRIES), accounts),
        region=rng.choice(3, accounts, p=(0.5, 0.35, 0.15)),
        channel=channel,
        owner=rng.integers(1, owners + 1, accounts),
        created_at=starts.astype("datetime64[ms]") - seconds(rng.uniform(31, 200, accounts)),
        starts=starts,
        months=months,
        auto_renew=rng.random(accounts) < np.where(months == 1, 1.0, 0.6),
        seats=np.clip(np.array(SEATS)[segment] * rng.lognormal(0, 0.6, accounts), 2, 3000).astype(int),
        price=np.round(np.array(LIST_PRICE)[segment] * rng.uniform(0.65, 1.0, accounts), 2),
        level_x=rng.normal(0.15, 0.45, accounts),
        level_y=rng.normal(0.15, 0.45, accounts),
        support=rng.normal(0, 1, accounts),
        touch=rng.normal(0, 1, accounts),
        habit=rng.normal(0, 0.4, accounts),
        instrumented=rng.random(accounts) < 0.88,
        addon=rng.random(accounts) < np.array((0.45, 0.25, 0.08))[segment],
        care=rng.choice(3, accounts, p=(0.7, 0.2, 0.1)),
        service_level=rng.choice(("basic", "gold", "platinum"), accounts, p=(0.5, 0.35, 0.15)),
        monthly_billing=(months == 1) | (rng.random(accounts) < 0.2),
        slow_payer=rng.random(accounts) < 0.15,
    )
