import pytest

CONTRACTS = "account_id contract_id kind term_start arr\nThrive t1 subscription 2024-06-01 300"

TICKETS = """
ticket_id account_id channel opened_at           first_response_at   closed_at           csat
1         Thrive     social  2025-12-01T00:00:00 2025-12-01T01:00:00 2025-12-02T00:00:00 5
2         Thrive     social  2025-12-01T00:00:00 2025-12-01T03:00:00 2025-12-03T00:00:00 2
3         Thrive     social  2025-12-01T00:00:00 2025-12-01T09:00:00 -                   -
4         Thrive     email   2025-12-01T00:00:00 2025-12-01T00:30:00 2025-12-02T00:00:00 1
5         Thrive     -       2025-12-01T00:00:00 -                   -                   -
"""


def test_social(told):
    values = told(contracts=CONTRACTS, tickets=TICKETS)
    assert values["social_interactions"] == 3
    assert values["social_satisfaction"] == 3.5
    assert values["social_response_hours"] == 3
    assert values["social_resolution_hours"] == 36


def test_without_channels_social_is_unknown(told):
    values = told(contracts=CONTRACTS, tickets="ticket_id account_id opened_at\n1 Thrive 2025-12-01")
    names = [name for name in values if name.startswith("social_")]
    assert [values[name] for name in names] == [None] * 4


def test_with_channels_none_social_is_zero(told):
    values = told(contracts=CONTRACTS, tickets="ticket_id account_id opened_at channel\n1 Thrive 2025-12-01 email")
    assert values["social_interactions"] == 0
    assert values["social_response_hours"] is None


@pytest.mark.parametrize("csat, trend", [(5, "better"), (3, "same"), (1, "worse")])
def test_the_sentiment_s_trend_is_against_28_days_earlier(line, csat, trend):
    tickets = f"""ticket_id account_id channel opened_at closed_at csat
                  1 Thrive social 2025-11-01 2025-11-02 3
                  2 Thrive social 2025-12-20 2025-12-22 {csat}"""
    row = line("social_satisfaction", contracts=CONTRACTS, tickets=tickets)
    assert (row["previous"], row["trend"]) == (3, trend)
