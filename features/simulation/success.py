"""What customer success does with an account: milestones, objectives and engagements."""

import numpy as np
import polars as pl

from features.simulation.book import Book
from features.simulation.cells import Cells, customer, late, later, moments, until
from features.simulation.clock import Clock, add_months, seconds
from features.simulation.hazard import expit
from features.simulation.health import Health
from features.simulation.population import Population

STEPS = (  # kind, name, planned days after the start, log-odds of ever being reached
    ("onboarding", "kick-off", 7, 4.0),
    ("onboarding", "data connected", 30, 2.5),
    ("onboarding", "first value", 60, 1.8),
    ("onboarding", "rollout complete", 90, 1.2),
    ("training", "administrator course", 45, 1.5),
    ("training", "user course", 75, 0.8),
    ("adoption", "second team live", 180, 0.3),
    ("adoption", "automation in use", 270, -0.2),
    ("certification", "certified administrator", 240, -0.6),
)
KINDS = ("email", "call", "meeting", "qbr", "training", "executive", "onboarding")
COSTS = (8.0, 40.0, 120.0, 400.0, 300.0, 900.0, 250.0)
ROLES = ("user", "administrator", "champion", "buyer")


def milestones(rng: np.random.Generator, clock: Clock, people: Population, state: Health, book: Book) -> pl.DataFrame:
    """Steps planned from the start on; adopters reach more of them, and sooner. None older than two years is kept."""
    step = np.tile(np.arange(len(STEPS)), len(people))
    account = np.repeat(np.arange(len(people)), len(STEPS))
    ahead = np.array([days for _, _, days, _ in STEPS])[step]
    planned = people.starts[account].astype("datetime64[ms]") + seconds(ahead + rng.integers(-3, 4, len(step)) + 0.4)
    at = np.clip(np.searchsorted(clock.bounds, planned), 0, clock.periods)
    x = state.x[account, at]
    reaches = rng.random(len(step)) < expit(np.array([odds for *_, odds in STEPS])[step] + 0.9 * x)
    reached = planned + seconds(
        rng.normal(2, 4, len(step)) + rng.exponential(1, len(step)) * 0.35 * ahead * np.exp(-0.5 * x)
    )
    reached = np.maximum(
        reached, people.starts[account].astype("datetime64[ms]") + seconds(rng.uniform(0.5, 3, len(step)))
    )
    reached = np.where(reaches & customer(clock, book, account, reached), reached, np.datetime64("NaT", "ms"))
    reached, attended = until(reached, clock.end, 1 + rng.poisson(0.25 * people.seats[account]))
    recent = (planned > clock.bounds[0] - np.timedelta64(730, "D")) & (people.starts[account] < clock.bounds[-1])
    frame = pl.DataFrame(
        {
            "account_id": people.ids[account],
            "kind": np.array([kind for kind, *_ in STEPS])[step],
            "name": np.array([name for _, name, *_ in STEPS])[step],
            "planned_at": planned,
            "reached_at": reached,
            "people": pl.Series(attended, nan_to_null=True).cast(pl.Int64),
            "available_at": late(rng, reached, 0.05, 6),
        }
    )
    return frame.filter(pl.Series(recent))


def objectives(rng: np.random.Generator, clock: Clock, people: Population, book: Book, lived: Cells) -> pl.DataFrame:
    """Success plan objectives, agreed about twice a year for three accounts in four, due after half a year."""
    planned = rng.random(len(people)) < 0.75
    cell, created = moments(rng, lived, 0.16 * planned[lived.account])
    account, x, y = lived.account[cell], lived.x[cell], lived.y[cell]
    due = add_months(created.astype("datetime64[M]").astype("datetime64[D]"), 6).astype("datetime64[ms]")
    achieves = rng.random(len(cell)) < expit(0.3 + 0.9 * x + 0.4 * y)
    achieved = later(rng, created + np.timedelta64(20, "D"), 110 * np.exp(-0.4 * x))
    expected = np.round(lived.arr[cell] * rng.uniform(0.2, 0.9, len(cell)), 0)
    realized = np.round(expected * rng.lognormal(0.25 * x - 0.1, 0.35), 0)
    achieves &= customer(clock, book, account, achieved)
    achieved, realized = until(np.where(achieves, achieved, np.datetime64("NaT", "ms")), clock.end, realized)
    frame = pl.DataFrame(
        {
            "account_id": people.ids[account],
            "created_at": created,
            "due_at": due,
            "achieved_at": achieved,
            "weight": rng.choice((1.0, 2.0, 3.0), len(cell)),
            "expected_value": expected,
            "realized_value": pl.Series(realized, nan_to_null=True),
            "available_at": late(rng, created, 0.05, 5),
        }
    ).sort("account_id", "created_at")
    number = pl.int_range(1, pl.len() + 1).over("account_id").cast(pl.String)
    return frame.with_columns(objective_id=pl.lit("O") + number).select(
        "account_id", "objective_id", pl.exclude("account_id", "objective_id")
    )


def engagements(rng: np.random.Generator, people: Population, lived: Cells) -> pl.DataFrame:
    """Touches: more for large accounts and new ones; their tone follows sentiment; champions who left are met less."""
    segment = people.segment[lived.account]
    rate = np.array((2.6, 1.5, 0.6))[segment] * np.exp(0.6 * people.touch[lived.account] - 0.18)
    cell, at = moments(rng, lived, rate * np.where(lived.age < 90, 1.6, 1.0))
    account, y = lived.account[cell], lived.y[cell]
    kind = rng.choice(6, len(cell), p=(0.46, 0.27, 0.15, 0.05, 0.04, 0.03))
    kind = np.where((lived.age[cell] < 90) & (rng.random(len(cell)) < 0.4), 6, kind)
    u = rng.random(len(cell))
    good, bad = expit(-0.4 + 0.9 * y), expit(-1.9 - 0.9 * y)
    role = rng.choice(4, len(cell), p=(0.35, 0.25, 0.3, 0.1))
    absent = (lived.pressure[cell] == 1) & (role == 2) & (rng.random(len(cell)) < 0.6)
    return pl.DataFrame(
        {
            "account_id": people.ids[account],
            "engaged_at": at,
            "kind": np.array(KINDS)[kind],
            "direction": np.where(rng.random(len(cell)) < expit(-0.6 + 0.5 * lived.x[cell]), "inbound", "outbound"),
            "outcome": np.select([u < bad, u > 1 - good], ["negative", "positive"], "neutral"),
            "contact_role": np.array(ROLES)[np.where(absent, 1, role)],
            "cost": np.round(np.array(COSTS)[kind] * rng.lognormal(0, 0.3, len(cell)), 2),
            "available_at": late(rng, at, 0.08, 4),
        }
    )
