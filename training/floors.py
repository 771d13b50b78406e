"""Floors: what a model version must have proven before it may become champion, read off its receipt.

Every floor is judged with its interval. It *failed* where the whole interval lies on the wrong side, it *passed* where
the figure itself lies on the right one, and between the two it *cannot be told*: a small book has wide intervals, and
being unlucky is no proof of being bad. One is stricter: being better than chance has to be shown.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from training.backtest import MODEL
from training.intervals import Estimate
from training.receipt import Receipt

Outcome = Literal["passed", "failed", "cannot tell"]

TOLD_AT = 90
"""Horizon in days that floors are read at: long enough for outcomes, short enough to be current."""
FEWEST_CHURNS = 20
"""Accounts that must have left before a figure that can't be told speaks against a model."""
CHANCE = 0.5
RED, RED_TIMES = "critical", 3.0
NOT_GREEN_FROM, NOT_GREEN = 60, 2 / 3
GREEN = 0.8
CALIBRATED = (0.85, 1.15)


@dataclass(frozen=True)
class Floor:
    """One floor: its figure with the interval's ends (None where they can't be told), its bound, and a sentence."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    bound: str
    outcome: Outcome
    sentence: str


def floors(receipt: Receipt | None, alarms: Iterable[object] = ()) -> tuple[Floor, ...]:
    """Every floor of a version. Without a receipt only alarms can speak: nothing else has been shown either way."""
    found = [_no_alarm(tuple(map(str, alarms)))]
    if receipt is not None:
        found += [
            _better_than_chance(receipt),
            _red_band(receipt),
            _churners_not_green(receipt),
            _green_share(receipt),
            calibrated(_figure(receipt, "expected_to_actual"), _churns(receipt)),
            _no_segment_worse(receipt),
        ]
    return tuple(found)


def proven(found: Sequence[Floor]) -> bool:
    """Whether the floors show that a version tells who leaves better than chance."""
    return any(floor.name == "better_than_chance" and floor.outcome == "passed" for floor in found)


def failed(found: Sequence[Floor]) -> tuple[Floor, ...]:
    """The floors that failed."""
    return tuple(floor for floor in found if floor.outcome == "failed")


def to_json(found: Sequence[Floor]) -> str:
    """As a tag holds them."""
    return json.dumps([asdict(floor) for floor in found])


def from_json(text: str) -> tuple[Floor, ...]:
    """What `to_json` made."""
    return tuple(Floor(**floor) for floor in json.loads(text))


def calibrated(figure: Estimate, churns: int) -> Floor:
    """As many leave as were expected, within `CALIBRATED`."""
    (low, high), name = CALIBRATED, "expected_to_actual"
    bound = f"{low} to {high}"
    if _nothing(figure) or not churns:
        return _floor(name, figure, bound, "cannot tell", "Nobody was seen to leave.")
    lowest, highest = _ends(figure)
    outcome: Outcome = "passed"
    if not low <= figure.value <= high:
        outcome = "failed" if highest < low or lowest > high else "cannot tell"
    said = f"For each that left it expected {figure.value:.2f}{_between(figure)}"
    said += {"passed": "", "failed": ": not as many as left", "cannot tell": ": off, though within chance"}[outcome]
    return _floor(name, figure, bound, outcome, f"{said}.")


def _no_alarm(alarms: tuple[str, ...]) -> Floor:
    if not alarms:
        return Floor("no_alarm", 0.0, None, None, "0", "passed", "Nothing it learned from knows the future.")
    said = f"Something it learned from may know the future: {alarms[0]}"
    return Floor("no_alarm", float(len(alarms)), None, None, "0", "failed", said)


def _better_than_chance(receipt: Receipt) -> Floor:
    auc, churns = _figure(receipt, "auc"), _churns(receipt)
    lowest, highest = _ends(auc)
    outcome: Outcome = "passed" if lowest > CHANCE else "failed"
    if churns < FEWEST_CHURNS and not highest < CHANCE:
        outcome = "cannot tell"
    if _nothing(auc):
        return _floor("better_than_chance", auc, "above 0.5", outcome, "Nobody was seen to leave: it proves nothing.")
    said = {
        "passed": "better than chance",
        "failed": "no better than chance",
        "cannot tell": f"only {churns} left, too few to tell it from chance",
    }[outcome]
    return _floor("better_than_chance", auc, "above 0.5", outcome, f"AUC {auc.value:.2f}{_between(auc)}: {said}.")


def _red_band(receipt: Receipt) -> Floor:
    red = next((band for band in receipt.bands if band.band == RED), None)
    base, bound = receipt.base_rate.value, f"at least {RED_TIMES:g}"
    if red is None or not red.rows or not base > 0:
        empty = base > 0 and _churns(receipt) >= FEWEST_CHURNS
        said = "No account was ever critical, though accounts left." if empty else "Too few left to tell."
        return _floor("red_band", Estimate(math.nan), bound, "failed" if empty else "cannot tell", said)
    rate = red.churn_rate
    times = Estimate(rate.value / base, rate.low / base, rate.high / base)
    outcome = _at_least(times, RED_TIMES)
    said = f"Critical accounts left {times.value:.1f} times as often as all{_between(times, 1)}{_short(outcome)}."
    return _floor("red_band", times, bound, outcome, said)


def _churners_not_green(receipt: Receipt) -> Floor:
    warned, bound = receipt.warned_at(NOT_GREEN_FROM), "at least 2/3"
    if warned is None or not warned.churns:
        said = "Nobody was seen two months before leaving."
        return _floor("churners_not_green", Estimate(math.nan), bound, "cannot tell", said)
    share = warned.not_green
    outcome = _at_least(share, NOT_GREEN)
    said = (
        f"{share.value:.0%} of {warned.churns} who left were no longer green {warned.from_days} to {warned.to_days} "
        f"days before{_between(share)}{_short(outcome)}."
    )
    return _floor("churners_not_green", share, bound, outcome, said)


def _green_share(receipt: Receipt) -> Floor:
    share, bound = receipt.green, f"at most {GREEN:g}"
    if _nothing(share):
        return _floor("green_share", share, bound, "cannot tell", "No account was scored.")
    outcome: Outcome = "passed" if share.value <= GREEN else "failed" if _ends(share)[0] > GREEN else "cannot tell"
    return _floor("green_share", share, bound, outcome, f"{share.value:.0%} of the book was green{_between(share)}.")


def _no_segment_worse(receipt: Receipt) -> Floor:
    """Against the champion on the same rows: log-loss of each segment, and of the whole book."""
    name, bound = "no_segment_worse", "at least 0, within the interval"
    compared = [found for found in receipt.against_champion if found.days == TOLD_AT]
    if not compared:
        said = "There is no champion, or nothing has matured since it was trained, to compare with."
        return _floor(name, Estimate(math.nan), bound, "cannot tell", said)
    worst = min(compared, key=lambda found: found.difference.high)
    outcome: Outcome = "failed" if worst.difference.high < 0 else "passed"
    where = "in all" if worst.segment is None else f"in segment {worst.segment}"
    said = (
        f"The champion foretells better {where}: log-loss {worst.champion_loss:.4f} against {worst.model_loss:.4f}."
        if outcome == "failed"
        else "In no segment does the champion foretell better beyond chance."
    )
    return _floor(name, worst.difference, bound, outcome, said)


def _floor(name: str, figure: Estimate, bound: str, outcome: Outcome, sentence: str) -> Floor:
    value, low, high = (None if end != end else float(end) for end in (figure.value, figure.low, figure.high))
    return Floor(name, value, low, high, bound, outcome, sentence)


def _figure(receipt: Receipt, name: str) -> Estimate:
    entry = receipt.entry(TOLD_AT, MODEL)
    return Estimate(math.nan) if entry is None else entry.figures[name]


def _churns(receipt: Receipt) -> int:
    entry = receipt.entry(TOLD_AT, MODEL)
    return 0 if entry is None else entry.churns


def _at_least(figure: Estimate, bound: float) -> Outcome:
    if figure.value >= bound:
        return "passed"
    return "failed" if _ends(figure)[1] < bound else "cannot tell"


def _ends(figure: Estimate) -> tuple[float, float]:
    """The interval's ends; the figure itself where it has none."""
    return (figure.value, figure.value) if figure.low != figure.low else (figure.low, figure.high)


def _nothing(figure: Estimate) -> bool:
    return figure.value != figure.value


def _between(figure: Estimate, digits: int = 2) -> str:
    return "" if figure.low != figure.low else f" ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def _short(outcome: Outcome) -> str:
    return {"passed": "", "failed": ": too few", "cannot tell": ": too few, within chance"}[outcome]
