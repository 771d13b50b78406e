"""The change ledger: why an account's score is another than it was, split exactly.

Between two scores lie **steps**: a signal that moved, a table that stopped or came back, time that passed, a contract
that changed, a scorecard, a reference, a model version. The steps are taken one by one in the catalogue's order, and
once more in reverse; an entry is the average of its two differences. That is Shapley's value where effects interact in
pairs (L. S. Shapley, A value for n-person games, 1953), sums exactly whatever the model is, and turns its sign when the
two scores change places. Bands are drawn from health and have no step of their own.

What came late is told first, where the earlier moment is given as known today: from what was known then to that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.catalogue import CATALOGUE
from training.model import words
from training.model.feeds import made_of
from training.model.path import FIGURES, Floats, Scored, along
from training.model.snapshot import Snapshot, days_between, number

NOTHING = 1e-12
"""Points, or probability, up to which a difference is one of rounding."""
Kind = Literal["signal", "data", "contract", "configuration", "model", "clock", "clipping"]


@dataclass(frozen=True)
class Entry:
    """What one step did to health (points) and to the risks within 90 and 365 days (probabilities)."""

    kind: Kind
    name: str
    health: float
    risk_90d: float
    risk_365d: float
    words: str


@dataclass(frozen=True)
class Ledger:
    """`before` and `after` hold the scores' `FIGURES`; the entries, the largest first, add up to the difference."""

    before: dict[str, float]
    after: dict[str, float]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class _Step:
    """What changes at once: `slots` are signals, facts or parts of the model (`training.model.path`)."""

    kind: Kind
    name: str
    slots: tuple[str, ...]
    words: str


def ledger(before: Scored, after: Scored, restated: Snapshot | None = None) -> Ledger:
    """The ledger between two scores of an account.

    `restated` is the earlier moment as known today, with data that has come late since. Steps without any effect are
    left out. Where health is clipped to 0–100, the part of its difference that this hides has an entry of its own.
    """
    start = before if restated is None else replace(before, snapshot=restated)
    first, last, steps = _split(start, after)
    if start is not before:
        first, _, late = _split(before, start)
        steps += [(replace(step, kind="data", words=f"Came late: {step.words}"), by) for step, by in late]
    entries = [_entry(step, by) for step, by in steps]
    entries.sort(key=lambda entry: (-abs(entry.health), -abs(entry.risk_365d), entry.name))
    served = [np.array([np.clip(end[0], 0.0, 100.0), *end[1:]]) for end in (first, last)]
    hidden = (served[1] - served[0]) - (last - first)
    if hidden.any():
        entries.append(_entry(_Step("clipping", "health", (), "Health ends at 0 and at 100"), hidden))
    then, now = (dict(zip(FIGURES, end.tolist(), strict=True)) for end in served)
    return Ledger(then, now, tuple(entries))


def _split(before: Scored, after: Scored) -> tuple[Floats, Floats, list[tuple[_Step, Floats]]]:
    """`FIGURES` of both sides, health unclipped, and what each step with an effect does to them: both orders' mean."""
    steps = list(_steps(before, after))
    slots = [slot for step in steps for slot in step.slots]
    of_step = np.array([[slot in step.slots for slot in slots] for step in steps]).reshape(len(steps), len(slots))
    none = np.zeros((1, len(slots)), dtype=bool)
    orders = [np.vstack([none, np.logical_or.accumulate(order)]) for order in (of_step, of_step[::-1])]
    one_way, other_way = np.split(along(before, after, slots, np.vstack(orders)), 2)
    mean = (np.diff(one_way, axis=0) + np.diff(other_way, axis=0)[::-1]) / 2.0
    effects = [(step, by) for step, by in zip(steps, mean, strict=True) if np.abs(by).max() > NOTHING]
    return one_way[0], one_way[-1], effects


def _steps(before: Scored, after: Scored) -> Iterator[_Step]:
    """What differs, in the catalogue's order, then the facts, then the model."""
    old, new = before.snapshot, after.snapshot
    used = {*before.model.card.signals, *after.model.card.signals}
    names = [name for name in CATALOGUE if name in used]
    was, now = (side.accounts(names).values[0] for side in (old, new))
    moved = {
        name: (number(old.signals.get(name)), number(new.signals.get(name)))
        for name, a, b in zip(names, was, now, strict=True)
        if a != b and not (np.isnan(a) and np.isnan(b))
    }
    elapsed = days_between(old.as_of, new.as_of)
    yield from _tables(moved, names, was, now)
    for name, (value, then) in moved.items():
        ages = name == "tenure_days" and abs(then - value - elapsed) < 1.0
        kind: Kind = "clock" if ages else "data" if np.isnan(value) or np.isnan(then) else "signal"
        yield _Step(kind, name, (name,), _moved(name, value, then))
    yield from _facts(old, new, elapsed)
    yield from _parts(before, after)


def _tables(
    moved: dict[str, tuple[float, float]], names: list[str], was: NDArray[np.float32], now: NDArray[np.float32]
) -> Iterator[_Step]:
    """Tables that stopped or came back for the account, each with its signals, which are taken out of `moved`."""
    for table in words.FEEDS:
        alone = made_of(table, tuple(names))
        told, tells = (not np.isnan(values[alone]).all() for values in (was, now))
        if told != tells:
            slots = tuple(name for name in moved if table in CATALOGUE[name].tables)
            for name in slots:
                del moved[name]
            yield _Step("data", table, slots, f"{words.feed(table)} has come" if tells else words.no_data(table))


def _moved(name: str, value: float, then: float) -> str:
    signal = CATALOGUE[name]
    return f"{words.subject(signal)}: {words.known(signal, then)}, before: {words.known(signal, value)}"


def _facts(old: Snapshot, new: Snapshot, elapsed: float) -> Iterator[_Step]:
    if elapsed:
        nearer = "nearer" if elapsed > 0 else "further off"
        yield _Step("clock", "renewal", ("as_of",), f"The renewal is {words.days(abs(elapsed))} {nearer}")
    if old.renewal_at != new.renewal_at:
        dates = [f"{at:%Y-%m-%d}" if at else "open-ended" for at in (new.renewal_at, old.renewal_at)]
        yield _Step("contract", "renewal_at", ("renewal_at",), f"Renewal: {dates[0]}, before: {dates[1]}")
    if old.term_days != new.term_days:
        terms = [words.days(term) if term else "open-ended" for term in (new.term_days, old.term_days)]
        yield _Step("contract", "term_days", ("term_days",), f"Length of the term: {terms[0]}, before: {terms[1]}")
    if old.segment != new.segment:
        segments = [segment or "unknown" for segment in (new.segment, old.segment)]
        yield _Step("contract", "segment", ("segment",), f"Segment: {segments[0]}, before: {segments[1]}")


def _parts(before: Scored, after: Scored) -> Iterator[_Step]:
    old, new = before.model, after.model
    if old.churn.scorecard != new.churn.scorecard:
        yield _Step("configuration", "scorecard", ("scorecard",), "Another scorecard")
    if old.card.reference != new.card.reference:
        yield _Step("configuration", "reference", ("reference",), "Another account stands for health 50")
    if old is not new:
        versions = [f"version {side.version}" if side.version else "a version without name" for side in (after, before)]
        yield _Step("model", "model", ("model",), f"The model is {versions[0]}, before: {versions[1]}")


def _entry(step: _Step, by: Floats) -> Entry:
    health, risk_90d, risk_365d = by.tolist()
    told = f"{step.words}. {_effect(health, risk_90d, risk_365d)}"
    return Entry(step.kind, step.name, health, risk_90d, risk_365d, told)


def _effect(health: float, risk_90d: float, risk_365d: float) -> str:
    """What it does to health or, where that is next to nothing, to the risk that it changes most."""
    risk, within = max((abs(risk_90d), "90 days"), (abs(risk_365d), "a year"))
    if abs(health) >= words.LEAST_SHOWN or 100.0 * risk < words.LEAST_SHOWN:
        return words.effect(health)
    raises = (risk_90d if within == "90 days" else risk_365d) > 0
    by = f"{words.plain(100.0 * risk, 1)} percentage points"
    return f"{'Raises' if raises else 'Lowers'} the risk within {within} by {by}."
