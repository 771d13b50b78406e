"""Words: a signal's value and its effect as a CSM reads them, from the catalogue's meaning and unit."""

from features.signal import Signal

FEEDS = {
    "community_threads": "community",
    "contracts": "contract",
    "engagements": "engagement",
    "incidents": "outage",
    "invoices": "invoice",
    "milestones": "milestone",
    "objectives": "success plan",
    "surveys": "survey",
    "tickets": "support",
    "usage_daily": "usage",
}
"""What kind of data a table holds."""
LEAST_SHOWN = 0.05
"""Points, or hundredths of a probability, below which a change is told as next to nothing."""


def subject(signal: Signal) -> str:
    """What the value says, without a full stop: the meaning, of a yes/no signal as a statement."""
    if signal.unit != "yes/no":
        return signal.meaning
    statement = signal.meaning.removeprefix("Whether ")
    return statement[0].upper() + statement[1:]


def amount(signal: Signal, value: float) -> str:
    """A value in its unit: `34 %`, `yes`, `12 days`, `−0.35`, `12,400`."""
    match signal.unit:
        case "yes/no":
            return "yes" if value >= 0.5 else "no"
        case "share":
            return percent(value)
        case "difference of shares":
            return f"{signed(100.0 * value)} percentage points"
        case "ratio":
            return f"{signed(100.0 * value)} %" if signal.lower == -1 else plain(value)
        case "days" | "hours" | "minutes" as unit:
            return lasting(value, unit)
        case _:
            return signed(value, 2) if signal.lower is not None and signal.lower < 0 else plain(value)


def known(signal: Signal, value: float | None) -> str:
    """`amount`, or why there is none."""
    return absent(signal) if value is None or value != value else amount(signal, value)


def absent(signal: Signal) -> str:
    """Why a signal of a table that is there is missing."""
    table = signal.tables[0]
    return "no survey answer" if table == "surveys" else f"nothing in the {FEEDS[table]} data to tell it from"


def feed(table: str) -> str:
    """What kind of data a table holds, at the beginning of a sentence."""
    return f"{FEEDS[table].capitalize()} data"


def no_data(table: str) -> str:
    """That a fed table says nothing of an account."""
    return f"No {FEEDS[table]} data: taken as typical"


def effect(points: float) -> str:
    """What it does to health: `Costs 6.2 points.`"""
    if abs(points) < LEAST_SHOWN:
        return "Hardly changes health."
    size = f"{abs(points):.1f}"
    return f"{'Adds' if points > 0 else 'Costs'} {size} point{'' if size == '1.0' else 's'}."


def days(value: float) -> str:
    """A number of days: `1 day`, `28 days`."""
    return lasting(value, "days")


def lasting(value: float, unit: str) -> str:
    """A length of time in `unit` (in the plural)."""
    text = plain(value, 0 if abs(value) >= 10 else 1)
    return f"{text} {unit.removesuffix('s') if text == '1' else unit}"


def percent(share: float) -> str:
    """A share in per cent, with decimals only where the whole number would hide what it is."""
    hundredths = 100.0 * share
    whole = 1.0 <= hundredths <= 99.0 or hundredths in {0.0, 100.0}
    return f"{plain(hundredths, 0 if whole else 2)} %"


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign: `+4.5`, `−0.35`, `0`."""
    text = plain(abs(value), digits)
    return text if text == "0" else f"{'−' if value < 0 else '+'}{text}"


def plain(value: float, digits: int | None = None) -> str:
    """A number as people write it: `12,400`, `3`, `2.5`, `0.04`; large ones without decimals."""
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "−")
