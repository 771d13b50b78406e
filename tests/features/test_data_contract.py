"""The document is what the declarations say."""

from features.data_contract import README, filled
from features.tables import TABLES


def test_the_readme_is_up_to_date() -> None:
    text = README.read_text(encoding="utf-8")
    assert filled(text) == text, "run `python -m features.data_contract`"


def test_every_table_is_described() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(f"### {name}\n" in text for name in TABLES)
