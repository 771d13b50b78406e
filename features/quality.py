"""From a source to checked canonical tables: every row ends up usable or in quarantine with its reasons.

The rules are declared in `features.rules`; nothing about bad data raises but UnusableData.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from features.column_rules import read_columns
from features.coverage import coverage
from features.errors import UnusableData
from features.extract_time import assumed_extract
from features.findings import Checked, Example, Finding
from features.ledger import Ledger, as_text
from features.row_rules import PLANNED, check_duplicates, check_extract, check_intervals, latest_fact
from features.rules import RULES
from features.sources import Mapped, PutAside, Source
from features.tables import TABLES, Table, Tables
from features.usage_rollup import KEY, roll_up

_WITHIN_CONTRACT = {
    "usage_daily": "date",
    "usage_events": "event_time",
    "objectives": "achieved_at",
    "engagements": "engaged_at",
    "tickets": "opened_at",
}
"""Tables whose rows are expected while a contract runs, and the time that tells."""


def check(
    source: Source,
    *,
    extracted_at: datetime | None = None,
    order_lapse_days: int = 90,
    stale_after_days: int = 28,
    max_bad_share: float = 0.2,
    progress: Callable[[str], None] = lambda message: None,
) -> Checked:
    """Read a source and check it.

    `extracted_at` (UTC where it has no zone) comes before the mapping's; where neither says it, the latest plausible
    time in the data is taken and reported. `max_bad_share` bounds the share of quarantined rows in a required table.
    Raises SourceError, MappingError, or UnusableData where a required table or column is missing or too much of it is
    bad.
    """
    found: list[Finding] = []
    ledgers: dict[str, Ledger] = {}
    others: dict[str, tuple[str, ...]] = {}
    columns: dict[str, dict[str, str]] = {}
    for table in TABLES.values():
        progress(f"reading {table.name}")
        mapped = source.read(table.name)
        if mapped is None or not _complete(table, mapped, source, found):
            if mapped is None and table.name != "usage_events":  # one way of bringing usage_daily
                found.append(_absent(table, source))
            continue
        progress(f"checking {table.name}")
        columns[table.name] = _columns(mapped)
        ledger = Ledger.open(mapped)
        if mapped.unknown:
            ledger.note("unknown_column", mapped.unknown, 0, "ignored")
        for rule in mapped.conditions:
            ledger.quarantine(rule, (), mapped.frame[f"_rule {rule}"], f"condition `{rule}` of the mapping", "warning")
        read_columns(ledger)
        check_intervals(ledger)
        ledgers[table.name], others[table.name] = ledger, mapped.others

    if extracted_at is not None and extracted_at.tzinfo is not None:
        extracted_at = extracted_at.astimezone(UTC).replace(tzinfo=None)
    moment = extracted_at or source.mapping.extracted_at or assumed_extract(ledgers.values())
    if moment is None:
        raise UnusableData(
            f"{source.location}: no usable time in any table; say when the export was made (extracted_at)."
        )
    for ledger in ledgers.values():
        progress(f"comparing {ledger.name}")
        check_extract(ledger, moment)
        if ledger.name != "accounts":
            _check_accounts(ledger, ledgers["accounts"].usable()["account_id"])
        check_duplicates(ledger, others[ledger.name])
    if extracted_at is None and source.mapping.extracted_at is None:
        ledgers["accounts"].note("extracted_at_assumed", (), 0, f"kept: {moment:%Y-%m-%d %H:%M} is taken")
    _lapse_orders(ledgers["contracts"], order_lapse_days)
    _check_coverage(ledgers)
    for ledger in ledgers.values():
        _check_life(ledger, moment, timedelta(days=stale_after_days))
        _check_share(ledger, source, max_bad_share)

    frames = {name: ledger.usable() for name, ledger in ledgers.items()}
    _roll_up(frames, ledgers)
    quarantine = {name: rows for name, ledger in ledgers.items() if (rows := ledger.quarantined()).height}
    rows_read = {name: ledger.rows_read for name, ledger in ledgers.items()}
    for aside in source.put_aside:
        found.extend(_aside_findings(aside))
        quarantine[f"owner.{aside.table}"] = _aside_rows(aside)
        rows_read[f"owner.{aside.table}"] = aside.rows_read
    findings = (*found, *(finding for ledger in ledgers.values() for finding in ledger.findings))
    tables = Tables(moment, {name: frame.lazy() for name, frame in frames.items()})
    rows_repaired = {name: ledger.rows_repaired for name, ledger in ledgers.items()}
    return Checked(tables, findings, quarantine, rows_read, rows_repaired, columns)


def _columns(mapped: Mapped) -> dict[str, str]:
    read = {name: str(kind) for name, kind in mapped.frame.schema.items() if name[:1] != "_"}
    return read | dict.fromkeys(mapped.unknown, "unused")


def _absent(table: Table, source: Source) -> Finding:
    if table.required:
        there = ", ".join(source.owner_tables) or "nothing"
        raise UnusableData(
            f"{source.location}: the required table `{table.name}` is missing (there is: {there}); add a file of that "
            f"name or a section [{table.name}] in the mapping file."
        )
    return Finding(table.name, "missing_table", (), 0, 0.0, None, "signals that need it are missing", "note")


def _complete(table: Table, mapped: Mapped, source: Source, found: list[Finding]) -> bool:
    """Whether all required columns are there."""
    needed = [column.name for column in table.columns if column.required]
    missing = tuple(name for name in needed if name not in mapped.frame.columns)
    if not missing:
        return True
    names = ", ".join(missing)
    if table.required:
        there = ", ".join((*(name for name in mapped.frame.columns if name[:1] != "_"), *mapped.unknown))
        raise UnusableData(
            f"{source.location}: the required table `{table.name}` has no column {names} (it has: {there}); name the "
            f"owner's column in the mapping file, [{table.name}] columns."
        )
    action = f"the table is left out: map {names}"
    found.append(Finding(table.name, "missing_column", missing, 0, 0.0, None, action, RULES["missing_column"].severity))
    return False


def _check_accounts(ledger: Ledger, accounts: pl.Series) -> None:
    ids = ledger.frame["account_id"]
    unknown = (~ids.is_in(accounts.implode())).fill_null(False)
    if ledger.table.column("account_id").required:
        ledger.quarantine("unknown_account", ("account_id",), unknown, "the account is not in accounts")
    else:
        ledger.blank("unknown_account", "account_id", unknown)


def _lapse_orders(contracts: Ledger, days: int) -> None:
    frame = contracts.frame
    open_orders = (
        (frame["kind"] == "order") & frame["term_end"].is_null() & frame["term_start"].is_not_null()
    ).fill_null(False)
    lapse = pl.min_horizontal(pl.col("term_start") + pl.duration(days=days), datetime(9999, 12, 31))
    ends = frame.select(pl.when(open_orders).then(lapse).otherwise("term_end").alias("term_end"))["term_end"]
    contracts.repair("order_lapse", "term_end", open_orders, f"term_end set to term_start + {days} days", ends)


def _check_coverage(ledgers: Mapping[str, Ledger]) -> None:
    covered = coverage(ledgers["accounts"].usable(), ledgers["contracts"].usable())
    for name, time in _WITHIN_CONTRACT.items():
        if name in ledgers:
            ledger = ledgers[name]
            outside = covered.outside(ledger.frame["account_id"], ledger.frame[time])
            ledger.keep("outside_contract", ("account_id", time), outside & ~ledger.bad)


def _check_life(ledger: Ledger, extracted_at: datetime, stale_after: timedelta) -> None:
    if not ledger.rows_read:
        ledger.note("empty_table", (), 0, RULES["empty_table"].then)
    elif ledger.table.time is not None and ledger.table.time not in PLANNED:
        latest = latest_fact(ledger, extracted_at)
        if latest is not None and extracted_at - latest > stale_after:
            days = (extracted_at - latest).days
            ledger.note(
                "stale_table", (), 0, f"kept: the latest is of {latest:%Y-%m-%d}, {days} days before the extract"
            )


def _check_share(ledger: Ledger, source: Source, max_bad_share: float) -> None:
    if not ledger.table.required:
        return
    bad = int(ledger.bad.sum()) + ledger.malformed.height
    if bad == ledger.rows_read or bad / ledger.rows_read > max_bad_share:
        reasons = ", ".join(
            f"{finding.rule} {finding.count:,}" for finding in ledger.findings if finding.action == "quarantined"
        )
        raise UnusableData(
            f"{source.location}: {bad:,} of {ledger.rows_read:,} rows of `{ledger.name}` can't be used"
            f"{f' ({reasons})' if reasons else ''}; at most {max_bad_share:.0%} may be bad. Correct the export or its "
            "mapping, or raise max_bad_share."
        )


def _roll_up(frames: dict[str, pl.DataFrame], ledgers: Mapping[str, Ledger]) -> None:
    """Put usage_events into usage_daily, where it has not the same account, day and product already."""
    events = frames.pop("usage_events", None)
    if events is None:
        return
    ledger = ledgers["usage_events"]
    daily = roll_up(events)
    if "usage_daily" in frames:
        both = daily.join(frames["usage_daily"].select(KEY), on=KEY, how="semi", nulls_equal=True).height
        if both:
            first = daily.join(frames["usage_daily"].select(KEY), on=KEY, how="semi", nulls_equal=True).row(
                0, named=True
            )
            example = Example("usage_daily", None, 1, f"{first['account_id']}, {first['date']}, {first['product']}")
            ledger.note("rolled_up_twice", KEY, both, "usage_daily kept, events left out", example)
        daily = daily.join(frames["usage_daily"].select(KEY), on=KEY, how="anti", nulls_equal=True)
        frames["usage_daily"] = pl.concat([frames["usage_daily"], daily])
    else:
        frames["usage_daily"] = daily
    ledger.note("rolled_up", KEY, events.height, f"counted in {daily.height:,} rows of usage_daily")


def _aside_findings(aside: PutAside) -> list[Finding]:
    found = []
    for rule in aside.rules:
        hits = aside.rows.filter(pl.col(f"_rule {rule}"))
        if not hits.height:
            continue
        name = f"owner.{aside.table}"
        first = hits.row(0, named=True)
        example = Example(name, first["_file"], first["_row"], "")
        severity = RULES[rule].severity if rule in RULES else "warning"
        share = hits.height / aside.rows_read
        found.append(Finding(name, rule, (), hits.height, share, example, "quarantined", severity))
    return found


def _aside_rows(aside: PutAside) -> pl.DataFrame:
    """Rows put aside as text, with `rule` and `reason`."""
    flags = [f"_rule {rule}" for rule in aside.rules]
    names = [pl.when(pl.col(flag)).then(pl.lit(flag.removeprefix("_rule "))) for flag in flags]
    why = [] if "_why" not in aside.rows.columns else ["_why"]
    rules = aside.rows.select(
        rule=pl.concat_list(names).list.drop_nulls().list.join("; "),
        reason=pl.concat_str(
            [
                *(
                    pl.when(pl.col(f)).then(pl.lit(f"condition `{f[6:]}` of the mapping"))
                    for f in flags
                    if f[6:] not in RULES
                ),
                *why,
            ],
            separator="; ",
            ignore_nulls=True,
        ),
    )
    shown = as_text(aside.rows.drop(*flags, *why))
    rest = [name for name in shown.columns if name not in ("_file", "_row")]
    return shown.hstack(rules).select("_file", "_row", "rule", "reason", *rest)
