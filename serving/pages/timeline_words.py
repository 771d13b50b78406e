"""Entries of a timeline in words."""

from collections.abc import Sequence
from datetime import datetime

from serving.account_timeline import Entry
from serving.templating import day, days, number, words

_TOUCHES = {"qbr": "Business review", "executive": "Executive meeting", "training": "Training session",
            "onboarding": "Onboarding session"}  # fmt: skip
_TICKETS = {"defect": "Defect", "how_to": "How-to question", "request": "Feature request",
            "billing": "Billing question", "other": "Support request"}  # fmt: skip
_SURVEYS = {"nps": ("NPS answer", " of 10"), "csat": ("Satisfaction", " of 5"), "impact": ("Perceived impact", "")}
_CONTRACT = {"started": "Contract began", "renewed": "Renewed", "amended": "Contract amended",
             "notice": "Notice of leaving given", "renewal": "Renewal due", "ended": "Contract ended"}  # fmt: skip


def in_words(entries: Sequence[Entry], as_of: datetime) -> str:
    """What happened, or will; several entries are alike but for their contracts."""
    entry = entries[0]
    if entry.lane == "contract":
        return _contract(entries)
    if entry.lane == "plan":
        return _plan(entry, as_of)
    if entry.lane == "touches":
        role = f", with {_article(entry.contact_role)}" if entry.contact_role else ""
        from_them = " from them" if entry.direction == "inbound" else ""
        outcome = f", {entry.outcome}" if entry.outcome else ""
        return f"{_TOUCHES.get(entry.kind, words(entry.kind))}{from_them}{role}{outcome}"
    if entry.lane == "surveys":
        name, of = _SURVEYS.get(entry.kind, (words(entry.kind), ""))
        role = f", by {_article(entry.contact_role)}" if entry.contact_role else ""
        return f"{name} {number(entry.score, 0 if (entry.score or 0.0).is_integer() else 1)}{of}{role}"
    severity = f", severity {entry.severity}" if entry.severity else ""
    if entry.lane == "tickets":
        name = f"{_TICKETS.get(entry.kind, words(entry.kind))}{f' {entry.id}' if entry.id else ''}"
        return f"{name}{severity}, {_lasting(entry, as_of, 'closed after', 'open for')}"
    return f"Outage{severity}, {_lasting(entry, as_of, 'over after', 'still on after')}"


def _contract(entries: Sequence[Entry]) -> str:
    arr = sum(entry.arr or 0.0 for entry in entries)
    several = f", {len(entries)} contracts" if len(entries) > 1 else ""
    worth = f", {number(arr)} ARR" if arr else ""
    return f"{_CONTRACT.get(entries[0].kind, words(entries[0].kind))}{several}{worth}"


def _plan(entry: Entry, as_of: datetime) -> str:
    if entry.kind == "objective":
        name, reached = f"Objective {entry.id or ''}".rstrip(), "achieved"
    else:
        name, reached = f"{words(entry.kind)} step “{entry.id}”", "reached"
    if entry.ended_at is not None:
        return f"{name} {reached}{_against_the_plan(entry.ended_at, entry.due_at)}"
    if entry.due_at is None:
        return f"{name} agreed, without a due date"
    return f"{name} due" if entry.due_at > as_of else f"{name} was due and isn't {reached}"


def _against_the_plan(ended_at: datetime, due_at: datetime | None) -> str:
    if due_at is None:
        return ""
    late = (ended_at.date() - due_at.date()).days
    if late == 0:
        return " on its due day"
    return f" {days(abs(late))} {'late' if late > 0 else 'early'}, due {day(due_at)}"


def _lasting(entry: Entry, as_of: datetime, over: str, on: str) -> str:
    seconds = ((entry.ended_at or as_of) - entry.at).total_seconds()
    hours = round(seconds / 3600)
    if hours >= 48:
        lasted = days(hours // 24)
    elif hours >= 1:
        lasted = f"{hours} hour{'' if hours == 1 else 's'}"
    else:
        minutes = max(1, round(seconds / 60))
        lasted = f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{over if entry.ended_at else on} {lasted}"


def _article(role: str) -> str:
    return f"{'an' if role[:1].lower() in 'aeiou' else 'a'} {role.replace('_', ' ')}"
