"""What customers say: answers to surveys, and threads in the community."""

import numpy as np
import polars as pl

from features.simulation.cells import Cells, late, later, moments, until
from features.simulation.clock import Clock
from features.simulation.hazard import expit
from features.simulation.population import Population

ROLES = ("user", "administrator", "champion", "buyer")
FORUMS = ("questions", "ideas", "showcase", "public")


def surveys(rng: np.random.Generator, people: Population, lived: Cells) -> pl.DataFrame:
    """NPS, CSAT and perceived impact; the unhappy answer less often, and single answers are noisy."""
    size = np.array((0.30, 0.20, 0.10))[people.segment[lived.account]]
    cell, at = moments(rng, lived, size * expit(1.0 + 0.5 * lived.y) * 1.4)
    x, y, noise = lived.x[cell], lived.y[cell], rng.normal(0, 1, len(cell))
    kind = rng.choice(3, len(cell), p=(0.5, 0.35, 0.15))
    nps = np.clip(np.round(7.2 + 1.3 * y + 1.6 * noise), 0, 10)
    csat = np.clip(np.round(3.8 + 0.5 * y + 0.8 * noise), 1, 5)
    impact = np.round(np.tanh(0.25 + 0.4 * x + 0.25 * y + 0.5 * noise), 2)
    return pl.DataFrame(
        {
            "account_id": people.ids[lived.account[cell]],
            "responded_at": at,
            "kind": np.array(("nps", "csat", "impact"))[kind],
            "score": np.choose(kind, (nps, csat, impact)),
            "respondent_role": np.array(ROLES)[rng.choice(4, len(cell), p=(0.45, 0.25, 0.2, 0.1))],
            "available_at": late(rng, at, 0.05, 7),
        }
    )


def community_threads(rng: np.random.Generator, clock: Clock, people: Population, lived: Cells) -> pl.DataFrame:
    """Threads of accounts that use the community, and public posts whose author isn't known to be a customer."""
    member = rng.random(len(people)) < 0.6
    rate = 0.05 * np.sqrt(lived.seats) ** 0.7 * member[lived.account] * np.exp(0.2 * lived.x)
    cell, opened = moments(rng, lived, rate)
    n = len(cell)
    y, forum = lived.y[cell], rng.choice(4, n, p=(0.6, 0.15, 0.1, 0.15))
    unknown = (forum == 3) & (rng.random(n) < 0.6)
    question = forum == 0
    known = rng.random(n) < 0.4
    by = rng.choice(3, n, p=(0.55, 0.3, 0.15))
    resolved = np.where((by == 2) | ~question, np.datetime64("NaT", "ms"), later(rng, opened, np.full(n, 3.0)))
    documented = known & (rng.random(n) < 0.7)
    new, deflected = rng.random(n) < 0.1, (by == 0) & known & (rng.random(n) < 0.8)
    answer = until(resolved, clock.end, known, documented, new, deflected)
    truths = [pl.Series(values, nan_to_null=True).cast(pl.Boolean) for values in answer[1:]]
    frame = pl.DataFrame(
        {
            "thread_id": [f"H{number:07d}" for number in range(1, n + 1)],
            "account_id": pl.Series(people.ids[lived.account[cell]]).set(pl.Series(unknown), None),
            "forum": np.array(FORUMS)[forum],
            "opened_at": opened,
            "product_related": rng.random(n) < 0.85,
            "severity": pl.Series(rng.integers(1, 5, n)).set(pl.Series(~question), None),
            "sentiment": np.round(np.clip(0.1 + 0.25 * y + rng.normal(0, 0.35, n), -1, 1), 2),
            "known_answer": truths[0],
            "in_knowledge_base": truths[1],
            "new_issue": truths[2],
            "resolved_at": answer[0],
            "resolved_by": np.array(("community", "agent", "nobody"))[by],
            "deflected": truths[3],
            "answers_given": rng.poisson(0.5 * np.exp(0.4 * lived.x[cell])),
            "entitled": people.care[lived.account[cell]] > 0,
            "available_at": late(rng, opened, 0.04, 5),
        }
    )
    by_whom = pl.when(pl.col("resolved_at").is_not_null()).then("resolved_by")
    return frame.with_columns(resolved_by=by_whom)
