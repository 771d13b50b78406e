"""Pages from templates, and how numbers and times are written for people."""

import re
from datetime import datetime
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

MISSING = "–"
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: float | None, decimals: int = 0) -> str:
    """`1234567.8` → `1,234,568`, `-3` → `−3` with a real minus sign; a dash where there is none."""
    return MISSING if value is None else f"{value:,.{decimals}f}".replace("-", "−")


def signed(value: float, decimals: int = 1) -> str:
    """`-4.21` → `−4.2`, `3` → `+3.0`, with a real minus sign; what rounds to nothing has no sign."""
    written = f"{abs(value):.{decimals}f}"
    if not float(written):
        return written
    return f"{'−' if value < 0 else '+'}{written}"


def percent(value: float | None) -> str:
    """`0.1234` → `12.3 %`; a dash where there is none."""
    return MISSING if value is None else f"{100 * value:.1f} %"


def in_unit(value: float | str, unit: str | None) -> str:
    """A signal's value as its unit is read: a share as per cent, yes or no, days whole, others short."""
    if isinstance(value, str):
        return value
    if unit == "yes/no":
        return "yes" if value >= 0.5 else "no"
    if unit == "share":
        return percent(value)
    return number(value, 0 if value.is_integer() or abs(value) >= 100 else 2)


def compact(value: float) -> str:
    """`1234567` → `1.23 M`, for headlines."""
    for size, suffix in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= 0.9995 * size:
            shown = value / size
            return f"{shown:,.{0 if abs(shown) >= 99.95 else 1 if abs(shown) >= 9.995 else 2}f}{suffix}"
    return f"{value:.0f}"


def day(time: datetime | None) -> str:
    """`2027-01-31 00:00` → `31 Jan 2027`; a dash where there is none."""
    return MISSING if time is None else f"{time.day} {_MONTHS[time.month]} {time.year}"


def moment(time: datetime) -> str:
    """`2026-11-01 00:00` → `1 Nov 2026, 00:00 UTC`."""
    return f"{day(time)}, {time:%H:%M} UTC"


def until(time: datetime, as_of: datetime) -> str:
    """How far a day lies from `as_of`: `in 91 days`, `today`, `3 days ago`."""
    away = (time.date() - as_of.date()).days
    if away == 0:
        return "today"
    return f"in {days(away)}" if away > 0 else f"{days(-away)} ago"


def days(count: float) -> str:
    """`1.0` → `1 day`, `1234.0` → `1,234 days`."""
    return f"{count:,.0f} day{'' if round(count) == 1 else 's'}"


def words(name: str) -> str:
    """`at_risk` → `At risk`."""
    return name.replace("_", " ").capitalize()


def measure_name(name: str) -> str:
    """A measure of the book as people say it: `nrr` → `NRR`, `defect_share` → `Defect share`."""
    said = words(name)
    for short in ("nrr", "grr", "arr"):
        said = re.sub(rf"\b{short}\b", short.upper(), said, flags=re.IGNORECASE)
    return said


environment = Environment(
    loader=PackageLoader("serving"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
environment.filters.update(
    number=number, signed=signed, percent=percent, compact=compact, day=day, moment=moment, until=until, words=words,
    in_unit=in_unit, days=days, measure_name=measure_name,
    tellable=lambda entries: [entry for entry in entries if abs(entry.health) >= 0.05],
    segment=lambda part: quote(part, safe=""),
)  # fmt: skip
environment.policies["json.dumps_kwargs"] = {"sort_keys": False}


def render(template: str, **context: object) -> str:
    """The page a template makes of its context; everything in it is escaped."""
    return environment.get_template(template).render(context)
