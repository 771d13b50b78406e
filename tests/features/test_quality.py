"""Every rule on the smallest CSV that breaks it, and the laws that hold whatever comes in."""
# ruff: noqa: E501 (a case of a table is a line)

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import UnusableData
from features.findings import Checked, Finding, write_quarantine
from features.quality import check
from features.rules import RULES
from features.sources import open_source
from features.tables import TABLES

EXTRACT = datetime(2024, 6, 1)
GOOD = {
    "accounts": "account_id\na\nb\n",
    "contracts": "contract_id,account_id,term_start,term_end,arr\nc1,a,2024-01-01,2025-01-01,10\nc2,b,2024-01-01,,20\n",
}


def run(folder: Path, extracted_at: datetime | None = EXTRACT, max_bad_share: float = 1.0, **tables: str) -> Checked:
    """Check CSV tables put into a folder; `accounts` and `contracts` are good ones unless given."""
    for name, text in (GOOD | tables).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    with open_source(folder) as source:
        return check(source, extracted_at=extracted_at, max_bad_share=max_bad_share)


def only(result: Checked, rule: str) -> Finding:
    (finding,) = [finding for finding in result.findings if finding.rule == rule]
    return finding


def column(result: Checked, table: str, name: str) -> list[object]:
    return result.tables[table].collect()[name].to_list()


# fmt: off
ROWS = [
    # rule, table, CSV of it, columns, rows it finds, rows quarantined, what is done
    ("missing_value", "tickets", "ticket_id,account_id,opened_at\n1,a,2024-05-20\n2,a,\n", "opened_at", 1, 1, "quarantined"),
    ("unparseable", "tickets", "ticket_id,account_id,opened_at\n1,a,soon\n", "opened_at", 1, 1, "quarantined"),
    ("unparseable", "tickets", "ticket_id,account_id,opened_at,cost\n1,a,2024-05-20,lots\n", "cost", 1, 0, "set to missing"),
    ("time_zone", "tickets", "ticket_id,account_id,opened_at\n1,a,2024-05-20T01:00:00+02:00\n", "opened_at", 1, 0, "converted to UTC"),
    ("number_format", "invoices", "invoice_id,account_id,issued_at,due_at,amount\n1,a,2024-05-20,2024-06-20,€1\n", "amount", 1, 0, "read as a number"),
    ("date_format", "tickets", "ticket_id,account_id,opened_at\n1,a,20/05/2024\n", "opened_at", 1, 0, "read as a date"),
    ("spelling", "tickets", "ticket_id,account_id,opened_at,category\n1,a,2024-05-20,How-To\n", "category", 1, 0, "canonical"),
    ("unknown_category", "tickets", "ticket_id,account_id,opened_at,category\n1,a,2024-05-20,bug\n", "category", 1, 0, "set to other"),
    ("unknown_category", "tickets", "ticket_id,account_id,opened_at,channel\n1,a,2024-05-20,fax\n", "channel", 1, 0, "set to missing"),
    ("unknown_category", "engagements", "account_id,engaged_at,kind\na,2024-05-20,lunch\n", "kind", 1, 1, "quarantined"),
    ("out_of_range", "tickets", "ticket_id,account_id,opened_at,severity\n1,a,2024-05-20,5\n2,a,2024-05-20,4\n", "severity", 1, 0, "set to missing: severity is outside 1 to 4"),
    ("out_of_range", "contracts", "contract_id,account_id,term_start,term_end,arr\nc1,a,2024-01-01,2025-01-01,10\nc2,b,2024-01-01,,20\nc3,a,2024-01-01,,-5\n", "arr", 1, 1, "quarantined"),
    ("mixed_scale", "surveys", "account_id,responded_at,kind,score\na,2024-05-20,nps,9\na,2024-05-21,nps,90\na,2024-05-21,csat,5\n", "score", 1, 1, "quarantined"),
    ("mixed_scale", "community_threads", "thread_id,forum,opened_at,sentiment\n1,f,2024-05-20,-40\n", "sentiment", 1, 0, "set to missing: sentiment is outside -1 to 1; it looks 100 times too large (percent)"),
    ("end_before_start", "tickets", "ticket_id,account_id,opened_at,closed_at\n1,a,2024-05-20,2024-05-19\n", "opened_at closed_at", 1, 1, "quarantined"),
    ("end_before_start", "tickets", "ticket_id,account_id,opened_at,first_response_at\n1,a,2024-05-20,2024-05-19\n", "first_response_at", 1, 0, "set to missing"),
    ("after_extract", "tickets", "ticket_id,account_id,opened_at\n1,a,2024-06-02\n", "opened_at", 1, 1, "quarantined"),
    ("after_extract", "usage_daily", "account_id,date\na,2024-06-01\na,2024-06-02\n", "date", 1, 1, "quarantined"),
    ("after_extract", "objectives", "account_id,objective_id,created_at,due_at,available_at\na,1,2024-05-01,2030-01-01,2024-07-01\n", "available_at", 1, 1, "quarantined"),
    ("after_extract", "objectives", "account_id,objective_id,created_at,due_at,achieved_at\na,1,2024-05-01,2030-01-01,2024-07-01\n", "achieved_at", 1, 0, "set to missing"),
    ("unknown_account", "tickets", "ticket_id,account_id,opened_at\n1,z,2024-05-20\n", "account_id", 1, 1, "quarantined"),
    ("unknown_account", "community_threads", "thread_id,account_id,forum,opened_at\n1,z,f,2024-05-20\n2,,f,2024-05-20\n", "account_id", 1, 0, "set to missing"),
    ("duplicate_row", "tickets", "ticket_id,account_id,opened_at\n1,a,2024-05-20\n1,a,2024-05-20\n1,a,2024-05-20 00:00\n", "ticket_id", 2, 2, "quarantined"),
    ("duplicate_row", "surveys", "answer,account_id,responded_at,kind,score\n1,a,2024-05-20,nps,9\n2,a,2024-05-20,nps,9\n2,a,2024-05-20,nps,9\n", "", 1, 1, "quarantined"),
    ("duplicate_key", "tickets", "ticket_id,account_id,opened_at,severity\n1,a,2024-05-20,1\n1,a,2024-05-20,2\n", "ticket_id", 1, 1, "quarantined"),
    ("duplicate_key", "usage_daily", "account_id,date,product,events\na,2024-05-20,,1\na,2024-05-20,,2\n", "account_id date product", 1, 1, "quarantined"),
    ("outside_contract", "usage_daily", "account_id,date\na,2023-12-31\na,2024-01-01\na,2024-05-20\nb,2023-01-01\n", "account_id date", 2, 0, "kept"),
    ("order_lapse", "contracts", "contract_id,account_id,term_start,arr,kind\nc1,a,2024-01-01,1,order\nc2,a,2024-01-01,1,service\n", "term_end", 1, 0, "term_end set to term_start + 90 days"),
    ("rolled_up", "usage_events", "account_id,event_time\na,2024-05-20T10:00:00\nb,2024-05-20T10:00:00\n", "account_id date product", 2, 0, "counted in 2 rows of usage_daily"),
    ("malformed_line", "tickets", "ticket_id,account_id,opened_at\n1,a\n2,a,2024-05-20\n", "", 1, 1, "quarantined"),
]
# fmt: on


@pytest.mark.parametrize("rule, table, text, columns, count, quarantined, action", ROWS)
def test_rules_about_rows(
    tmp_path: Path, rule: str, table: str, text: str, columns: str, count: int, quarantined: int, action: str
) -> None:
    result = run(tmp_path, **{table: text})
    finding = only(result, rule)
    assert (finding.table, " ".join(finding.columns), finding.count) == (table, columns, count)
    assert finding.action.startswith(action)
    assert finding.share == pytest.approx(count / result.rows_read[table])
    assert result.rows_quarantined(table) == quarantined
    if quarantined:
        assert rule in result.quarantine[table]["rule"].to_list()


# fmt: off
TABLE_RULES = [
    # rule, CSVs, whether the extract time is said, table, what is done
    ("missing_table", {}, True, "tickets", ""),
    ("empty_table", {"tickets": "ticket_id,account_id,opened_at\n"}, True, "tickets", "kept"),
    ("stale_table", {"tickets": "ticket_id,account_id,opened_at\n1,a,2024-05-01\n"}, True, "tickets", "kept: the latest is of 2024-05-01, 31"),
    ("missing_column", {"tickets": "ticket_id,account_id\n1,a\n"}, True, "tickets", "the table is left out: map opened_at"),
    ("unknown_column", {"tickets": "ticket_id,account_id,opened_at,mood\n1,a,2024-05-20,good\n"}, True, "tickets", "ignored"),
    ("rolled_up_twice", {"usage_daily": "account_id,date,events\na,2024-05-20,7\n", "usage_events": "account_id,event_time\na,2024-05-20\n"}, True, "usage_events", "usage_daily kept"),
    ("extracted_at_assumed", {}, False, "accounts", "kept: 2024-01-01 00:00 is taken"),
]
# fmt: on


@pytest.mark.parametrize("rule, tables, said, table, action", TABLE_RULES)
def test_rules_about_tables(
    tmp_path: Path, rule: str, tables: dict[str, str], said: bool, table: str, action: str
) -> None:
    result = run(tmp_path, EXTRACT if said else None, **tables)
    finding = next(finding for finding in result.findings if (finding.rule, finding.table) == (rule, table))
    assert finding.action.startswith(action)


def test_every_rule_has_a_case() -> None:
    assert {case[0] for case in (*ROWS, *TABLE_RULES)} == set(RULES)


@pytest.mark.parametrize(
    "tables, message",
    [
        ({"accounts": "id\na\n"}, "the required table `accounts` has no column account_id (it has: id)"),
        ({"contracts": "contract_id,account_id,term_start\n1,a,2024-01-01\n"}, "`contracts` has no column arr"),
        ({"accounts": "account_id\n"}, "0 of 0 rows of `accounts` can't be used"),
        (
            {"contracts": f"{GOOD['contracts']}c3,z,2024-01-01,,1\nc4,z,2024-01-01,,1\n"},
            "2 of 4 rows of `contracts` can't be used (unknown_account 2); at most 20% may be bad",
        ),
    ],
)
def test_what_cannot_be_used_at_all(tmp_path: Path, tables: dict[str, str], message: str) -> None:
    with pytest.raises(UnusableData) as caught:
        run(tmp_path, max_bad_share=0.2, **tables)
    assert message in str(caught.value)


def test_a_required_table_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id\na\n")
    with open_source(tmp_path) as source, pytest.raises(UnusableData, match="required table `contracts` is missing"):
        check(source)


def test_tables_have_the_declared_columns_and_types(tmp_path: Path) -> None:
    result = run(tmp_path, tickets="opened_at,ticket_id,account_id\n2024-05-20,7,a\n")
    for name, frame in result.tables.frames.items():
        assert dict(frame.collect_schema()) == TABLES[name].schema
    assert result.tables.extracted_at == EXTRACT


def test_an_example_cites_file_row_and_value(tmp_path: Path) -> None:
    text = "ticket_id,account_id,opened_at\n1,a\n2,a,2024-05-20\n3,a,soon\n"
    assert str(only(run(tmp_path, tickets=text), "unparseable").example) == "tickets.csv row 3: soon"


def test_a_row_is_quarantined_once_with_all_its_reasons(tmp_path: Path) -> None:
    result = run(tmp_path, tickets="ticket_id,account_id,opened_at,closed_at\n 1 ,z,2024-05-20,2024-05-19\n")
    (row,) = result.quarantine["tickets"].rows(named=True)
    assert row["rule"] == "end_before_start; unknown_account"
    assert row["reason"] == "closed_at lies before opened_at; the account is not in accounts"
    assert (row["_file"], row["_row"], row["ticket_id"]) == ("tickets.csv", 1, " 1 ")


def test_the_last_known_row_of_a_key_is_kept(tmp_path: Path) -> None:
    text = (
        "account_id,name,available_at\n"
        "a,old,2024-01-01\na,new,2024-03-01\na,older,\n"
        "b,first,2024-01-01\nb,second,2024-01-01\n"
    )
    result = run(tmp_path, accounts=text)
    assert column(result, "accounts", "name") == ["new", "second"]


def test_amendments_are_rows_of_their_own(tmp_path: Path) -> None:
    text = (
        "contract_id,account_id,term_start,term_end,arr,available_at\n"
        "c,a,2024-01-01,2025-01-01,10,2024-01-01\n"
        "c,a,2024-01-01,2024-04-01,10,2024-04-01\n"
        "c,a,2024-07-01,2025-07-01,10,2024-05-01\n"
    )
    usage = "account_id,date\na,2024-03-31\na,2024-04-01\na,2024-05-30\n"
    result = run(tmp_path, contracts=text, usage_daily=usage)
    assert result.rows_quarantined("contracts") == 0
    assert only(result, "outside_contract").count == 2


def test_a_future_term_signed_later_than_the_extract_is_not_known(tmp_path: Path) -> None:
    text = "contract_id,account_id,term_start,arr,available_at\nc,a,2024-07-01,10,2024-05-01\nd,a,2024-07-01,10,2024-06-02\n"
    assert column(run(tmp_path, contracts=text), "contracts", "contract_id") == ["c"]


def test_the_assumed_extract_ignores_a_typing_error_and_counts_days_to_their_end(tmp_path: Path) -> None:
    days = "\n".join(f"a,{date(2024, 1, 1 + n % 28)},p{n}" for n in range(200))
    result = run(tmp_path, None, usage_daily=f"account_id,date,product\n{days}\na,2042-01-01,p\n")
    assert result.tables.extracted_at == datetime(2024, 1, 29)
    assert result.rows_quarantined("usage_daily") == 1


def test_usage_events_become_usage_daily_and_people_stay_out(tmp_path: Path) -> None:
    events = (
        "account_id,user_id,event_time,product,feature,advanced,available_at\n"
        "a,ann,2024-05-20T08:00:00,p,open,no,\n"
        "a,ann,2024-05-20T23:59:59,p,export,yes,2024-05-23\n"
        "a,bob,2024-05-20T09:00:00,p,open,no,2024-05-20T09:00:00\n"
        "a,bob,2024-05-21T00:00:00,p,open,no,\n"
        "z,zoe,2024-05-21T00:00:00,p,open,no,\n"
    )
    result = run(tmp_path, usage_events=events)
    assert "usage_events" not in result.tables
    assert result.tables["usage_daily"].collect().rows() == [
        ("a", date(2024, 5, 20), "p", 2, 3, 2, 1, 1, datetime(2024, 5, 23)),
        ("a", date(2024, 5, 21), "p", 1, 1, 1, 0, 0, None),
    ]
    assert "user_id" not in result.quarantine["usage_events"].columns
    assert not any("zoe" in str(finding) for finding in result.findings)


def test_events_without_users_or_features_leave_those_counts_missing(tmp_path: Path) -> None:
    result = run(tmp_path, usage_events="account_id,event_time\na,2024-05-20\na,2024-05-20T01:00:00\n")
    (row,) = result.tables["usage_daily"].collect().rows(named=True)
    assert (row["events"], row["active_users"], row["features_used"], row["advanced_events"]) == (2, None, None, None)


def test_quarantine_is_written_as_csv(tmp_path: Path) -> None:
    result = run(tmp_path, tickets="ticket_id,account_id,opened_at\n1,z,2024-05-20\n2,a\n")
    (path,) = write_quarantine(result, tmp_path / "out")
    assert path.read_text().splitlines() == [
        "_file,_row,rule,reason,ticket_id,account_id,opened_at,_line",
        "tickets.csv,1,unknown_account,the account is not in accounts,1,z,2024-05-20,",
        'tickets.csv,2,malformed_line,Expected Number of Columns: 3 Found: 2,,,,"2,a"',
    ]


def test_owner_rows_put_aside_are_reported_under_the_owners_name(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("no,kind\na,x\nb,test\nb\n")
    (tmp_path / "mapping.toml").write_text(
        "[owner.crm.quarantine]\ntest_account = \"kind = 'test'\"\n[accounts]\nselect = 'SELECT no AS account_id FROM crm'"
    )
    (tmp_path / "contracts.csv").write_text("contract_id,account_id,term_start,arr\nc,a,2024-01-01,1\n")
    with open_source(tmp_path) as source:
        result = check(source, extracted_at=EXTRACT)
    assert (result.rows_read["owner.crm"], result.rows_usable("owner.crm")) == (3, 1)
    assert result.quarantine["owner.crm"]["rule"].to_list() == ["test_account", "malformed_line"]
    assert only(result, "test_account").table == "owner.crm"


IDS = st.sampled_from(["a", "b", "z", "", "NA", " a"])
TIMES = st.sampled_from(["2024-05-20", "2024-05-21T10:00:00+02:00", "2030-01-01", "20/05/2024", "soon", ""])
NUMBERS = st.sampled_from(["1", "4", "-1", "1,5", "x", "", "90"])
TICKETS = st.lists(st.tuples(IDS, IDS, TIMES, TIMES, NUMBERS), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TICKETS, st.lists(st.integers(0, 11), max_size=3))
def test_rows_read_are_rows_usable_and_rows_quarantined(rows: list[tuple[str, ...]], broken: list[int]) -> None:
    lines = [
        f'{ticket},{account},"{opened}","{closed}","{severity}"' for ticket, account, opened, closed, severity in rows
    ]
    lines = [f"{line},surplus" if number in broken else line for number, line in enumerate(lines)]
    text = "\n".join(("ticket_id,account_id,opened_at,closed_at,severity", *lines, ""))
    with TemporaryDirectory() as folder:
        result = run(Path(folder), tickets=text)
    usable = result.tables["tickets"].collect()
    put_aside = result.quarantine.get("tickets", pl.DataFrame(schema={"_row": pl.Int64}))
    assert result.rows_read["tickets"] == len(rows)
    assert usable.height + put_aside.height == len(rows)
    assert usable.height == result.rows_usable("tickets")
    assert usable["ticket_id"].is_unique().all()
    assert Counter(put_aside["_row"]) <= Counter(range(1, len(rows) + 1))
