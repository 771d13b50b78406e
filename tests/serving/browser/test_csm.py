"""A csm's day in a real browser: finds the riskiest account, sees why, starts a play, disagrees."""

from collections.abc import Callable
from typing import Any

import pytest

MakeVisit = Callable[..., Any]


def test_a_csm_finds_the_riskiest_account_and_acts(visit: MakeVisit) -> None:
    seen = visit()
    page = seen.page
    seen.go("/accounts?sort=-arr_at_risk")
    assert page.url.endswith("/sign-in?next=%2Faccounts%3Fsort%3D-arr_at_risk")
    seen.sign_in("csm")
    rows = page.locator("tr[data-account]")
    assert set(rows.locator('[data-label="Owner"]').all_inner_texts()) == {seen.service.owner}

    rows.first.get_by_role("link").click()
    assert page.get_by_role("heading", name="Why").is_visible()
    assert page.locator(".drivers li").count() > 0

    play = page.locator(".plays li").first
    play.get_by_role("button", name="Start").click()
    assert page.url.endswith("#plays")
    assert "Started 2 Jan 2026" in play.inner_text()
    play.get_by_role("button", name="Done").click()
    play.get_by_label("What came of it").select_option("helped")
    play.get_by_role("button", name="Record").click()
    page.get_by_text("What was done (3)").click()
    assert "outcome, helped" in page.locator(".log").inner_text()

    band = page.locator("h1 .band").inner_text()
    other = "Critical" if band != "Critical" else "Healthy"
    page.get_by_label("I would call it").select_option(other)
    page.get_by_label("because").fill("Their sponsor has left & <nobody> answers.")
    page.get_by_role("button", name="Say so").click()
    assert "Their sponsor has left & <nobody> answers." in page.locator(".opinions").inner_text()
    name = page.locator("h1").inner_text().split("\n")[0].removesuffix(band).strip()

    page.get_by_role("link", name="Today").click()
    assert name in page.locator(".opinions").inner_text()
    assert seen.service.owner in page.locator("h1").inner_text()

    page.get_by_role("button", name="Sign out").click()
    assert page.url.endswith("/sign-in")
    seen.go("/")
    assert page.url.endswith("/sign-in")


def test_a_csm_asks_what_if_by_the_keyboard(visit: MakeVisit) -> None:
    seen = visit()
    page = seen.page
    seen.go("/accounts?sort=-arr_at_risk")
    seen.sign_in("csm")
    page.locator("tr[data-account] a").first.click()
    asked = page.locator(".what-if input").first
    asked.focus()
    asked.fill("not a number")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".what-if [aria-invalid]").count() == 1
    fields = page.locator(".what-if input")
    for at in range(fields.count()):
        fields.nth(at).fill("1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".answer, .wrong").count() > 0
    assert "not a promise" in page.locator("section", has_text="What if").inner_text()


def test_the_first_tab_stop_skips_to_the_content(visit: MakeVisit) -> None:
    seen = visit()
    seen.go("/sign-in")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "main"


PATHS = [
    "/", "/accounts?limit=8", "/accounts?q=zzz", "/accounts/<riskiest>", "/docs", "/renewals?within=365d&capacity=5",
    "/renewals?region=zzz", "/book", "/book?by=segment&rate=80", "/model", "/data",
]  # fmt: skip


@pytest.mark.parametrize("theme, rules", [("light", None), ("dark", ["color-contrast"])])
def test_nothing_keeps_anybody_out(visit: MakeVisit, theme: str, rules: list[str] | None) -> None:
    seen = visit(color_scheme=theme)
    seen.go("/accounts")
    found = {"/sign-in": seen.barriers(rules)}
    seen.sign_in("admin")
    riskiest = seen.page.locator("tr[data-account] a").first.get_attribute("href")
    for path in PATHS:
        seen.go(path.replace("/accounts/<riskiest>", riskiest))
        found[path] = seen.barriers(rules)
    assert found == {path: [] for path in found}


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_pages_fit_their_width(visit: MakeVisit, width: int) -> None:
    seen = visit(viewport={"width": width, "height": 800})
    seen.go("/accounts")
    seen.sign_in("admin")
    riskiest = seen.page.locator("tr[data-account] a").first.get_attribute("href")
    for path in PATHS:
        seen.go(path.replace("/accounts/<riskiest>", riskiest))
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, path
