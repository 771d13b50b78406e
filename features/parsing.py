"""Text, and types close enough, to canonical types, one column at a time.

A value that can't be read is never guessed: it becomes missing and is counted as unparseable. Decisions:

- spaces around a value are dropped; "", NA, N/A, null, None, nan, - and the like are missing;
- times: ISO 8601 with or without a time, a fraction or an offset (then converted to UTC); 29/12/2024 and 12/29/2024
  are read only where a first or second part over 12 settles the order for the whole column and none contradicts it;
- numbers: `1234.5`; 1,234.50 and 1.234,50 where both separators or several groups settle it; `1234,5`; currency signs
  are dropped. `1,234` and `1.234,5` stand for different things in different countries: `1,234` is unparseable unless
  another value of the column settles the separators;
- booleans: true/false, yes/no, t/f, y/n, 1/0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from features.tables import POLARS, Type

MISSING = ("", "na", "n/a", "#n/a", "null", "none", "nan", "nat", "-", "--")
_TRUE = ("true", "yes", "t", "y", "1", "1.0")
_FALSE = ("false", "no", "f", "n", "0", "0.0")
_FIRST_DAY = date.min.toordinal() - date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal() - date(1970, 1, 1).toordinal()
_DAY_FIRST = ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S")
_MONTH_FIRST = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")


@dataclass(frozen=True)
class Parsed:
    """One column in its canonical type. All masks have the column's length and hold no nulls.

    `unparseable`: not missing, but not of the type. `repaired`: rule name to the rows it changed. `hint`: what the
    owner can do about the unparseable values.
    """

    values: pl.Series
    unparseable: pl.Series
    repaired: Mapping[str, pl.Series] = field(default_factory=dict)
    hint: str = ""


def parse(column: pl.Series, kind: Type) -> Parsed:
    """Read a column of any type as the canonical type `kind`."""
    target = POLARS[kind]
    if column.dtype == pl.Null:
        return Parsed(column.cast(target), _never(column))
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return Parsed(
            pl.Series(column.name, [None] * len(column), target), column.is_not_null(), hint="it is not a single value"
        )
    if kind == "text":
        return _text(column)
    if column.dtype == pl.String:
        text = trimmed(column)
        parsed = {"integer": _integer, "number": _number, "boolean": _boolean, "date": _date, "time": _time}[kind](text)
    else:
        parsed = _typed(column, kind)
    return _within_years(parsed) if kind in ("date", "time") else parsed


def trimmed(column: pl.Series) -> pl.Series:
    """A text column without spaces around values, and with missing ones as null; itself where nothing changes."""
    frame = column.to_frame("v").lazy()
    value = pl.col("v").str.strip_chars()
    missing = (value.str.len_bytes() <= 4) & value.str.to_lowercase().is_in(MISSING)
    changes = frame.select(((value != pl.col("v")) | missing).any()).collect().item()
    if not changes:
        return column
    return frame.select(pl.when(~missing).then(value).alias(column.name)).collect().to_series()


def _text(column: pl.Series) -> Parsed:
    if column.dtype.is_float():
        # Identifiers that went through a spreadsheet or pandas come as 17850.0.
        whole = column.drop_nulls()
        if (whole.is_finite() & (whole == whole.round()) & (whole.abs() < 2**53)).all():
            column = column.cast(pl.Int64)
    text = column if column.dtype == pl.String else column.cast(pl.String)
    return Parsed(trimmed(text), _never(column))


def _typed(column: pl.Series, kind: Type) -> Parsed:
    """A column that has a type, but perhaps not the canonical one."""
    target = POLARS[kind]
    if column.dtype == target and kind != "number":
        return Parsed(column, _never(column))
    never = _never(column)
    if kind in ("number", "integer", "boolean") and (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        number = column.cast(pl.Float64)
        if kind == "number":
            values = number.fill_nan(None)
            bad = values.is_infinite().fill_null(False)
            return Parsed(_without(values, bad) if bad.any() else values, bad)
        if kind == "integer":
            if column.dtype.is_integer() or column.dtype == pl.Boolean:
                values = column.cast(pl.Int64, strict=False)
                return Parsed(values, values.is_null() & column.is_not_null())
            number = number.fill_nan(None)
            bad = (number.is_infinite() | (number != number.round()) | (number.abs() >= 2**63)).fill_null(False)
            return Parsed(_without(number, bad).cast(pl.Int64), bad)
        bad = ~number.fill_nan(None).is_in([0.0, 1.0]).fill_null(True)
        return Parsed(_without(number.fill_nan(None), bad).cast(pl.Boolean), bad)
    if kind in ("date", "time") and isinstance(column.dtype, pl.Datetime | pl.Date):
        repaired = {}
        if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
            if column.dtype.time_zone != "UTC":
                repaired["time_zone"] = column.is_not_null()
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return Parsed(column.cast(target), never, repaired)
    hint = f"the column holds {column.dtype}, not {kind}; cast it in a select"
    return Parsed(pl.Series(column.name, [None] * len(column), target), column.is_not_null(), hint=hint)


def _within_years(parsed: Parsed) -> Parsed:
    """Times whose year no engine can hold after conversion to UTC become unparseable."""
    unit = 1 if parsed.values.dtype == pl.Date else 86_400 * 10**6
    number = parsed.values.to_physical()
    beyond = ((number < _FIRST_DAY * unit) | (number >= (_LAST_DAY + 1) * unit)).fill_null(False)
    if not beyond.any():
        return parsed
    return replace(parsed, values=_without(parsed.values, beyond), unparseable=parsed.unparseable | beyond)


def _boolean(text: pl.Series) -> Parsed:
    lower = text.str.to_lowercase()
    true, false = lower.is_in(_TRUE), lower.is_in(_FALSE)
    values = true.set(~(true | false), None).alias(text.name)
    return Parsed(values, values.is_null() & text.is_not_null(), hint="write true or false")


def _integer(text: pl.Series) -> Parsed:
    whole = text.cast(pl.Int64, strict=False)
    if whole.null_count() == text.null_count():
        return Parsed(whole, _never(text))
    parsed = _number(text)
    number = parsed.values
    bad = (number != number.round()).fill_null(False) | (number.abs() >= 2**63).fill_null(False)
    values = whole.fill_null(_without(number, bad).cast(pl.Int64))
    return Parsed(
        values, values.is_null() & text.is_not_null(), parsed.repaired, parsed.hint or "it must be a whole number"
    )


def _number(text: pl.Series) -> Parsed:
    values = _finite(text)
    left = values.is_null() & text.is_not_null()
    if not left.any():
        return Parsed(values, left)
    bare = text.str.replace_all(r"[€$£¥\s  ']|^(?:EUR|USD|GBP|CHF)|(?:EUR|USD|GBP|CHF)$", "")
    rest = bare.filter(left)
    comma_thousands = rest.str.contains(r"^[-+]?\d{1,3}(,\d{3})+\.\d+$|^[-+]?\d{1,3}(,\d{3}){2,}$").any()
    dot_thousands = rest.str.contains(r"^[-+]?\d{1,3}(\.\d{3})+,\d+$|^[-+]?\d{1,3}(\.\d{3}){2,}$").any()
    comma_decimal = rest.str.contains(r"^[-+]?\d+,(\d{1,2}|\d{4,})$").any()
    hint = ""
    if comma_thousands and not dot_thousands and not comma_decimal:
        shape, plain = r"^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$", bare.str.replace_all(",", "", literal=True)
    elif (dot_thousands or comma_decimal) and not comma_thousands:
        shape = r"^[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$" if dot_thousands else r"^[-+]?\d+,\d+$"
        plain = bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        # Where the comma is settled as decimal, 1.234 is a thousand and more.
        values = values.set(bare.str.contains(r"^[-+]?\d{1,3}(\.\d{3})+$").fill_null(False), None)
        left = values.is_null() & text.is_not_null()
    else:
        shape, plain = r"$.", bare
        if rest.str.contains(r"\d,\d{3}$").any():
            hint = "a comma may part thousands or decimals; remove thousands separators in a select"
    fits = bare.str.contains(shape).fill_null(False)
    read = _finite(plain.set(~fits, None)).fill_null(_finite(bare))
    values = values.fill_null(read).alias(text.name)
    repaired = left & values.is_not_null()
    return Parsed(values, left & values.is_null(), {"number_format": repaired} if repaired.any() else {}, hint)


def _finite(text: pl.Series) -> pl.Series:
    number = text.cast(pl.Float64, strict=False)
    return number.set(~number.is_finite().fill_null(True), None)


def _date(text: pl.Series) -> Parsed:
    days = text.str.to_date("%Y-%m-%d", strict=False)
    if days.null_count() == text.null_count():
        return Parsed(days, _never(text))
    parsed = _time(text)
    return Parsed(parsed.values.cast(pl.Date), parsed.unparseable, parsed.repaired, parsed.hint)


def _time(text: pl.Series) -> Parsed:
    values = pl.Series(text.name, [None] * len(text), pl.Datetime("us"))
    repaired: dict[str, pl.Series] = {}
    for form in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%Y-%m-%d %H:%M"):
        values = _fill(values, text, form, iso=True)
    left = values.is_null() & text.is_not_null()
    if left.any():
        for form in ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z"):
            values = _fill(values, text, form, iso=True)
        zoned = left & values.is_not_null()
        if zoned.any():
            repaired["time_zone"] = zoned
        left = values.is_null() & text.is_not_null()
    hint = ""
    if left.any():
        slashed = text.filter(left & text.str.contains(r"^\d{1,2}[/.]\d{1,2}[/.]\d{4}").fill_null(False))
        parts = [slashed.str.extract(r"^(\d{1,2})[/.](\d{1,2})", group).cast(pl.Int64) for group in (1, 2)]
        day_first, month_first = ((part > 12).any() for part in parts)
        if day_first != month_first:
            before = left
            for form in _DAY_FIRST if day_first else _MONTH_FIRST:
                values = _fill(values, text.str.replace_all(r"^(\d{1,2})\.(\d{1,2})\.", "${1}/${2}/"), form)
            left = values.is_null() & text.is_not_null()
            repaired["date_format"] = before & ~left
        elif len(slashed):
            hint = "day/month and month/day can't be told apart; use try_strptime(column, '%d/%m/%Y') in a select"
        else:
            hint = "write times like 2024-01-31 or 2024-01-31T06:00:00Z"
    return Parsed(values, left, repaired, hint)


def _fill(values: pl.Series, text: pl.Series, form: str, *, iso: bool = False) -> pl.Series:
    """Values where they are there, else the text read in that form."""
    left = values.is_null() & text.is_not_null()
    if not left.any():
        return values
    if iso:
        text = text.str.replace(r"^(\d{4}-\d\d-\d\d)[Tt](\d)", "${1} ${2}").str.replace(r"[Zz]$", "+00:00")
        text = text.str.replace(r"([+-]\d\d)$", "${1}:00") if form.endswith("z") else text
    read = text.set(~left, None).str.to_datetime(form, strict=False, time_unit="us")
    if form.endswith("z"):
        read = read.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return values.fill_null(read)


def _without(values: pl.Series, mask: pl.Series) -> pl.Series:
    return values.set(mask, None)


def _never(column: pl.Series) -> pl.Series:
    return pl.repeat(False, len(column), dtype=pl.Boolean, eager=True)
