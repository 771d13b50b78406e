"""The truth behind the tables, for tests and benchmarks only.

What an oracle would say at each bound: it knows the latent state, the appetites and everything announced (notices,
renewals signed ahead), but not the future. Hazards of later leads are expected paths, not Monte Carlo: slump and
pressure follow their Markov chains exactly; health is taken as normal around its expected path (Gauss-Hermite, 5
nodes), independent between leads, without conditioning on survival. The change of regime is foreseen. Lead 1 is exact.
"""

import numpy as np
import polars as pl

from features.simulation import hazard
from features.simulation.book import IDLE, LEAVING, RENEWED, SILENT, Book
from features.simulation.clock import PERIOD_DAYS, Array, Clock
from features.simulation.health import DEPTH, PHI, PRESSURE, RHO, SIGMA, SLUMP, Health
from features.simulation.population import Population

LEADS = 13
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
HORIZONS = (30, 90, 180, 365)
MONTH = 30.44


def truth(clock: Clock, people: Population, state: Health, book: Book) -> pl.DataFrame:
    """One row per account and bound at which it is a customer.

    `renewal_hazard` is the probability that an annual renewal decided now fails, `next_hazard` that of churn in the
    next period, `churn_lead_k` the cumulative one over k periods, `churn_<d>d` over d days. `churned_at` is the next
    time the account leaves, if it does by the end of the simulated periods.
    """
    rows = [_at(clock, people, state, book, p) for p in range(clock.periods + 1)]
    churned = pl.concat([_churns(people)] + [_churns(people, *churn) for churn in book.churns], how="vertical").sort(
        "churned_at"
    )
    joined = (
        pl.concat(rows)
        .sort("period_end")
        .join_asof(
            churned,
            left_on="period_end",
            right_on="churned_at",
            by="account_id",
            strategy="forward",
            allow_exact_matches=False,
            coalesce=False,
            check_sortedness=False,
        )
    )
    return joined.sort("account_id", "period_end")


def _churns(people: Population, who: Array | None = None, day: Array | None = None, *rest: Array) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {"account_id": pl.String(), "churned_at": pl.Datetime("us"), "reason": pl.String()}
    if who is None or day is None:
        return pl.DataFrame(schema=schema)
    return pl.DataFrame(
        {"account_id": people.ids[who], "churned_at": day.astype("datetime64[us]"), "reason": rest[1]}, schema=schema
    )


def _at(clock: Clock, people: Population, state: Health, book: Book, p: int) -> pl.DataFrame:
    who = np.flatnonzero(book.status[:, p] != IDLE)
    failing = hazard.renewal(hazard.score(people, state, p, p >= clock.regime)[who], np.full(len(who), 12))
    leads = hazards(clock, people, state, book, p, who)
    staying = np.cumprod(1 - leads, axis=1)
    columns: dict[str, object] = {
        "account_id": people.ids[who],
        "period_end": np.full(len(who), clock.bounds[p]).astype("datetime64[us]"),
        "health": state.health[who, p],
        "adoption": state.x[who, p],
        "sentiment": state.y[who, p],
        "renewal_hazard": failing,
        "next_hazard": leads[:, 0],
    }
    columns |= {f"churn_lead_{k + 1}": 1 - staying[:, k] for k in range(LEADS)}
    days = (book.term_end[who, p] - clock.bounds[p]).astype(int)
    for horizon in HORIZONS:
        whole, rest = divmod(horizon, PERIOD_DAYS)
        stays, k = staying[:, whole - 1].copy(), min(whole, LEADS - 1)
        if whole < LEADS:
            in_part = (days > whole * PERIOD_DAYS) & (days <= (whole + 1) * PERIOD_DAYS) & (people.months[who] > 1)
            share = np.where(in_part, days <= horizon, rest / PERIOD_DAYS)
            stays *= 1 - leads[:, k] * share
        columns[f"churn_{horizon}d"] = 1 - stays
    return pl.DataFrame(columns)


def hazards(clock: Clock, people: Population, state: Health, book: Book, p: int, who: Array) -> Array:
    """Probability of churn in each of the 13 leads after bound p, given survival to it; shape (len(who), 13)."""
    out = np.zeros((len(who), LEADS))
    x, y = state.x[who, p].copy(), state.y[who, p].copy()
    slump = np.eye(2)[state.slump[who, p]]
    pressure = np.eye(3)[state.pressure[who, p]]
    status, months = book.status[who, p], people.months[who]
    now = clock.bounds[p]
    days, decides = (book.term_end[who, p] - now).astype(int), (book.decides[who, p] - now).astype(int)
    begun = (now - book.term_start[who, p]).astype(int)
    for lead in range(LEADS):
        if lead:
            slump, pressure = slump @ SLUMP, pressure @ PRESSURE
            x = PHI * x + (1 - PHI) * (people.level_x[who] - DEPTH * slump[:, 1])
            y = PHI * y + (1 - PHI) * (people.level_y[who] - DEPTH * slump[:, 1])
        new_regime = p + lead >= clock.regime
        a, b = float(hazard.adoption_weight(new_regime)), hazard.BETA_Y
        noise = SIGMA**2 * (1 - PHI ** (2 * lead)) / (1 - PHI**2)
        pull = DEPTH * (1 - PHI**lead)
        variance = noise * (a * a + b * b + 2 * RHO * a * b) + np.square((a + b) * pull) * slump[:, 1] * slump[:, 0]
        mean = hazard.standing(people, new_regime, who) - a * x - b * y
        fails, cancels = np.zeros(len(who)), np.zeros(len(who))
        for kind, effect in enumerate(hazard.PRESSURE_EFFECT):
            cancels += pressure[:, kind] * hazard.cancellation(mean + effect, variance)
            for node, weight in zip(NODES, WEIGHTS / WEIGHTS.sum(), strict=True):
                renewal = hazard.renewal(mean + effect + node * np.sqrt(variance), months)
                open_late = hazard.undecided(renewal, people.auto_renew[who])
                fails += pressure[:, kind] * weight * np.where(status == SILENT, open_late, renewal)
        fails = np.where(status == LEAVING, 1.0, np.where(status == RENEWED, 0.0, fails))
        ends = (days > lead * PERIOD_DAYS) & (days <= (lead + 1) * PERIOD_DAYS)
        monthly = fails * (ends if lead == 0 else PERIOD_DAYS / MONTH)
        over = days <= lead * PERIOD_DAYS  # its next term has begun
        quiet = (decides > (lead + 1) * PERIOD_DAYS) & (begun >= PERIOD_DAYS if lead == 0 else True)
        annual = np.where(ends, fails, np.where(quiet | over, cancels, 0.0))
        out[:, lead] = np.where(months == 1, monthly, annual)
    return out
