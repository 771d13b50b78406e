"""The timeline on an account's page: a strip with a lane for each kind of thing, and the same in words, by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from serving.account_timeline import AccountTimeline, Lane
from serving.history import HistoryPoint
from serving.pages.timeline_strip import LANES, Strip, strip
from serving.pages.timeline_words import in_words

OPEN_MONTHS = 3
"""Months that are shown at once; older ones unfold."""


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
    """The strip and the list: those ahead, the soonest first, then month by month; `older` ones unfold.

    `left_out` counts by lane the older entries that aren't kept.
    """

    strip: Strip
    ahead: list[Line]
    months: list[Month]
    older: list[Month]
    entries: int
    left_out: dict[str, int]


def timeline_shown(
    timeline: AccountTimeline, history: Sequence[HistoryPoint], renewal_at: datetime | None
) -> TimelineShown | None:
    """The timeline of an account; None where no scoring has written one."""
    if not timeline.known:
        return None
    as_of, lines = timeline.as_of, _lines(timeline)
    ahead = [line for line in lines if line.at > as_of]
    past = sorted((line for line in lines if line.at <= as_of), key=lambda line: line.at, reverse=True)
    months = [Month(title, list(of_month)) for title, of_month in groupby(past, lambda line: f"{line.at:%B %Y}")]
    return TimelineShown(
        strip=strip(timeline, history, renewal_at),
        ahead=ahead,
        months=months[:OPEN_MONTHS],
        older=months[OPEN_MONTHS:],
        entries=len(timeline.entries),
        left_out={label: timeline.left_out[lane] for lane, label in LANES if lane in timeline.left_out},
    )


def _lines(timeline: AccountTimeline) -> list[Line]:
    """The entries in words; what happens to several contracts at once is one line."""
    found: list[Line] = []
    for (lane, at, _), alike in groupby(
        timeline.entries, lambda entry: (entry.lane, entry.at, entry.kind if entry.lane == "contract" else id(entry))
    ):
        held = list(alike)
        found.append(Line(lane, at, in_words(held, timeline.as_of)))
    return found
