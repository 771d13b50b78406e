"""Rules about one column at a time: its type, whether it may be empty, its allowed values and its bounds."""

import polars as pl

from features.ledger import Ledger
from features.parsing import parse
from features.tables import POLARS, Column

_REPAIRS = {"time_zone": "converted to UTC", "number_format": "read as a number", "date_format": "read as a date"}
_SCALES = {10: "0 to 10", 20: "0 to 20 times as large", 100: "percent"}
_MIXED_SHARE = 0.01
_NEARLY_ALL = 0.95


def read_columns(ledger: Ledger) -> None:
    """Fill `ledger.frame` with the declared columns, typed; absent ones are all missing."""
    for column in ledger.table.columns:
        if column.name in ledger.raw.columns:
            _read(ledger, column)
        else:
            missing = pl.repeat(None, ledger.raw.height, dtype=POLARS[column.type], eager=True)
            ledger.put(column.name, missing)
    for column in ledger.table.columns:
        if column.name in ledger.raw.columns:
            check_bounds(ledger, column)


def _read(ledger: Ledger, column: Column) -> None:
    parsed = parse(ledger.raw[column.name], column.type)
    ledger.put(column.name, parsed.values)
    for rule, rows in parsed.repaired.items():
        ledger.repair(rule, column.name, rows, _REPAIRS[rule])
    hint = f"; {parsed.hint}" if parsed.hint else ""
    if parsed.unparseable.any():
        if column.required:
            reason = f"{column.name} is not a {column.type}{hint}"
            ledger.quarantine("unparseable", (column.name,), parsed.unparseable, reason)
        else:
            ledger.repair("unparseable", column.name, parsed.unparseable, f"set to missing{hint}")
    if column.required and ledger.frame[column.name].null_count():
        empty = ledger.frame[column.name].is_null() & ~parsed.unparseable
        ledger.quarantine("missing_value", (column.name,), empty, f"{column.name} is empty")
    if column.values:
        _check_category(ledger, column, column.values)


def _check_category(ledger: Ledger, column: Column, allowed: tuple[str, ...]) -> None:
    values = ledger.frame[column.name]
    plain = {_plain(value): value for value in allowed}
    found = {value: plain.get(_plain(value)) for value in values.unique().drop_nulls()}
    if all(value == canonical for value, canonical in found.items()):
        return
    canonical = values.replace_strict(found, return_dtype=pl.String)
    unknown = canonical.is_null() & values.is_not_null()
    other = "other" if "other" in allowed and not column.required else None
    ledger.put(column.name, canonical.set(unknown, other))
    ledger.repair("spelling", column.name, (values != canonical).fill_null(False), "canonical spelling")
    if column.required:
        reason = f"{column.name} is none of {', '.join(allowed)}"
        ledger.quarantine("unknown_category", (column.name,), unknown, reason, "error")
    else:
        ledger.repair("unknown_category", column.name, unknown, f"set to {other or 'missing'}")


def _plain(value: str) -> str:
    return "_".join(value.lower().replace("-", " ").replace("_", " ").split())


def check_bounds(ledger: Ledger, column: Column) -> None:
    """Put aside or blank numbers outside their bounds, and name another scale they may be on."""
    if column.scales:
        kinds = ledger.frame["kind"]
        for kind, (lower, upper) in column.scales.items():
            _check_range(ledger, column, lower, upper, (kinds == kind).fill_null(False), f" for {kind}")
    elif column.lower is not None or column.upper is not None:
        _check_range(ledger, column, column.lower, column.upper, None, "")


def _check_range(
    ledger: Ledger, column: Column, lower: float | None, upper: float | None, rows: pl.Series | None, which: str
) -> None:
    values = ledger.frame[column.name]
    if rows is not None:
        values = values.set(~rows, None)
    outside = _outside(values, lower, upper)
    count = len(outside.arg_true())
    if not count:
        return
    rule, reason = "out_of_range", f"{column.name} is outside {_bounds(lower, upper)}{which}"
    if lower is not None and upper is not None and count >= _MIXED_SHARE * (len(values) - values.null_count()):
        wrong = values.filter(outside)
        for factor, scale in _SCALES.items():
            if len(_outside(wrong / factor, lower, upper).arg_true()) <= (1 - _NEARLY_ALL) * count:
                rule = "mixed_scale"
                reason += f"; it looks {factor} times too large ({scale}): divide it in the mapping"
                break
    if column.required:
        ledger.quarantine(rule, (column.name,), outside, reason)
    else:
        ledger.blank(rule, column.name, outside, f": {reason}")


def _outside(values: pl.Series, lower: float | None, upper: float | None) -> pl.Series:
    below = (values < lower) if lower is not None else None
    above = (values > upper) if upper is not None else None
    outside = below | above if below is not None and above is not None else below if below is not None else above
    assert outside is not None
    return outside.fill_null(False)


def _bounds(lower: float | None, upper: float | None) -> str:
    if lower is None:
        return f"… to {upper:g}"
    return f"{lower:g} to {upper:g}" if upper is not None else f"{lower:g} and more"
