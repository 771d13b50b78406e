"""A look at the model in use as one HTML file that can be sent."""

from collections.abc import Sequence
from html import escape

from features.catalogue import CATALOGUE
from training.document import NOT_TOLD, Cell, cells_of, document, figure_of, intervals_are, number, rate_of, table
from training.intervals import Estimate
from training.monitoring.drift import BEYOND_USUAL, MATTERS
from training.monitoring.histogram import MOVED
from training.monitoring.result import Monitoring
from training.verdict import PERCENT

TO_DO = {
    "retrain": "Train the model again.",
    "recalibrate": "Recalibrate the model: its level has moved, its order of accounts holds.",
    "nothing": "Nothing needs to be done about the model.",
}
SHOWN = 25
"""Signals whose drift is shown, the furthest moved first."""


def page(look: Monitoring) -> str:
    """The whole document."""
    title = f"{look.model} version {look.version} in use"
    sections = [_head(look, title), _alarms(look), _matured(look), _expected(look), _drift(look), _bands(look)]
    return document(f"{title}, {look.as_of:%Y-%m-%d}", [*sections, _opinions(look), _feeds(look), _made(look)])


def _head(look: Monitoring, title: str) -> str:
    reasons = "".join(f"<p>{escape(reason[:1].upper() + reason[1:])}.</p>\n" for reason in look.advice.reasons)
    entry = look.entry(90) or look.entry(30)
    tiles = [("alarms that hold a publication back", str(len(look.held)))]
    tiles.append(("alarms that only warn", str(len(look.alarms) - len(look.held))))
    if entry:
        within = f"within {entry.days} days, as published"
        tiles.append((f"expected for each that left {within}", figure_of(entry.figures["expected_to_actual"], 2).html))
        tiles.append((f"AUC {within}", figure_of(entry.figures["auc"], 2).html))
    shown = "".join(f'<div class="tile"><b>{value}</b>{escape(what)}</div>\n' for what, value in tiles)
    return (
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="soft">As of {look.as_of:%Y-%m-%d}, {look.accounts:,} accounts, against the year before '
        f"{look.baseline_of:%Y-%m-%d}; outcomes are known until {look.observed_until:%Y-%m-%d}.</p>\n"
        f'<div class="verdict">\n<p class="headline">{TO_DO[look.advice.action]}</p>\n{reasons}</div>\n'
        f'<div class="tiles">\n{shown}</div>\n'
    )


def _alarms(look: Monitoring) -> str:
    rows: list[Sequence[Cell]] = [
        ("holds back" if alarm.severity == "stop" else "warning", alarm.about, alarm.cause, alarm.next_step)
        for alarm in look.alarms
    ]
    found = _read(["", "about", "why it is thought so", "what to do next"], rows) if rows else "<p>No alarm.</p>\n"
    return f"<h2>Alarms</h2>\n{found}"


def _matured(look: Monitoring) -> str:
    rows: list[Sequence[Cell]] = [
        (
            entry.segment or "whole book",
            f"{entry.days} days",
            f"{entry.accounts:,}",
            f"{entry.churns:,}",
            figure_of(entry.figures["auc"], 2),
            figure_of(entry.figures["expected_to_actual"], 2),
            figure_of(entry.figures["expected_to_actual_arr"], 2),
            figure_of(entry.figures["brier"], 4),
        )
        for entry in sorted(look.matured, key=lambda each: (each.segment is not None, each.segment or "", each.days))
    ]
    heads = ["", "within", "accounts", "left", "AUC", "expected ÷ actual", "in ARR", "Brier"]
    told = (
        f'{table(heads, rows)}<p class="soft">{intervals_are()}</p>\n'
        if rows
        else "<p>No published score is old enough to be held against an outcome.</p>\n"
    )
    return (
        "<h2>What was published, against what happened</h2>\n"
        "<p>Scores of the past as they were first published, whose horizon ended in the newest half year of known "
        f"outcomes. Expected ÷ actual is 1 where as many left as expected.</p>\n{told}"
    )


def _expected(look: Monitoring) -> str:
    rows: list[Sequence[Cell]] = [
        (f"{each.days} days", f"{each.accounts:,}", number(each.churns, 1), number(each.auc, 3), number(each.brier, 4))
        for each in look.expected
        if each.segment is None
    ]
    if not rows:
        return ""
    return (
        "<h2>What the newest scores should be worth</h2>\n"
        "<p>Told from the risks alone, until outcomes are known. It holds as far as the risks are calibrated: it says "
        "what a shift in the book does to a model that is still right, not whether it is.</p>\n"
        f"{table(['within', 'accounts', 'expected to leave', 'AUC', 'Brier'], rows)}"
    )


def _drift(look: Monitoring) -> str:
    rows: list[Sequence[Cell]] = [
        (
            each.name if each.name not in CATALOGUE else f"{each.name}: {CATALOGUE[each.name].meaning}",
            each.segment or "whole book",
            number(each.psi, 2),
            number(each.usual, 2),
            "less than 0.001" if each.chance < 0.001 else number(each.chance, 3),
            f"{100 * each.missing_before:.0f} → {100 * each.missing_now:.0f}{PERCENT}",
            number(each.points, 1),
            "yes" if each.matters else "moved" if each.moved else "",
        )
        for each in look.drifts[:SHOWN]
    ]
    heads = ["", "of", "PSI", "usually up to", "chance", "missing", "points of health", "alarm"]
    return (
        "<h2>Drift</h2>\n"
        f"<p>How far signals and scores lie from where they lay in the year before {look.baseline_of:%Y-%m-%d}. What "
        f"has moved has a PSI of {MOVED} or more, {BEYOND_USUAL} times what any month of that year showed, and is no "
        f"chance (χ², adjusted for {len(look.drifts):,} tests). It is an alarm where it moves mean health by "
        f"{MATTERS:.0f} point or more. The {min(SHOWN, len(look.drifts))} furthest:</p>\n{table(heads, rows)}"
    )


def _bands(look: Monitoring) -> str:
    turns = look.turns
    if turns is None or turns.moments < 2:
        return ""
    rows: list[Sequence[Cell]] = [
        ("changed since the moment before", rate_of(turns.changed, 1), rate_of(turns.changed_settled, 1)),
        ("turned and turned back", rate_of(turns.flipped, 1), rate_of(turns.flipped_settled, 1)),
    ]
    return (
        f"<h2>Bands</h2>\n<p>Share of accounts, over {turns.moments} published moments.</p>\n"
        f"{table(['', 'band shown', 'settled band'], rows)}"
    )


def _opinions(look: Monitoring) -> str:
    found = look.opinions
    if found is None or not found.opinions:
        return ""
    apart = found.person_right + found.score_right
    who = f"{_percent(found.person)} of the times the person was right" if apart else "there was nothing to tell"
    return (
        "<h2>Opinions against outcomes</h2>\n"
        f"<p>Of {found.opinions:,} opinions whose half year is over {found.agreed:,} named the score's band. Of the "
        f"{apart:,} others the person was right {found.person_right:,} times and the score {found.score_right:,} "
        f"times: {who}.</p>\n"
    )


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.0f} ({100 * estimate.low:.0f} to {100 * estimate.high:.0f}){PERCENT}"


def _feeds(look: Monitoring) -> str:
    rows: list[Sequence[Cell]] = [
        (
            feed.table,
            f"{feed.rows_28d:,}",
            NOT_TOLD if feed.silent_days is None else str(feed.silent_days),
            NOT_TOLD if feed.longest_silence is None else str(feed.longest_silence),
        )
        for feed in look.feeds
    ]
    return f"<h2>Feeds</h2>\n{table(['', 'rows in 28 days', 'days silent', 'longest silence in the year'], rows)}"


def _made(look: Monitoring) -> str:
    return f'<p class="soft">Looked at {look.made_at:%Y-%m-%d %H:%M} UTC.</p>\n'


def _read(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table of sentences, which wrap."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = "".join(f"<tr>{cells_of(row)}</tr>\n" for row in rows)
    return f'<div class="scroll"><table class="read">\n<tr>{head}</tr>\n{lines}</table></div>\n'
