"""The timeline on an account's page: a strip with a lane for each kind of thing, and the same in words, by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from serving.account_timeline import AccountTimeline, Entry, Lane
from serving.history import HistoryPoint
from serving.pages.timeline_strip import LANES, Strip, strip
from serving.pages.timeline_words import in_words

LATEST_MONTHS = 3
"""Months that are told in words unless all are asked for."""


@dataclass(frozen=True)
class Line:
    """An entry in words; what happened to several contracts at once is one."""

    lane: Lane
    at: datetime
    words: str


@dataclass(frozen=True)
class Month:
    """The entries of a month, the latest first."""

    title: str
    lines: list[Line]


@dataclass(frozen=True)
class TimelineShown:
    """The strip and the list: those ahead, the soonest first, then month by month; `older` entries aren't in it.

    `left_out` counts by lane still older ones that aren't kept.
    """

    strip: Strip
    ahead: list[Line]
    months: list[Month]
    older: int
    entries: int
    left_out: dict[str, int]


def timeline_shown(
    timeline: AccountTimeline, history: Sequence[HistoryPoint], renewal_at: datetime | None, *, whole: bool = False
) -> TimelineShown | None:
    """The timeline of an account, `whole` or the latest months in words; None where no scoring has written one."""
    if not timeline.known:
        return None
    as_of, entries = timeline.as_of, timeline.entries
    past = [entry for entry in entries if entry.at <= as_of]
    months = [list(month) for _, month in groupby(reversed(past), lambda entry: (entry.at.year, entry.at.month))]
    told = months if whole else months[:LATEST_MONTHS]
    return TimelineShown(
        strip=strip(timeline, history, renewal_at),
        ahead=_lines(entries[len(past) :], as_of),
        months=[Month(f"{month[0].at:%B %Y}", _lines(month, as_of)) for month in told],
        older=sum(map(len, months[len(told) :])),
        entries=len(entries),
        left_out={label: timeline.left_out[lane] for lane, label in LANES if lane in timeline.left_out},
    )


def _lines(entries: Sequence[Entry], as_of: datetime) -> list[Line]:
    """The entries in words; what happens to several contracts at once is one line."""
    found: list[Line] = []
    for (lane, at, _), alike in groupby(
        entries, lambda entry: (entry.lane, entry.at, entry.kind if entry.lane == "contract" else id(entry))
    ):
        found.append(Line(lane, at, in_words(list(alike), as_of)))
    return found
