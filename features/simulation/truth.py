"""The truth behind the tables, for tests and benchmarks only.

What an oracle would say at each bound: it knows the latent state, the appetites and everything announced (notices,
renewals signed ahead), but not the future. Lead 1 is exact. Hazards of later leads are expectations, not Monte Carlo:
slump and pressure follow their Markov chains and are reweighted by survival; the score is normal given both
(Gauss-Hermite, 5 nodes), its mean shifted by survival. The change of regime is foreseen; silence on a day of decision
still to come is not told apart.
"""

import numpy as np
import polars as pl

from features.periods import PERIOD_DAYS
from features.simulation import hazard
from features.simulation.book import IDLE, LEAVING, RENEWED, SILENT, Book
from features.simulation.clock import Array, Clock
from features.simulation.health import DEPTH, PHI, PRESSURE, RHO, SIGMA, SLUMP, Health
from features.simulation.population import Population

LEADS = 13
NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
SHARES = _WEIGHTS / _WEIGHTS.sum()
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
    """Probability of churn in each of the 13 leads after bound p, given survival to it; shape (len(who), 13).

    `weight` is the probability of each (slump, pressure); `pull` and `square` are the first two moments of how far
    slumps to come have pulled health down, given the slump state; `drift` is how far survival has moved the score.
    """
    out = np.zeros((len(who), LEADS))
    weight = np.zeros((len(who), 2, 3))
    weight[np.arange(len(who)), state.slump[who, p], state.pressure[who, p]] = 1
    pull, square, drift = np.zeros((len(who), 2)), np.zeros((len(who), 2)), np.zeros(len(who))
    x, y = state.x[who, p], state.y[who, p]
    status, months, auto = book.status[who, p], people.months[who], people.auto_renew[who]
    now = clock.bounds[p]
    days, decides = (book.term_end[who, p] - now).astype(int), (book.decides[who, p] - now).astype(int)
    begun = (now - book.term_start[who, p]).astype(int)
    for lead in range(LEADS):
        if lead:
            weight, pull, square = _next(weight, pull, square)
            x = people.level_x[who] + PHI * (x - people.level_x[who])
            y = people.level_y[who] + PHI * (y - people.level_y[who])
            drift = PHI * drift
        new_regime = p + lead >= clock.regime
        a, b = float(hazard.adoption_weight(new_regime)), hazard.BETA_Y
        noise = SIGMA**2 * (1 - PHI ** (2 * lead)) / (1 - PHI**2) * (a * a + b * b + 2 * RHO * a * b)
        mean = hazard.standing(people, new_regime, who) - a * x - b * y + drift
        variance = noise + (a + b) ** 2 * np.maximum(0, square - pull**2)
        centre = mean[:, None, None] + (a + b) * pull[:, :, None] + hazard.PRESSURE_EFFECT
        scores = centre[..., None] + np.sqrt(variance)[:, :, None, None] * NODES
        fails = hazard.renewal(scores, months[:, None, None, None])
        late = hazard.undecided(fails, auto[:, None, None, None])
        fails = np.where((status == SILENT)[:, None, None, None], late, fails)
        fails[status == LEAVING], fails[status == RENEWED] = 1.0, 0.0
        ends = (days > lead * PERIOD_DAYS) & (days <= (lead + 1) * PERIOD_DAYS)
        over = days <= lead * PERIOD_DAYS  # its next term has begun
        quiet = (decides > (lead + 1) * PERIOD_DAYS) & (begun >= PERIOD_DAYS if lead == 0 else True)
        share = np.where(months == 1, ends if lead == 0 else PERIOD_DAYS / MONTH, ends)
        cancels = (months > 1) & ~ends & (quiet | over)
        leaves = share[:, None, None, None] * fails + cancels[:, None, None, None] * hazard.cancellation(scores)
        stays = weight[..., None] * SHARES * (1 - leaves)
        left = np.maximum(stays.sum(axis=(1, 2, 3)), 1e-12)
        out[:, lead] = 1 - stays.sum(axis=(1, 2, 3))
        drift = drift + np.sqrt(noise) * (stays.sum(axis=(1, 2)) @ NODES) / left
        weight = stays.sum(axis=3) / left[:, None, None]
    return np.clip(out, 0, 1)


def _next(weight: Array, pull: Array, square: Array) -> tuple[Array, Array, Array]:
    """One period on: the chains move, and health closes 1 − φ of its distance to where a slump pulls it."""
    joint = np.einsum("nsk,st,kl->nstl", weight, SLUMP, PRESSURE).sum(axis=3)  # from slump state s to t
    weight = np.einsum("nsk,st,kl->ntl", weight, SLUMP, PRESSURE)
    arriving = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-12)
    first, second = np.einsum("nst,ns->nt", arriving, pull), np.einsum("nst,ns->nt", arriving, square)
    step = (1 - PHI) * DEPTH * np.array([0.0, 1.0])
    return weight, PHI * first + step, PHI**2 * second + 2 * PHI * step * first + step**2
