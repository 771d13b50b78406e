"""The year of the renewal rate runs from 2024-12-02 to 2025-12-01: 30 days before 2025-12-31."""

import pytest

HEAD = "account_id contract_id kind term_start term_end arr available_at\n"

TERMS = {
    "renewed on the day": (
        """
        Thrive t1 subscription 2024-06-01 2025-06-01 100 -
        Thrive t1 subscription 2025-06-01 2026-06-01 150 -
        """,
        (1, 1),
    ),
    "one of two, the larger": (
        """
        Thrive t1 subscription 2024-06-01 2025-06-01 300 -
        Thrive t1 subscription 2025-06-01 2026-06-01 300 -
        Fade   f1 subscription 2024-06-01 2025-06-01 100 -
        """,
        (0.5, 0.75),
    ),
    "renewed late, within the grace period": (
        """
        Quiet q1 subscription 2024-06-01 2025-06-01 100 -
        Quiet q1 subscription 2025-07-01 2026-07-01 100 -
        """,
        (1, 1),
    ),
    "back a day after the grace period": (
        """
        Quiet q1 subscription 2024-06-01 2025-06-01 100 -
        Quiet q1 subscription 2025-07-02 2026-07-02 100 -
        """,
        (0, 0),
    ),
    "renewed early": (
        """
        Thrive t1 subscription 2024-06-01 2025-06-01 100 -
        Thrive t1 subscription 2025-05-01 2026-05-01 100 -
        """,
        (1, 1),
    ),
    "an amendment within the term is no end": (
        """
        Thrive t1 subscription 2024-06-01 2026-06-01 100 -
        Thrive t1 subscription 2025-05-01 2026-06-01 120 -
        """,
        (None, None),
    ),
    "ended early, not renewed, at the last price": (
        """
        Fade   f1 subscription 2024-06-01 2026-06-01 400 2024-06-01
        Fade   f1 subscription 2024-06-01 2026-06-01 100 2025-01-15
        Fade   f1 subscription 2024-06-01 2025-05-01 100 2025-04-01
        Thrive t1 subscription 2024-06-01 2025-06-01 300 -
        Thrive t1 subscription 2025-06-01 2026-06-01 300 -
        """,
        (0.5, 0.75),
    ),
    "ended within the grace period: not certain yet": (
        "Boundary b1 subscription 2024-12-02 2025-12-02 100 -",
        (None, None),
    ),
    "ended a year before that: in the year before": (
        "Boundary b1 subscription 2023-12-02 2024-12-02 100 -",
        (None, None),
    ),
    "projects and orders have nothing to renew": (
        """
        Quiet p1 fixed_term 2024-06-01 2025-06-01 100 -
        Quiet o1 order      2024-06-01 2025-06-01 100 -
        """,
        (None, None),
    ),
}


@pytest.mark.parametrize("rows, expected", TERMS.values(), ids=TERMS.keys())
def test_terms(told, rows, expected):
    values = told(contracts=HEAD + rows.strip())
    assert (values["renewal_rate"], values["renewal_rate_arr"]) == pytest.approx(expected)
