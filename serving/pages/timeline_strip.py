"""The strip of a timeline: where its entries lie, in a lane for each kind of thing, with health above them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from serving.account_timeline import AccountTimeline, Entry, Lane
from serving.history import HistoryPoint
from serving.pages.charts import Axis, Tick, days_from, health_axis, path
from serving.pages.timeline_words import in_words
from serving.templating import day, number

LANES: Sequence[tuple[Lane, str]] = (
    ("contract", "Contract"),
    ("touches", "Touches"),
    ("tickets", "Tickets"),
    ("plan", "Success plan"),
    ("incidents", "Outages"),
    ("surveys", "Surveys"),
)
WIDTH, LEFT, RIGHT = 1100, 10, 20
HEALTH_TOP, HEALTH_BOTTOM = 26, 86
FIRST_LANE, LANE_HEIGHT = 98, 30
NAME = 60
"""Room that the name of a month takes."""

LEAST_AHEAD, MOST_AHEAD = timedelta(days=42), timedelta(days=365)
"""How much of the time ahead is drawn; a renewal further off isn't."""
BESIDE = timedelta(days=12)
"""Room behind the next renewal."""
MOST_OF_IT = 0.16
"""Share of the strip that the time ahead takes at most; it is drawn closer together where it would take more."""
ROWS = 3
"""Rows of bars that the tickets lie in."""

Place = Callable[[datetime], float]
Shape = Literal["dot", "up", "down", "diamond", "cross", "square", "answer"]
Tone = Literal["good", "bad", "plain", "hollow"]


@dataclass(frozen=True)
class Mark:
    """An entry on the strip, `drawn` as a path; an answer's `text` is written instead."""

    x: float
    y: float
    tone: Tone
    label: str
    drawn: str
    text: str = ""


@dataclass(frozen=True)
class LaneShown:
    """A lane of the strip, at the height of its middle."""

    lane: Lane
    label: str
    y: float
    marks: list[Mark]


@dataclass(frozen=True)
class Strip:
    """The strip: lanes over the past year to the next renewal, with health above them.

    `today`: the place of `as_of`; `renewal`: that of the next one, where it is on the strip.
    """

    lanes: list[LaneShown]
    months: list[Tick]
    health: str
    begins: list[Tick]
    as_of: datetime
    today: float
    renewal: Tick | None
    label: str


def strip(timeline: AccountTimeline, history: Sequence[HistoryPoint], renewal_at: datetime | None) -> Strip:
    """The strip of an account."""
    as_of, begins = timeline.as_of, timeline.begins_at
    near = renewal_at if renewal_at is not None and as_of <= renewal_at <= as_of + MOST_AHEAD else None
    ends = max(as_of + LEAST_AHEAD, near + BESIDE) if near else as_of + LEAST_AHEAD
    place = _scale(begins, as_of, ends)
    lanes = []
    for row, (lane, label) in enumerate(LANES):
        middle = FIRST_LANE + LANE_HEIGHT * (row + 0.5)
        shown = [entry for entry in timeline.entries if entry.lane == lane and entry.at <= ends]
        bars = [entry for entry in shown if lane in {"tickets", "incidents"}]
        marks = _bars(bars, place, middle, as_of) if bars else [_mark(entry, place, middle, as_of) for entry in shown]
        lanes.append(LaneShown(lane, label, middle, marks))
    moments = [point for point in {point.as_of: point for point in history}.values() if begins <= point.as_of <= as_of]
    y = health_axis([point.health for point in moments] or [50.0], HEALTH_BOTTOM, HEALTH_TOP)
    line = path([(place(point.as_of), y.at(point.health)) for point in moments]) if len(moments) > 1 else ""
    counts = Counter(entry.lane for entry in timeline.entries)
    told = ", ".join(f"{label.lower()} {counts[lane]}" for lane, label in LANES)
    return Strip(
        lanes=lanes,
        months=_months(begins, ends, place),
        health=line,
        begins=[Tick(y.at(end), number(end)) for end in (y.low, y.high)],
        as_of=as_of,
        today=place(as_of),
        renewal=Tick(place(near), f"renewal {day(near)}") if near else None,
        label=f"Timeline from {day(begins)} to {day(ends)}: {told}. The list below says the same in words.",
    )


def _scale(begins: datetime, as_of: datetime, ends: datetime) -> Place:
    """Where moments lie; the time ahead has a scale of its own."""
    past, ahead = days_from(begins, as_of), days_from(as_of, ends)
    today = LEFT + (WIDTH - RIGHT - LEFT) * max(1 - MOST_OF_IT, past / (past + ahead))
    before, after = Axis(0, past, LEFT, today), Axis(0, ahead, today, WIDTH - RIGHT)

    def place(at: datetime) -> float:
        away = days_from(as_of, at)
        return after.at(min(away, ahead)) if away > 0 else before.at(max(past + away, 0))

    return place


def _months(begins: datetime, ends: datetime, place: Place) -> list[Tick]:
    """The first of each month on the strip, named where there is room."""
    first = datetime(begins.year, begins.month, 1)
    starts: list[datetime] = []
    while (first := (first + timedelta(days=32)).replace(day=1)) < ends:
        starts.append(first)
    ticks: list[Tick] = []
    named = 0.0
    for at in starts:
        x = place(at)
        room = x >= named and x <= WIDTH - RIGHT - NAME
        named = x + NAME if room else named
        ticks.append(Tick(x, (f"{at:%b %Y}" if at.month == 1 else f"{at:%b}") if room else ""))
    return ticks


def _mark(entry: Entry, place: Place, y: float, as_of: datetime) -> Mark:
    x = place(entry.at)
    return Mark(x, y, _tone(entry), _label(entry, as_of), f"M{x:g} {y:g}{_SHAPES[_shape(entry)]}", _answer(entry))


def _shape(entry: Entry) -> Shape:
    if entry.lane == "touches":
        return "up" if entry.outcome == "positive" else "down" if entry.outcome == "negative" else "dot"
    if entry.lane == "plan":
        return "cross" if entry.state == "late" else "diamond"
    if entry.lane == "contract":
        return "cross" if entry.kind in _LEAVING else "square"
    return "answer"


def _answer(entry: Entry) -> str:
    if entry.lane != "surveys":
        return ""
    whole = (entry.score or 0.0).is_integer()
    return f"{'' if entry.kind == 'impact' else entry.kind.upper()} {number(entry.score, 0 if whole else 1)}".strip()


def _bars(entries: Sequence[Entry], place: Place, middle: float, as_of: datetime) -> list[Mark]:
    """What lasts; the severe are thicker. Tickets lie in rows: the first that is free; the open ones share the last."""
    rows = ROWS if entries[0].lane == "tickets" else 1
    taken, marks = [0.0] * max(rows - 1, 1), []
    for entry in sorted(entries, key=lambda entry: entry.at):
        start = place(entry.at)
        width = max(round(place(entry.ended_at or as_of) - start, 1), 4.0)
        row = rows - 1
        if entry.ended_at is not None:
            row = next((row for row, end in enumerate(taken) if end <= start), taken.index(min(taken)))
            taken[row] = start + width + 1
        tone = _tone(entry)
        height = (8.0 if tone == "bad" else 5.0) * (1 if rows > 1 else 2)
        y = middle + (row - (rows - 1) / 2) * 9
        marks.append(Mark(start, y, tone, _label(entry, as_of), _bar(start, y, width, height)))
    return marks


def _bar(x: float, y: float, width: float, height: float) -> str:
    """A bar with round corners."""
    across, down = f"{width - 4:.1f}", f"{height - 4:g}"
    return (
        f"M{x + 2:.1f} {y - height / 2:g}h{across}a2 2 0 0 1 2 2v{down}a2 2 0 0 1-2 2h-{across}"
        f"a2 2 0 0 1-2-2v-{down}a2 2 0 0 1 2-2z"
    )


def _label(entry: Entry, as_of: datetime) -> str:
    return f"{day(entry.at)}: {in_words([entry], as_of)}"


def _tone(entry: Entry) -> Tone:
    """How it reads at a glance; its shape, place or text says so too."""
    if entry.lane == "plan":
        return "good" if entry.state == "done" else "bad" if entry.state == "late" else "hollow"
    if entry.lane == "contract":
        return "bad" if entry.kind in _LEAVING else "hollow" if entry.kind == "renewal" else "plain"
    if entry.lane in {"tickets", "incidents"}:
        return "bad" if entry.severity is not None and entry.severity <= 2 else "plain"
    if entry.lane == "surveys":
        low, high = _GRADES.get(entry.kind, (0.0, 0.0))
        score = entry.score or 0.0
        return "bad" if score <= low else "good" if score >= high else "plain"
    return "good" if entry.outcome == "positive" else "bad" if entry.outcome == "negative" else "plain"


_LEAVING = {"notice", "ended"}
_SHAPES: Mapping[Shape, str] = {
    "dot": "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    "up": "m0-6.5 6.5 11.5h-13z",
    "down": "m0 6.5 6.5-11.5h-13z",
    "diamond": "m0-7 7 7-7 7-7-7z",
    "cross": "m-6-4 2-2 4 4 4-4 2 2-4 4 4 4-2 2-4-4-4 4-2-2 4-4z",
    "square": "m-5.5-5.5h11v11h-11z",
    "answer": "",
}
"""How each is drawn around its place."""
_GRADES = {"nps": (6.0, 9.0), "csat": (2.0, 4.0), "impact": (-0.2, 0.2)}
"""Answers up to the first are poor, from the second on good."""
