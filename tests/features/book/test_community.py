"""Three customers of now, and one that has left."""

import pytest

CONTRACTS = """account_id contract_id kind term_start term_end arr
               Thrive  t1 subscription 2024-06-01 -          300
               Quiet   q1 subscription 2024-06-01 -          100
               Newborn n1 subscription 2024-06-01 -          100
               Fade    f1 subscription 2024-06-01 2025-06-01 100"""

THREADS = """
thread_id account_id forum opened_at  resolved_at severity sentiment entitled known_answer in_knowledge_base new_issue deflected answers_given
1         Thrive     api   2025-12-01 2025-12-02  1        0.5       yes      yes          yes               no        yes       2
2         Thrive     api   2025-11-01 2025-12-02  3        0.1       yes      yes          no                no        yes       0
3         Quiet      admin 2025-06-01 2025-06-02  2        -0.9      no       no           no                yes       no        0
4         Fade       admin 2025-04-01 2025-04-02  -        -         -        -            -                 -         -         1
5         -          ideas 2025-12-20 -           4        0.3       -        -            -                 -         -         -
6         Quiet      ideas 2025-12-20 2026-01-02  4        -         -        yes          yes               yes       yes       -
7         Quiet      old   2024-06-01 2024-06-02  1        -1        yes      yes          yes               yes       yes       1
8         Quiet      old   2023-01-01 2023-01-02  1        -1        yes      yes          yes               yes       yes       0
"""  # noqa: E501, a table

EXPECTED = {
    "active_forums": 2,
    "thread_density": 100 * 4 / 3,
    "community_engagement": 2 / 3,
    "entitlement": 2 / 3,
    "high_severity": 2 / 5,
    "community_sentiment": 0.0,
    "deflection": 2 / 3,
    "new_issues": 1 / 3,
    "known_answers": 2 / 3,
    "knowledge_overlap": 1 / 3,
    "knowledge_gap": 2 / 3,
    "loyalists": 2,
    "loyalist_growth": 1.0,
}


@pytest.fixture
def values(told):
    return told(contracts=CONTRACTS, community_threads=THREADS)


@pytest.mark.parametrize("measure, expected", EXPECTED.items())
def test_measure(values, measure, expected):
    assert values[measure] == pytest.approx(expected)


def test_growth_is_unknown_where_the_year_before_is_not_whole(told):
    young = "\n".join(line for line in THREADS.strip().splitlines() if "2023" not in line)
    values = told(contracts=CONTRACTS, community_threads=young)
    assert (values["loyalists"], values["loyalist_growth"]) == (2, None)


def test_a_feed_that_stopped_is_missing_not_zero(told):
    stopped = "thread_id account_id forum opened_at\n1 Thrive api 2025-11-04"
    assert told(contracts=CONTRACTS, community_threads=stopped)["active_forums"] is None
    lasting = "thread_id account_id forum opened_at\n1 Thrive api 2025-11-05"
    assert told(contracts=CONTRACTS, community_threads=lasting)["active_forums"] == 1


def test_deflected_cost_is_at_the_company_s_mean_cost(told, line):
    tickets = """ticket_id account_id opened_at closed_at cost
                 1 Thrive 2025-12-01 2025-12-02 30
                 2 Fade   2025-02-01 2025-02-02 50
                 3 Quiet  2025-12-01 2025-12-02 -"""
    assert told(contracts=CONTRACTS, community_threads=THREADS, tickets=tickets)["deflected_cost"] == 2 * 40
    free = tickets.replace("30", "-").replace("50", "-")
    assert told(contracts=CONTRACTS, community_threads=THREADS, tickets=free)["deflected_cost"] is None
    assert told(contracts=CONTRACTS, community_threads=THREADS)["deflected_cost"] is None
