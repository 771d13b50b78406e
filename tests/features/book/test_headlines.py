"""Two customers of now, and one that has left."""

import pytest

CONTRACTS = """account_id contract_id kind term_start term_end arr seats
               Thrive t1 subscription 2024-06-01 -          300 10
               Quiet  q1 subscription 2024-06-01 -          100 40
               Fade   f1 subscription 2024-06-01 2025-06-01 100 50"""


def test_onboarded(told):
    values = told(
        contracts=CONTRACTS,
        milestones="""account_id kind name planned_at reached_at
                      Thrive onboarding kickoff 2024-06-10 2024-06-12
                      Thrive onboarding live    2024-07-10 2024-09-01
                      Thrive onboarding review  2026-03-01 -
                      Thrive adoption   tenth   2024-08-01 -
                      Quiet  onboarding kickoff 2024-06-10 2024-06-10
                      Quiet  onboarding live    2024-07-10 2026-01-01
                      Fade   onboarding kickoff 2024-06-10 2024-06-10""",
    )
    assert values["onboarded"] == 1 / 2


def test_adopted_caps_at_the_seats_and_counts_the_busiest_day(told):
    values = told(
        contracts=CONTRACTS,
        usage_daily="""account_id date active_users
                       Thrive 2025-12-20 25
                       Quiet  2025-12-10 4
                       Quiet  2025-12-30 8
                       Quiet  2025-12-31 40
                       Quiet  2025-12-02 40
                       Fade   2025-05-01 50""",
    )
    assert values["adopted"] == (10 + 8) / (10 + 40)


def test_a_customer_that_stopped_using_it_counts_zero_and_one_never_seen_nothing(told):
    usage = "account_id date active_users\nThrive 2025-10-01 10\nFade 2025-12-30 1"
    assert told(contracts=CONTRACTS, usage_daily=usage)["adopted"] == 0 / 10


def test_success_weighs_what_was_due(told):
    values = told(
        contracts=CONTRACTS,
        objectives="""account_id objective_id created_at due_at achieved_at weight
                      Thrive 1 2025-01-01 2025-06-01 2025-07-01 3
                      Thrive 2 2025-01-01 2025-06-01 -          -
                      Quiet  1 2025-01-01 2025-06-01 2026-01-01 1
                      Quiet  2 2025-01-01 2026-06-01 2025-06-01 9
                      Fade   1 2025-01-01 2025-06-01 2025-06-01 9""",
    )
    assert values["success"] == 3 / 5


def test_available(told):
    values = told(
        contracts=CONTRACTS,
        incidents="""account_id started_at ended_at
                     Thrive 2025-06-01 2025-06-08
                     Quiet  2025-12-29 2026-01-05
                     Quiet  2024-12-01 2024-12-10
                     Fade   2025-02-01 2025-05-01""",
    )
    assert values["available"] == pytest.approx(1 - (7 + 2) / (2 * 364))


def test_no_incidents_is_always_there_and_no_table_is_unknown(told):
    assert told(contracts=CONTRACTS, incidents="account_id started_at")["available"] == 1
    assert told(contracts=CONTRACTS)["available"] is None


def test_satisfaction_and_promoters(told):
    values = told(
        contracts=CONTRACTS,
        tickets="""ticket_id account_id opened_at closed_at csat
                   1 Thrive 2025-12-01 2025-12-02 5
                   2 Thrive 2025-12-01 2025-12-02 4
                   3 Fade   2025-05-01 2025-05-02 3
                   4 Fade   2025-05-01 2025-05-02 -
                   5 Quiet  2025-12-01 2026-01-01 1""",
        surveys="""account_id responded_at kind score
                   Thrive 2025-11-01 nps 9
                   Quiet  2025-11-01 nps 8
                   Quiet  2025-11-01 csat 5
                   Quiet  2024-11-01 nps 10""",
    )
    assert values["support_satisfaction"] == 2 / 3
    assert values["promoters"] == 1 / 2
