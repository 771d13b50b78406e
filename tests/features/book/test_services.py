HEAD = "account_id contract_id kind service_level term_start term_end arr\n"


def test_coverage_by_accounts_and_by_money(told):
    values = told(
        contracts=HEAD
        + """Thrive t1 subscription - 2024-06-01 - 300
             Thrive t2 maintenance  - 2024-06-01 -  60
             Quiet  q1 subscription - 2024-06-01 - 100
             Fade   f1 subscription - 2024-06-01 2025-06-01 900
             Fade   f2 service      - 2024-06-01 2025-06-01 100"""
    )
    assert values["service_coverage"] == 1 / 2
    assert values["service_coverage_arr"] == 300 / 400
    assert (values["direct_service_revenue"], values["indirect_service_revenue"]) == (60, 300)


def test_attach_rate_is_of_products_sold_in_the_year(told):
    values = told(
        contracts=HEAD
        + """Thrive  t1 subscription - 2024-06-01 - 300
             Thrive  t2 subscription - 2025-06-01 - 100
             Thrive  t3 service      - 2025-06-01 -  10
             Newborn n1 subscription - 2025-03-01 - 100
             Quiet   q1 subscription - 2024-01-01 - 100"""
    )
    assert values["attach_rate"] == 1 / 2


def test_without_kinds_nothing_is_known_of_services(told):
    values = told(contracts=HEAD + "Thrive t1 - - 2024-06-01 - 300")
    services = ("attach_rate", "service_coverage", "service_coverage_arr", "step_ups")
    money = ("direct_service_revenue", "indirect_service_revenue")
    assert [values[name] for name in services + money] == [None] * 6


def test_step_ups(told):
    values = told(
        contracts=HEAD
        + """Kind    a1 subscription -        2024-06-01 -          300
             Kind    a2 maintenance  -        2025-06-01 -           60
             Raised  b1 maintenance  standard 2024-06-01 2025-06-01 100
             Raised  b1 maintenance  premium  2025-06-01 2026-06-01 150
             Lowered c1 maintenance  premium  2024-06-01 2025-06-01 150
             Lowered c1 maintenance  standard 2025-06-01 2026-06-01 100
             Dearer  d1 maintenance  standard 2024-06-01 2025-06-01 100
             Dearer  d1 maintenance  standard 2025-06-01 2026-06-01 150
             Newborn n1 maintenance  premium  2025-06-01 -          100"""
    )
    assert values["step_ups"] == 2 / 4
