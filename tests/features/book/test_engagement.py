from datetime import datetime

from features.book import book

AS_OF = datetime(2025, 12, 31)

CONTRACTS = """account_id contract_id kind term_start term_end arr
               Thrive   t1 subscription 2024-06-01 -          400
               Quiet    q1 subscription 2024-06-01 -          100
               Boundary b1 subscription 2024-06-01 -          200
               Backfill k1 subscription 2024-06-01 -          300
               Fade     f1 subscription 2024-06-01 2025-06-01 100"""

ENGAGEMENTS = """account_id engaged_at kind outcome available_at
                 Thrive   2025-12-01 call positive -
                 Thrive   2025-12-31 qbr  positive -
                 Thrive   2026-01-01 call negative -
                 Quiet    2025-03-01 call negative -
                 Boundary 2025-10-08 call -        -
                 Backfill 2025-09-01 call positive 2025-10-09
                 Fade     2025-04-01 call negative -"""


def test_how_much_how_often_how_well(told):
    values = told(contracts=CONTRACTS, engagements=ENGAGEMENTS)
    assert values["base_engaged"] == 2 / 4  # (2025-10-08, 2025-12-31], by when it was known
    assert values["touches_per_customer"] == 5 / 4
    assert values["engagement_quality"] == 3 / 5


def test_by_contract_size(make):
    rows = book(make(contracts=CONTRACTS, engagements=ENGAGEMENTS), AS_OF, by="contract_size")
    often = rows.filter(measure="touches_per_customer").select("group", "value").rows()
    assert often == [
        ("1 smallest quarter", 1),
        ("2 second quarter", 1),
        ("3 third quarter", 1),
        ("4 largest quarter", 2),
    ]
    well = rows.filter(measure="engagement_quality").select("group", "value").rows()
    assert well == [
        ("1 smallest quarter", 0),
        ("2 second quarter", None),
        ("3 third quarter", 1),
        ("4 largest quarter", 1),
    ]
