"""A fixed cast of small accounts, whose signals a reader can compute by hand.

The world is frozen at the first of January 2025. 28 days begin after 4 December 2024, 84 after 9 October, 168 after
17 July and 364 after 3 January 2024.
"""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from features.matrix import build
from features.spine import spine
from tests.features.small_company import tables

AS_OF = datetime(2025, 1, 1)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
Expected = dict[str, float | None]


def days(first: date, last: date) -> list[date]:
    return [first + DAY * day for day in range((last - first).days + 1)]


def term(account: str, start: datetime, end: datetime | None, **columns: Any) -> dict[str, Any]:
    usual = {"contract_id": f"{account}-1", "account_id": account, "term_start": start, "term_end": end}
    return {**usual, "arr": 1200.0, "seats": 10, "kind": "subscription", "product": "crm", **columns}


def use(account: str, when: list[date], people: int, advanced: int = 0) -> list[dict[str, Any]]:
    row = {"account_id": account, "active_users": people, "events": people * 5, "features_used": 4}
    return [{**row, "date": day, "advanced_users": advanced} for day in when]


def touch(account: str, at: datetime, **columns: Any) -> dict[str, Any]:
    return {"account_id": account, "engaged_at": at, "kind": "call", **columns}


EDGES = {28: datetime(2024, 12, 4), 84: datetime(2024, 10, 9), 168: datetime(2024, 7, 17), 364: datetime(2024, 1, 3)}

CAST: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {"account_id": name, "segment": "all"}
        for name in ("Thrive", "Fade", "Quiet", "Newborn", "Backfill", "Boundary", "Returned")
    ],
    "contracts": [
        term("Thrive", datetime(2023, 1, 1), datetime(2024, 1, 1)),
        term("Thrive", datetime(2024, 1, 1), datetime(2026, 1, 1), arr=1500.0),
        term(
            "Thrive",
            datetime(2024, 6, 1),
            datetime(2025, 6, 1),
            contract_id="Thrive-2",
            kind="service",
            service_level="gold",
            product="care",
            arr=500.0,
            seats=None,
        ),
        term("Fade", datetime(2024, 1, 1), datetime(2025, 3, 2), notice_at=datetime(2024, 12, 20), auto_renew=True),
        term("Quiet", datetime(2022, 1, 1), None, seats=None, kind=None),
        term("Newborn", datetime(2024, 12, 22), datetime(2025, 12, 22)),
        term("Backfill", datetime(2024, 1, 1), datetime(2026, 1, 1)),
        term("Backfill", datetime(2024, 1, 1), datetime(2025, 1, 15), available_at=AS_OF + INSTANT),  # not known yet
        term("Boundary", datetime(2024, 1, 1), datetime(2026, 1, 1)),
        term("Returned", datetime(2021, 1, 1), datetime(2022, 1, 1)),
        term("Returned", datetime(2024, 11, 2), datetime(2025, 11, 2), contract_id="Returned-2"),
    ],
    "usage_daily": [
        *use("Thrive", days(date(2024, 10, 9), date(2024, 12, 3)), 4, 1),
        *use("Thrive", days(date(2024, 12, 4), date(2024, 12, 30)), 7, 2),
        *use("Thrive", [date(2024, 12, 31)], 8, 2),
        *use("Thrive", [date(2025, 1, 1)], 10, 10),  # a day counts when it is over
        *use("Fade", days(date(2024, 10, 9), date(2024, 12, 3)), 5),
        *use("Returned", [date(2021, 5, 1)], 3),
    ],
    "engagements": [
        touch("Thrive", datetime(2024, 12, 30, 15), kind="qbr", outcome="positive", contact_role="champion", cost=60.0),
        touch("Thrive", datetime(2024, 3, 1), kind="executive", outcome="neutral", cost=40.0),
        touch("Fade", datetime(2024, 9, 1), contact_role="champion", outcome="negative"),
        touch("Fade", datetime(2024, 12, 1), contact_role="buyer", outcome="negative"),
        *(touch("Boundary", edge) for edge in EDGES.values()),  # out: the window is open there
        *(touch("Boundary", edge + INSTANT, kind="email") for edge in EDGES.values()),  # in
        touch("Boundary", AS_OF, kind="email"),  # in: it is closed there
        touch("Boundary", AS_OF + INSTANT),  # out
    ],
    "tickets": [
        {"ticket_id": "1", "account_id": "Thrive", "opened_at": datetime(2024, 12, 1), "category": "defect"}
        | {
            "closed_at": datetime(2024, 12, 2),
            "first_response_at": datetime(2024, 12, 1, 4),
            "csat": 5.0,
            "cost": 100.0,
        },
        {"ticket_id": "2", "account_id": "Thrive", "opened_at": datetime(2024, 12, 5), "category": "how_to"}
        | {
            "closed_at": datetime(2024, 12, 8),
            "first_response_at": datetime(2024, 12, 5, 8),
            "csat": 4.0,
            "cost": 20.0,
        },
        {"ticket_id": "3", "account_id": "Fade", "opened_at": datetime(2024, 12, 22), "category": "defect"}
        | {"closed_at": AS_OF + INSTANT, "csat": 1.0, "escalated": True},  # still open, and nothing told about it
        {"ticket_id": "4", "account_id": "Backfill", "opened_at": datetime(2024, 12, 1)}
        | {"available_at": AS_OF + INSTANT},
        {"ticket_id": "5", "account_id": "Backfill", "opened_at": datetime(2024, 9, 1)}
        | {"available_at": datetime(2024, 12, 10)},  # old, but it became known in the window
    ],
    "objectives": [
        {"account_id": "Thrive", "objective_id": "a", "created_at": datetime(2024, 1, 10), "weight": 3.0}
        | {"due_at": datetime(2024, 6, 1), "achieved_at": datetime(2024, 5, 1)}
        | {"expected_value": 800.0, "realized_value": 1000.0},
        {"account_id": "Thrive", "objective_id": "b", "created_at": datetime(2024, 1, 10)}
        | {"due_at": datetime(2024, 12, 1), "achieved_at": AS_OF + INSTANT, "realized_value": 9e9},
    ],
    "invoices": [
        {"invoice_id": "1", "account_id": "Thrive", "issued_at": datetime(2024, 11, 1), "amount": 100.0}
        | {"due_at": datetime(2024, 12, 1), "paid_at": datetime(2024, 12, 4)},
        {"invoice_id": "2", "account_id": "Fade", "issued_at": datetime(2024, 11, 1), "amount": 100.0}
        | {"due_at": AS_OF, "paid_at": AS_OF + INSTANT},
    ],
}

EXPECTED: dict[str, Expected] = {
    "Thrive": {
        "arr": 2000.0,  # 1500 + 500
        "arr_change_364d": 1 / 3,  # from 1500 on 3 January 2024
        "seats_change_364d": 0.0,
        "recurring_share": 1.0,
        "products": 2.0,
        "renewals": 1.0,
        "service_contract": 1.0,
        "service_level_known": 1.0,
        "service_step_up_364d": 1.0,
        "tenure_days": 731.0,
        "days_to_renewal": 365.0,
        "licences_adopted_28d": 0.8,  # 8 of 10, not the 10 of a day that isn't over
        "seat_utilization_28d": (27 * 7 + 8) / 28 / 10,
        "active_days_28d": 28.0,
        "stickiness_28d": (27 * 7 + 8) / 28 / 8,
        "usage_trend_28d": (197 - 112) / (197 + 112),  # 56 days of 4 are 112 in four weeks
        "advanced_use_84d": (56 * 1 + 28 * 2) / (56 * 4 + 197),
        "days_since_last_use": 0.0,
        "days_to_first_value": 486.0,  # the first objective, on 1 May 2024; advanced use came in October
        "touches_84d": 1.0,
        "business_review_168d": 1.0,
        "executive_contact_364d": 1.0,
        "positive_touches_364d": 0.5,
        "days_since_last_touch": 1.0,
        "champion_lost_84d": 0.0,
        "tickets_84d": 2.0,
        "defect_rate_84d": 0.5,
        "defect_cost_364d": 100.0,
        "defect_cost_share_364d": 100 / 120,
        "first_response_median_84d": 6.0,  # 4 and 8 hours
        "first_response_p90_84d": 7.6,
        "resolution_median_84d": 48.0,  # 1 and 3 days
        "csat_364d": 4.5,
        "csat_defect_gap_364d": 1.0,
        "open_tickets": 0.0,
        "cost_to_serve_364d": (60 + 40 + 100 + 20) / 2000,
        "plan_realization": 0.75,  # 3 of 3 + 1, the missing weight
        "objectives_overdue": 1.0,
        "objectives_on_time": 1.0,
        "value_realized": 1.25,
        "value_per_arr_364d": 0.5,
        "invoices_overdue": 0.0,
        "days_late_364d": 3.0,
        "onboarding_held": 0.0,
    },
    "Fade": {
        "notice_given": 1.0,
        "auto_renew": 1.0,
        "days_to_renewal": 60.0,
        "licences_adopted_28d": 0.0,  # it used to; now nobody does
        "usage_trend_28d": -1.0,
        "days_since_last_use": 28.0,
        "champion_lost_84d": 1.0,
        "contact_roles_84d": 1.0,
        "negative_touches_84d": 1.0,
        "open_tickets": 1.0,
        "open_tickets_age": 10.0,
        "escalated_364d": None,
        "csat_364d": None,
        "invoices_overdue": 1.0,
        "success_plan": 0.0,
        "plan_realization": None,
    },
    "Quiet": {
        "touches_84d": 0.0,
        "days_since_last_touch": None,
        "tickets_84d": 0.0,
        "defect_rate_84d": None,
        "licences_adopted_28d": None,  # never seen in the usage feed, and seats unknown
        "usage_trend_28d": None,
        "days_to_first_value": None,
        "days_to_renewal": None,  # open-ended
        "recurring_share": None,
        "service_contract": None,
        "cost_to_serve_364d": 0.0,
        "arr_change_364d": 0.0,
        "touches_against_peers_364d": 0.0,
    },
    "Newborn": {
        "tenure_days": 10.0,
        "arr_change_364d": None,
        "renewals": 0.0,
        "touches_trend_84d": None,
        "service_contract": 0.0,
        "service_level_known": None,
    },
    "Backfill": {
        "tickets_84d": 1.0,  # the one that became known in the window; the other isn't known yet
        "open_tickets_age": 122.0,  # since it was opened
        "days_to_renewal": 365.0,  # the earlier end became known an instant too late
    },
    "Boundary": {
        "touches_84d": 4.0,  # 84 + instant, 28 edge, 28 + instant, as_of
        "talks_84d": 1.0,  # of the edges only that of 28 lies within
        "mails_84d": 3.0,
        "touches_trend_84d": (4 - 4 * 0.3) / (4 + 4 * 0.3),  # eight in the year
        "days_since_last_touch": 0.0,
    },
    "Returned": {
        "tenure_days": 1461.0,  # since 2021
        "renewals": 0.0,  # a new contract is not a renewal
        "arr_change_364d": None,  # a year ago it was no customer
        "days_since_last_use": 1340.0,
        "active_days_28d": 0.0,
    },
}


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    company = tables(CAST, extracted_at=AS_OF)
    return {row["account_id"]: row for row in build(company, spine(company, [AS_OF])).iter_rows(named=True)}


@pytest.mark.parametrize("account, name", [(account, name) for account, some in EXPECTED.items() for name in some])
def test_a_signal_is_what_one_computes_by_hand(found: dict[str, dict[str, Any]], account: str, name: str) -> None:
    expected = EXPECTED[account][name]
    assert found[account][name] == (None if expected is None else pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize(
    "name, window", [("touches_84d", 84), ("business_review_168d", 168), ("executive_contact_364d", 364)]
)
def test_a_window_is_open_at_its_beginning_and_closed_at_its_end(name: str, window: int) -> None:
    kind = {"touches_84d": "call", "business_review_168d": "qbr", "executive_contact_364d": "executive"}[name]
    table = {
        AS_OF - DAY * window: 0.0,
        AS_OF - DAY * window + INSTANT: 1.0,
        AS_OF: 1.0,
        AS_OF + INSTANT: 0.0,
    }
    got = {}
    for at in table:
        recent = [touch("Thrive", AS_OF - DAY, kind="email")] if name != "touches_84d" else []
        other = [touch("Fade", AS_OF - DAY)]  # keeps the feed alive
        company = tables({**CAST, "engagements": [touch("Thrive", at, kind=kind), *recent, *other]}, extracted_at=AS_OF)
        matrix = build(company, spine(company, [AS_OF]))
        got[at] = dict(matrix.select("account_id", name).iter_rows())["Thrive"]
    assert got == table
