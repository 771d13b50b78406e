"""A mapping file that is wrong says where, what and what to do."""

from datetime import datetime
from pathlib import Path

import pytest

from features.errors import MappingError
from features.mapping import load_mapping


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


def test_a_mapping_in_full(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(
        """
        extracted_at = 2024-03-01T02:00:00+02:00
        [files]
        lines = "invoice lines.csv"
        [accounts]
        from = "crm"
        columns = { account_id = "company_no" }
        [tickets]
        select = "SELECT * FROM cases"
        values = { category = { "Bug" = "defect" } }
        quarantine = { test_ticket = "subject = 'test'" }
        [owner.lines.quarantine]
        no_customer = "customer IS NULL"
        """
    )
    mapping = load_mapping(path)
    assert mapping.extracted_at == datetime(2024, 3, 1)
    assert mapping.tables["accounts"].source == "crm"
    assert mapping.tables["tickets"].values == {"category": {"Bug": "defect"}}
    assert mapping.owner["lines"].quarantine == {"no_customer": "customer IS NULL"}


def test_a_plain_date_is_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text("extracted_at = 2024-03-01")
    assert load_mapping(path).extracted_at == datetime(2024, 3, 1)


@pytest.mark.parametrize(
    "text, message",
    [
        ("[accounts", "not valid TOML"),
        ("[acounts]", "`acounts` is not a canonical table; did you mean `accounts`"),
        ("extracted = 2024-01-01", "did you mean `extracted_at`?"),
        ("extracted_at = 'soon'", "`extracted_at` is not a date or time"),
        (
            "[accounts]\ncolumns = { acount_id = 'id' }",
            "[accounts] columns: `acount_id` is not a column of accounts; did",
        ),
        ("[accounts]\ncolumn = { account_id = 'id' }", "`accounts.column` is not known; did you mean `columns`?"),
        ("[accounts]\nfrom = 'a'\nselect = 'SELECT 1'", "`accounts`: has both `select` and `from`/`columns`"),
        ("[accounts]\nfrom = 7", "`accounts.from`: input should be a valid string"),
        (
            "[tickets]\nvalues.category = { Bug = 'defekt' }",
            "`Bug` becomes `defekt`, which tickets.category doesn't allow",
        ),
        ("[tickets]\nvalues.categori = { Bug = 'defect' }", "[tickets] values: `categori` is not a column"),
        ("[owner.lines]\nquarantines = {}", "`owner.lines.quarantines` is not known; did you mean `quarantine`?"),
        ("accounts = 3", "`accounts`"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert "mapping.toml" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="there is no such mapping file"):
        load_mapping(tmp_path / "none.toml")
