"""Reading folders and databases: origins of rows, broken lines, and errors that name the file."""

import gzip
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from features.errors import MappingError, SourceError
from features.findings import Checked
from features.quality import check
from features.sources import open_source

ACCOUNTS = "account_id,name\n007,Acme\n008,\n"
CONTRACTS = (
    "contract_id,account_id,term_start,term_end,arr,seats,auto_renew\n"
    "c1,007,2024-01-01,2025-01-01,1200.5,10,true\n"
    "c2,008,2024-02-01,,600,,false\n"
)


def folder(path: Path, **files: str) -> Path:
    """Write files; `__` in a name stands for the dot, and `___` for a slash."""
    for name, text in files.items():
        file = path / name.replace("___", "/").replace("__", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    return path


def checked(location: Path | str, mapping: Path | None = None) -> Checked:
    with open_source(location, mapping) as source:
        return check(source, extracted_at=datetime(2024, 6, 1))


def frames(result: Checked) -> Mapping[str, pl.DataFrame]:
    return {name: frame.collect() for name, frame in result.tables.frames.items()}


def rows(path: Path, table: str = "accounts", mapping: Path | None = None) -> pl.DataFrame:
    with open_source(path, mapping) as source:
        mapped = source.read(table)
        assert mapped is not None
        return mapped.frame.with_columns(pl.col("_file").cast(pl.String))


def test_csv_is_text_and_knows_its_rows(tmp_path: Path) -> None:
    path = folder(tmp_path, accounts__csv='account_id,name\n007,"two\nlines"\n008,x\n')
    assert rows(path).rows() == [("007", "two\nlines", "accounts.csv", 1), ("008", "x", "accounts.csv", 2)]


def test_malformed_csv_lines_are_set_aside_and_later_rows_keep_their_numbers(tmp_path: Path) -> None:
    path = folder(tmp_path, accounts__csv='account_id,name\na,x\nb\nc,"1\n2"\nd,x,y\ne,x\nf,"x\n')
    with open_source(path) as source:
        mapped = source.read("accounts")
    assert mapped is not None
    assert mapped.frame.select("account_id", "_row").rows() == [("a", 1), ("c", 3), ("e", 5)]
    assert mapped.malformed["_row"].to_list() == [2, 4, 6]
    assert mapped.malformed["_line"][0] == "b"


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_dialects(tmp_path: Path, start: str, end: str, delimiter: str) -> None:
    text = start + end.join((f"account_id{delimiter}name", f"é{delimiter}x", ""))
    assert rows(folder(tmp_path, accounts__csv=text)).select("account_id", "name").rows() == [("é", "x")]


def test_json_lines_are_text_and_broken_ones_set_aside(tmp_path: Path) -> None:
    lines = (
        '{"account_id": 7, "name": "007"}\n{"account_id": \n\n[1]\n{"name": null, "account_id": "x", "a b": {"c": 1}}\n'
    )
    with open_source(folder(tmp_path, accounts__jsonl=lines)) as source:
        mapped = source.read("accounts")
    assert mapped is not None
    assert mapped.frame.select("account_id", "name", "_row").rows() == [("7", "007", 1), ("x", None, 5)]
    assert mapped.malformed["_row"].to_list() == [2, 4]
    assert mapped.unknown == ("a b",)


def test_parquet_keeps_types_and_parts_are_one_table(tmp_path: Path) -> None:
    (tmp_path / "accounts").mkdir()
    pl.DataFrame({"account_id": ["a"], "created_at": [datetime(2024, 1, 1)]}).write_parquet(
        tmp_path / "accounts/1.parquet"
    )
    folder(tmp_path, accounts___2__csv="account_id,created_at\nb,2024-01-02\n")
    with gzip.open(tmp_path / "contracts.csv.gz", "wt", encoding="utf-8") as file:
        file.write("contract_id,account_id,term_start,arr\nc,a,2024-01-01,1\n")
    result = rows(tmp_path).sort("account_id")
    assert result.select("account_id", "_file", "_row").rows() == [
        ("a", "accounts/1.parquet", 1),
        ("b", "accounts/2.csv", 1),
    ]
    assert rows(tmp_path, "contracts").height == 1


def test_a_mapping_in_the_folder_is_used(tmp_path: Path) -> None:
    folder(tmp_path, crm__csv="no,title,kind\n1,Acme,x\n2,Test,x\n", contracts__csv="contract_id\n1\n")
    folder(
        tmp_path,
        mapping__toml="""
        [accounts]
        from = "crm"
        columns = { account_id = "no", name = "title" }
        values.name = { Acme = "ACME" }
        quarantine = { test = "title = 'Test'" }
        """,
    )
    with open_source(tmp_path) as source:
        mapped = source.read("accounts")
    assert mapped is not None
    assert mapped.frame["name"].to_list() == ["ACME", "Test"]
    assert mapped.frame["_rule test"].to_list() == [False, True]
    assert mapped.unknown == ("kind",)


def test_owner_rows_are_put_aside_before_any_select(tmp_path: Path) -> None:
    folder(tmp_path, sales__csv="who,what\na,1\n,2\na,1\nb\n")
    folder(
        tmp_path,
        mapping__toml="""
        [owner.sales.quarantine]
        nobody = "who IS NULL"
        again = "row_number() OVER (PARTITION BY who, what ORDER BY _row) > 1"
        [accounts]
        select = "SELECT DISTINCT who AS account_id FROM sales"
        """,
    )
    with open_source(tmp_path) as source:
        mapped = source.read("accounts")
        (aside,) = source.put_aside
    assert mapped is not None
    assert mapped.frame["account_id"].to_list() == ["a"]
    assert (aside.rows_read, aside.rules) == (4, ("nobody", "again", "malformed_line"))
    assert aside.rows["_row"].to_list() == [2, 3, 4]


def read_both(path: Path) -> None:
    with open_source(path) as source:
        source.read("accounts")
        source.read("tickets")


@pytest.mark.parametrize(
    "mapping, message",
    [
        (
            "[accounts]\nselect = 'SELECT nmae AS account_id FROM accounts'",
            '[accounts] select: Referenced column "nmae"',
        ),
        ("[accounts]\nselect = 'SELECT * FROM nothing'", "[accounts] select: Table with name nothing does not exist"),
        ("[accounts]\nselect = 'SELEC'", "[accounts] select: "),
        ("[accounts]\nselect = 'SELECT 1; DROP TABLE accounts'", "[accounts] select: "),
        ('[accounts]\nselect = "SELECT name::INT AS account_id FROM accounts"', "[accounts]: "),
        (
            "[accounts]\nfrom = 'account'",
            "[accounts] from: the source has no table `account`; did you mean `accounts`?",
        ),
        ("[accounts]\ncolumns = { name = 'titel' }", "[accounts] columns.name: "),
        ("[accounts]\nquarantine = { odd = 'nme = 1' }", "[accounts] quarantine.odd: "),
        ("[accounts]\nvalues.owner = { a = 'b' }", "[accounts] values.owner: the mapped rows have no such column"),
        ("[owner.lines]\nquarantine = { odd = 'true' }", "[owner.lines]: the source has no such table"),
        ("[owner.accounts]\nquarantine = { odd = 'x' }", "[owner.accounts] quarantine.odd: "),
        ("[tickets]\nvalues.category = { a = 'defect' }", "[tickets]: say `from` or `select`"),
    ],
)
def test_mistakes_in_a_mapping(tmp_path: Path, mapping: str, message: str) -> None:
    folder(tmp_path, accounts__csv=ACCOUNTS, mapping__toml=mapping)
    with pytest.raises(MappingError) as caught:
        read_both(tmp_path)
    assert message in str(caught.value)
    assert "mapping.toml" in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT content AS account_id FROM read_text('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM source",
    ],
)
def test_sql_reads_nothing_but_the_source(tmp_path: Path, sql: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    data = folder(tmp_path / "data", accounts__csv=ACCOUNTS)
    mapping = tmp_path / "m.toml"
    mapping.write_text(f'[accounts]\nselect = """{sql.format(secret=secret, folder=tmp_path)}"""')
    with pytest.raises(MappingError), open_source(data, mapping) as source:
        source.read("accounts")


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("accounts.csv", b"", "the file is empty"),
        ("accounts.csv", "account_id,name\n1,é\n".encode("latin-1"), "not UTF-8"),
        ("accounts.csv", "account_id,name\n1,x\n".encode("utf-16"), "not UTF-8"),
        ("accounts.csv", b"account_id,Name,name\n1,x,y\n", "column name `Name` stands twice"),
        ("accounts.csv", b"account_id,name\r\n1,x\n2,y\r\n", "mixes two kinds of line ends"),
        ("accounts.csv.gz", b"not gzip", "can't be read"),
        ("accounts.parquet", b"not parquet", "can't be read"),
        ("accounts.jsonl", '{"account_id": "é"}\n'.encode("latin-1"), "not UTF-8"),
        ("accounts.jsonl.gz", b"not gzip", "can't be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught, open_source(tmp_path) as source:
        source.read("accounts")
    assert message in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "location, message",
    [
        ("{tmp}/none", "there is no such folder"),
        ("{tmp}", "no table found"),
        ("sqlite:///{tmp}/none.db", "there is no such SQLite file"),
        ("sqlite:///{tmp}/broken.db", "can't be opened"),
        ("mysql://somebody:secret@host/db", "mysql:// is not a kind of source"),
        ("postgresql://somebody:secret@localhost:1/db", "can't be opened"),
    ],
)
def test_sources_that_cannot_be_opened(tmp_path: Path, location: str, message: str) -> None:
    (tmp_path / "broken.db").write_bytes(b"x" * 2000)
    with pytest.raises(SourceError) as caught, open_source(location.format(tmp=tmp_path)):
        pass
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_one_table_spelled_twice(tmp_path: Path) -> None:
    folder(tmp_path, accounts__csv=ACCOUNTS, accounts__jsonl="{}")
    with pytest.raises(SourceError, match=r"accounts\.csv and accounts\.jsonl are both table `accounts`"):
        open_source(tmp_path)


def test_sqlite_gives_the_same_tables_as_csv(tmp_path: Path) -> None:
    path = folder(tmp_path / "csv", accounts__csv=ACCOUNTS, contracts__csv=CONTRACTS)
    database = tmp_path / "book.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            """
            CREATE TABLE accounts (account_id TEXT PRIMARY KEY, name TEXT);
            CREATE TABLE contracts (contract_id TEXT, account_id TEXT, term_start TEXT, term_end TEXT, arr REAL,
                                    seats INTEGER, auto_renew INTEGER);
            INSERT INTO accounts VALUES ('008', NULL), ('007', 'Acme');
            INSERT INTO contracts VALUES ('c1', '007', '2024-01-01', '2025-01-01', 1200.5, 10, 1),
                                         ('c2', '008', '2024-02-01', '', 600, NULL, 0);
            """
        )
    expected, found = frames(checked(path)), frames(checked(f"sqlite:///{database}"))
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        assert_frame_equal(found[name], frame)


@pytest.mark.postgres
def test_postgresql_gives_the_same_tables_as_csv(tmp_path: Path, postgres_url: str) -> None:
    path = folder(tmp_path / "csv", accounts__csv=ACCOUNTS, contracts__csv=CONTRACTS)
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE accounts (account_id TEXT PRIMARY KEY, name TEXT, created_at TIMESTAMPTZ)")
        )
        connection.execute(sa.text("INSERT INTO accounts (account_id, name) VALUES ('008', NULL), ('007', 'Acme')"))
        connection.execute(
            sa.text(
                "CREATE TABLE contracts (contract_id VARCHAR(9), account_id TEXT, term_start TIMESTAMPTZ,"
                " term_end DATE, arr NUMERIC(12, 2), seats SMALLINT, auto_renew BOOLEAN, extra JSONB)"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO contracts VALUES ('c1', '007', '2024-01-01 02:00+02', '2025-01-01', 1200.5, 10, true,"
                " '{}'), ('c2', '008', '2024-02-01 00:00+00', NULL, 600, NULL, false, '[1]')"
            )
        )
    expected = frames(checked(path))
    result = checked(postgres_url.replace("+psycopg", ""))
    found = frames(result)
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        assert_frame_equal(found[name], frame)
    assert [finding.columns for finding in result.findings if finding.rule == "unknown_column"] == [("extra",)]


@pytest.mark.postgres
def test_a_postgresql_source_can_be_mapped(tmp_path: Path, postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text('CREATE TABLE "CRM Accounts" (no INTEGER, day DATE)'))
        connection.execute(sa.text("INSERT INTO \"CRM Accounts\" VALUES (7, '2024-01-31')"))
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        "[accounts]\nselect = 'SELECT no AS account_id, day + 1 AS created_at, _file, _row FROM \"CRM Accounts\"'"
    )
    with open_source(postgres_url, mapping) as source:
        mapped = source.read("accounts")
    assert mapped is not None
    assert mapped.frame.row(0) == (7, date(2024, 2, 1), "CRM Accounts", 1)


def test_values_polars_cannot_hold_come_as_text(tmp_path: Path) -> None:
    folder(
        tmp_path,
        accounts__csv=ACCOUNTS,
        mapping__toml="""
        [contracts]
        select = """
        + '''"""
        SELECT account_id AS contract_id, account_id, TIMESTAMP '2024-01-01' AS term_start,
               'infinity'::TIMESTAMP AS term_end, 1 AS arr, INTERVAL 1 DAY AS seats, [1] AS product, _row
        FROM accounts"""''',
    )
    result = checked(tmp_path)
    found = {finding.columns: str(finding.example) for finding in result.findings if finding.rule == "unparseable"}
    assert found == {
        ("term_end",): "row 1 of the mapped table contracts: infinity",
        ("seats",): "row 1 of the mapped table contracts: 1 day",
    }
    assert result.tables["contracts"].collect()["term_end"].null_count() == 2


def test_rows_of_a_select_without_an_origin_are_counted(tmp_path: Path) -> None:
    mapping = "[accounts]\nselect = 'SELECT account_id, NULLIF(_row, 1) AS _row, _file FROM accounts'"
    path = folder(tmp_path, accounts__csv=ACCOUNTS, mapping__toml=mapping)
    assert rows(path).select("_file", "_row").rows() == [(None, 1), ("accounts.csv", 2)]


def test_upper_case_names_and_extensions(tmp_path: Path) -> None:
    (tmp_path / "Accounts.CSV").write_text("ACCOUNT_ID\na\n")
    (tmp_path / "mapping.toml").write_text("[owner.accounts]\nquarantine = { none = \"account_id = 'x'\" }")
    with open_source(tmp_path) as source:
        mapped = source.read("accounts")
        (aside,) = source.put_aside
    assert mapped is not None
    assert mapped.frame["account_id"].to_list() == ["a"]
    assert (aside.rows_read, aside.rows.height) == (1, 0)
