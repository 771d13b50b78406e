CONTRACTS = """account_id contract_id kind term_start term_end arr
               Thrive t1 subscription 2024-06-01 -          300
               Thrive t2 maintenance  2024-06-01 -          200
               Fade   f1 subscription 2024-06-01 2025-06-01 100"""

TICKETS = """ticket_id account_id category opened_at closed_at cost
             1 Thrive defect 2025-12-01 2025-12-02 30
             2 Thrive how_to 2025-12-01 2025-12-02 10
             3 Fade   defect 2025-05-01 2025-05-02 40
             4 Fade   -      2025-05-01 2025-05-02 5
             5 Thrive defect 2025-12-20 2026-01-02 99
             6 Thrive defect 2024-12-01 2024-12-02 99"""

ENGAGEMENTS = """account_id engaged_at kind cost
                 Thrive 2025-12-01 call 20
                 Fade   2025-05-01 call -"""


def test_costs_and_margin(told):
    values = told(contracts=CONTRACTS, tickets=TICKETS, engagements=ENGAGEMENTS)
    assert values["defect_share"] == 3 / 4
    assert values["defect_cost"] == 30 + 40
    assert values["cost_to_serve"] == 30 + 10 + 40 + 5 + 20
    assert values["service_margin"] == 200 - 105


def test_without_costs_there_is_no_margin(told):
    values = told(
        contracts=CONTRACTS,
        tickets="ticket_id account_id opened_at closed_at\n1 Thrive 2025-12-01 2025-12-02",
        engagements="account_id engaged_at kind\nThrive 2025-12-01 call",
    )
    assert [values[name] for name in ("defect_cost", "cost_to_serve", "service_margin")] == [None] * 3


def test_without_one_of_the_tables_the_cost_to_serve_is_missing(told):
    values = told(contracts=CONTRACTS, tickets=TICKETS)
    assert (values["cost_to_serve"], values["service_margin"]) == (None, None)
    assert values["defect_cost"] == 70
