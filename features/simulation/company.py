"""A simulated company, its tables and the truth behind them.

Every account has a latent health (`health`: adoption and sentiment, two correlated AR(1) processes around levels of
its own, with slumps) and fixed appetites for support and for meetings. They drive

- **behaviour** (`usage`, `success`, `support`, `voice`, `invoices`): how many seats are used, what gets reached, how
  touches and answers sound, how much breaks. What stands at an `as_of` shows in the period before it;
- **decisions** (`hazard`, `book`): whether a renewal fails, grows or shrinks, and rarely a cancellation mid-term.
  Both too little and too much support, and both too few and too many touches, raise the hazard.

Most leavers slump for some months before a renewal: their usage, tone and success fade. Others leave green, because
their champion left or the buyer cut costs, which shows in nothing but fewer talks with the champion or later payment.

The regime changes after 60 % of the periods: a price increase of 12 % at the next renewal of each mid_market account
lifts that segment's churn, and adoption counts half as much as before in every segment.

Accounts of three segments arrive over time; terms last 1, 12, 24 or 36 months. Renewals are signed ahead, at the end,
or up to 25 days late; leavers give notice or stay silent; one leaver in ten returns after 45 to 300 days.
An account has at most one stay at a time; its side contracts (add-on, maintenance, service) follow the main one.
12 % of the accounts send no usage at all. In several tables a share of rows arrives days to weeks after the event.

With `dirty`, the files carry a few rows of every kind of dirt (`dirt`), ticket csat of one channel is in percent, and
the community feed stops 60 days before the extract. `truth/` is for tests and benchmarks only: `truth.parquet`
(see `truth`) and `dirt.json` (table → rule → rows planted).
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from features.errors import SettingsError
from features.simulation import book as books
from features.simulation import contracts, dirt, invoices, success, support, usage, voice
from features.simulation.cells import cells
from features.simulation.clock import clock, stream
from features.simulation.files import write_csv, write_jsonl
from features.simulation.health import health
from features.simulation.population import population
from features.simulation.soiling import soil, text
from features.simulation.truth import truth
from features.simulation.usage_soiling import soil_usage
from features.tables import TABLES


def _silent(message: str) -> None:
    del message


def simulate(
    folder: Path,
    *,
    accounts: int = 500,
    months: int = 36,
    seed: int = 7,
    end: datetime = datetime(2026, 1, 1),
    dirty: bool = True,
    progress: Callable[[str], None] = _silent,
) -> None:
    """Write the company's tables, `mapping.toml` and `truth/` into `folder`, over what is there.

    `end` is the day of the extract (midnight, UTC without a zone); `months` how much history it holds. The same
    arguments give the same bytes. Raises SettingsError for arguments out of range.
    """
    for argument, value, least in (("accounts", accounts, 1), ("months", months, 1), ("seed", seed, 0)):
        if value < least:
            raise SettingsError(f"{argument} is {value}: give {least} or more")
    if accounts > 99_999 or months > 240:
        raise SettingsError(f"{accounts} accounts over {months} months: give 99,999 accounts and 240 months at most")
    calendar = clock(end, months)
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file: give a folder to write the company into")
    (folder / "truth").mkdir(parents=True, exist_ok=True)

    progress(f"accounts and contracts: {accounts} accounts, {calendar.periods} periods")
    people = population(stream(seed, "population"), calendar, accounts)
    state = health(stream(seed, "health"), calendar, people)
    book = books.walk(stream(seed, "contracts"), calendar, people, state)
    lived = cells(calendar, people, state, book)
    spoiling = stream(seed, "dirt")
    planted: dirt.Planted = {}

    def save(name: str, frame: pl.DataFrame) -> None:
        frame = _known(name, frame, end)
        if dirty and name == "community_threads":
            frame = frame.filter(pl.col("opened_at") < end - timedelta(days=dirt.STALE_DAYS))
        lines, broken = text(frame), 0
        if dirty:
            lines, planted[name] = soil(spoiling, name, frame, end)
            broken = dirt.malformed(name, frame.height)
            planted[name] |= {"malformed_line": broken} if broken else {}
            planted[name] |= {"stale_table": 1} if name == "community_threads" else {}
        if name == "surveys":
            write_jsonl(folder / f"{name}.jsonl", lines, numbers=("score",), malformed=broken)
        else:
            write_csv(folder / f"{name}.csv", lines, malformed=broken)
        progress(f"{name}: {lines.height:,} rows")

    save("accounts", people.frame().filter(pl.Series(people.starts < calendar.bounds[-1])))
    save("contracts", contracts.frame(calendar, people, book))
    save("milestones", success.milestones(stream(seed, "milestones"), calendar, people, state, book))
    save("objectives", success.objectives(stream(seed, "objectives"), calendar, people, book, lived))
    save("engagements", success.engagements(stream(seed, "engagements"), people, lived))
    save("tickets", support.tickets(stream(seed, "tickets"), calendar, people, lived))
    save("surveys", voice.surveys(stream(seed, "surveys"), people, lived))
    save("community_threads", voice.community_threads(stream(seed, "community_threads"), calendar, people, lived))
    save("incidents", support.incidents(stream(seed, "incidents"), calendar, people, lived))
    save("invoices", invoices.invoices(stream(seed, "invoices"), calendar, people, lived))

    def spoil(chunk: pl.DataFrame) -> pl.DataFrame:
        if not dirty:
            return chunk.clear()
        start = end - timedelta(days=calendar.periods * 28)
        extra, planted["usage_daily"] = soil_usage(spoiling, people, chunk, start, end)
        return extra

    chunks = usage.frames(stream(seed, "usage"), calendar, people, state, book)
    rows = usage.write(folder / "usage_daily.parquet", chunks, spoil)
    progress(f"usage_daily: {rows:,} rows")

    (folder / "mapping.toml").write_text(f"extracted_at = {end.isoformat()}\n")
    truth(calendar, people, state, book).write_parquet(folder / "truth" / "truth.parquet")
    (folder / "truth" / "dirt.json").write_text(json.dumps(planted, indent=2, sort_keys=True) + "\n")
    progress("truth written")


def _known(name: str, frame: pl.DataFrame, end: datetime) -> pl.DataFrame:
    """The rows known at the extract, with the table's columns in declared order as far as there are any."""
    if "available_at" in frame.columns:
        frame = frame.filter(pl.col("available_at").is_null() | (pl.col("available_at") < end))
    return frame.select(column for column in TABLES[name].schema if column in frame.columns)
