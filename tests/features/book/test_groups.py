from datetime import datetime

import pytest

from features.book import GROUPINGS, book
from features.errors import SettingsError

AS_OF = datetime(2025, 12, 31)

ACCOUNTS = """account_id segment available_at
              Thrive small -
              Quiet  large -
              Fade   large 2026-01-01
              Boundary - -"""

CONTRACTS = """account_id contract_id product kind term_start term_end arr
               Thrive   t1 atlas  subscription 2024-06-01 -          100
               Thrive   t2 beacon subscription 2024-06-01 -          100
               Thrive   t3 beacon maintenance  2025-06-01 -           90
               Quiet    q1 beacon subscription 2024-06-01 2025-06-01 300
               Fade     f1 beacon subscription 2025-06-01 -          400
               Boundary b1 -      subscription 2025-06-01 -          500"""


def customers(tables, by):
    return dict(book(tables, AS_OF, by).filter(measure="customers").select("group", "value").rows())


def test_a_column_of_accounts_as_known(make):
    tables = make(accounts=ACCOUNTS, contracts=CONTRACTS)
    assert customers(tables, "segment") == {"large": 0, "small": 1, "unknown": 2}


def test_the_product_is_the_largest_a_year_ago_then_now(make):
    tables = make(accounts=ACCOUNTS, contracts=CONTRACTS)
    assert customers(tables, "product") == {"atlas": 1, "beacon": 1, "unknown": 1}
    churn = book(tables, AS_OF, "product").filter(measure="logo_churn").select("group", "value").rows()
    assert churn == [("atlas", 0), ("beacon", 1), ("unknown", None)]


def test_without_a_grouping_there_is_one(make):
    assert customers(make(accounts=ACCOUNTS, contracts=CONTRACTS), None) == {"all": 3}


@pytest.mark.parametrize("by", GROUPINGS)
def test_every_grouping_has_every_measure(make, by):
    rows = book(make(accounts=ACCOUNTS, contracts=CONTRACTS), AS_OF, by)
    assert rows.group_by("group").len()["len"].n_unique() == 1
    assert rows["measure"].n_unique() * rows["group"].n_unique() == rows.height


def test_what_belongs_to_no_known_account_is_unknown(make):
    threads = "thread_id account_id forum opened_at severity\n1 - api 2025-12-20 1\n2 Thrive api 2025-12-20 4"
    rows = book(make(accounts=ACCOUNTS, contracts=CONTRACTS, community_threads=threads), AS_OF, "segment")
    assert rows.filter(measure="high_severity").select("group", "value").rows() == [
        ("large", None),
        ("small", 0),
        ("unknown", 1),
    ]


def test_another_grouping_is_refused(make):
    with pytest.raises(SettingsError, match="can't be grouped by 'colour': give one of segment, region"):
        book(make(accounts=ACCOUNTS, contracts=CONTRACTS), AS_OF, "colour")


def test_a_moment_is_a_midnight(make):
    with pytest.raises(SettingsError, match="midnight"):
        book(make(accounts=ACCOUNTS, contracts=CONTRACTS), datetime(2025, 12, 31, 12))


def test_no_contracts_at_all(make):
    nobody = make(accounts="account_id", contracts="account_id contract_id term_start arr")
    values = dict(book(nobody, AS_OF).select("measure", "value").rows())
    assert (values["customers"], values["nrr"], values["expansion_arr"]) == (0, None, None)
    assert book(nobody, AS_OF, "segment").is_empty()
