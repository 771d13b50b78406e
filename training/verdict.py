"""The verdict: what a receipt says, in sentences a leader can read and an analyst can check."""

from collections.abc import Iterator, Sequence

from training.intervals import Estimate
from training.receipt import Comparison, Receipt

TOLD_AT = 90
"""Horizon in days of which the sentences speak where they name only one."""
FEW_CHURNS = 50
PERCENT = "\N{NO-BREAK SPACE}%"


def verdict(receipt: Receipt) -> tuple[str, ...]:
    """Sentences, the comparison with the anchors first; what can't be told is left out or said to be so."""
    parts = (_against_anchors, _ranking, _amounts, _warnings, _bands, _doubts)
    return tuple(sentence for part in parts for sentence in part(receipt))


def percent(estimate: Estimate, digits: int = 0) -> str:
    """`62 % (55 to 69 %)`."""
    return f"{100 * estimate.value:.{digits}f}{PERCENT}{between(estimate, digits, 100, PERCENT)}"


def between(estimate: Estimate, digits: int, scale: float = 1.0, unit: str = "") -> str:
    """The interval in brackets, with a space before; empty where there is none."""
    if estimate.low != estimate.low:
        return ""
    return f" ({scale * estimate.low:.{digits}f} to {scale * estimate.high:.{digits}f}{unit})"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _against_anchors(receipt: Receipt) -> Iterator[str]:
    """A sentence on all horizons, one for each anchor that beats the model, and who is ahead or level within chance."""
    by_days = {days: [c for c in receipt.comparisons if c.days == days] for days in receipt.horizons}
    by_days = {days: found for days, found in by_days.items() if found}
    beaten = [days for days, found in by_days.items() if any(c.better == "anchor" for c in found)]
    best = [days for days, found in by_days.items() if all(c.better == "model" for c in found)]
    if not by_days:
        return
    if len(best) == len(by_days):
        yield "The model foretells better than every anchor at every horizon (log-loss)."
    elif beaten:
        also = f" It beats them all at {_days(best)}." if best else ""
        yield f"At {_days(beaten)} an anchor beats the model (log-loss).{also}"
    else:
        also = f", and at {_days(best)} it beats them all" if best else ""
        yield f"No anchor beats the model beyond chance at any horizon{also} (log-loss)."
    for found in by_days.values():
        yield from (_beaten(c) for c in found if c.better == "anchor")
    ahead = [c for found in by_days.values() for c in found if c.better == "neither" and c.difference.value < 0]
    if ahead:
        parts = [f"{c.anchor} at {c.days} days, by {-c.difference.value:.4f}" for c in ahead]
        yield f"Ahead of it, though within chance: {'; '.join(parts)}."
    close = {days: [c.anchor for c in found if c.better == "neither"] for days, found in by_days.items()}
    if any(close.values()):
        parts = [f"at {days} days with {listed(rivals)}" for days, rivals in close.items() if rivals]
        yield f"Too close to call: {'; '.join(parts)}."


def _beaten(found: Comparison) -> str:
    better = Estimate(-found.difference.value, -found.difference.high, -found.difference.low)
    return (
        f"At {found.days} days {found.anchor} beats the model: log-loss {found.anchor_loss:.4f} against "
        f"{found.model_loss:.4f}, a difference of {better.value:.4f}{between(better, 4)}."
    )


def _ranking(receipt: Receipt) -> Iterator[str]:
    entry = receipt.entry(TOLD_AT)
    if entry is None or not entry.churns:
        yield f"Nobody was seen to leave within {TOLD_AT} days: how well leavers are told apart can't be said."
        return
    auc, caught = entry.figures["auc"], entry.figures["arr_caught"]
    yield (
        f"Of an account that left within {TOLD_AT} days and one that stayed, the leaver had the higher risk "
        f"{100 * auc.value:.0f} times in 100{between(auc, 0, 100)}."
    )
    if caught.value == caught.value:
        yield f"The tenth of the book with the highest risks held {percent(caught)} of the ARR lost."


def _amounts(receipt: Receipt) -> Iterator[str]:
    entry = receipt.entry(TOLD_AT)
    if entry is None or not entry.churns:
        return
    accounts, arr = entry.figures["expected_to_actual"], entry.figures["expected_to_actual_arr"]
    sentence = f"For every 100 accounts that left within {TOLD_AT} days it expected {_of_100(accounts)}"
    yield sentence + (f", and for every 100 of ARR lost {_of_100(arr)}." if arr.value == arr.value else ".")


def _warnings(receipt: Receipt) -> Iterator[str]:
    early, late = receipt.warned_at(150), receipt.warned_at(60)
    told = [w for w in (early, late) if w is not None and w.churns]
    for warned in told:
        yield (
            f"{percent(warned.not_green)} of those who left were no longer green {warned.from_days} to "
            f"{warned.to_days} days before; {percent(receipt.green)} of the whole book was green."
            if warned is told[0]
            else f"{percent(warned.not_green)} were no longer green {warned.from_days} to {warned.to_days} days before."
        )


def _bands(receipt: Receipt) -> Iterator[str]:
    if receipt.flips.value == receipt.flips.value:
        yield (
            f"Bands turned and turned back in {percent(receipt.flips, 1)} of account-months; the settled bands, whose "
            f"changes people are told of, in {percent(receipt.settled_flips, 1)}."
        )


def _doubts(receipt: Receipt) -> Iterator[str]:
    entry = receipt.entry(TOLD_AT)
    if entry is not None and 0 < entry.churns < FEW_CHURNS:
        yield f"Only {entry.churns} accounts left in the time it was watched for: trust the intervals, not the figures."
    if len(receipt.folds) == 1:
        yield "The history allowed one fold only: the proof is of one moment, not of several."


def _of_100(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.0f}{between(estimate, 0, 100)}"


def _days(days: Sequence[int]) -> str:
    return f"{listed([str(each) for each in days])} days"
