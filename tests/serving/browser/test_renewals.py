"""A renewals team's week in a real browser: plans with its capacity, starts a play, looks at the book."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

MakeVisit = Callable[..., Any]


def test_a_renewals_team_plans_a_week(visit: MakeVisit) -> None:
    seen = visit(accept_downloads=True)
    page = seen.page
    seen.go("/renewals")
    seen.sign_in("renewals")
    page.get_by_label("Renewal within").select_option("365d")
    page.get_by_label("Capacity, accounts").fill("7")
    page.get_by_role("button", name="Apply").click()
    rows = page.locator("tr[data-account]")
    assert rows.count() == 7
    covered = page.locator(".tile", has_text="Covered by your capacity")
    before = float(covered.locator("data").first.get_attribute("value"))

    page.get_by_role("link", name="Plan with 10 accounts").click()
    assert rows.count() == 10
    assert float(covered.locator("data").first.get_attribute("value")) > before
    assert page.get_by_label("Renewal within").input_value() == "365d", "the plan is kept"

    page.locator("#calendar ~ details summary").click()
    assert page.get_by_role("columnheader", name="Month").is_visible()

    played = rows.filter(has=page.get_by_role("button", name="Start")).first
    name = played.get_by_role("rowheader").get_by_role("link").inner_text()
    played.get_by_role("button", name="Start").click()
    assert "#renewal-" in page.url
    row = rows.filter(has_text=name)
    assert "Started 2 Jan 2026" in row.inner_text()
    row.get_by_role("button", name="Done").click()
    rows.filter(has_text=name).get_by_role("link", name="What came of it?").click()
    assert page.get_by_label("What came of it").is_visible()

    page.go_back()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    lines = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert [line["account_id"] for line in lines] == [row.get_attribute("data-account") for row in rows.all()]


def test_a_leader_reads_the_book_and_shares_a_grouping(visit: MakeVisit) -> None:
    seen = visit()
    page = seen.page
    seen.go("/book")
    seen.sign_in("admin")
    assert page.locator(".headlines .tile").count() == 8
    page.get_by_label("Yearly renewal rate, %").fill("82.4")
    page.get_by_label("Better by, percentage points").fill("5, 10")
    page.get_by_role("button", name="Calculate").click()
    assert page.url.endswith("/book?rate=82.4&uplift=5%2C+10#erosion")
    assert "46.1 %" in page.locator("#erosion ~ .columns table").inner_text()
    page.get_by_role("navigation", name="Grouping").get_by_role("link", name="Region").click()
    assert page.locator("table.groups").first.locator("tbody tr").count() > 2
    shared = page.url
    assert "by=region" in shared
    assert "rate=82.4" in shared
    page.goto(shared)
    assert page.get_by_role("heading", name="By region").is_visible()
