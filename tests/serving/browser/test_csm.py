"""A csm's day in a real browser: finds the riskiest account, sees why, starts a play, disagrees."""

from collections.abc import Callable
from typing import Any

MakeVisit = Callable[..., Any]
SignedIn = Callable[..., Any]


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


def test_a_csm_asks_what_if_by_the_keyboard(signed_in: SignedIn, riskiest: str) -> None:
    seen = signed_in("csm")
    page = seen.page
    seen.go(riskiest)
    slider = page.locator(".what-if input[type=range]").first
    before = slider.input_value()
    slider.press("Home")
    if slider.input_value() == before:
        slider.press("End")
    asked = slider.input_value()
    assert asked != before
    with page.expect_navigation():
        page.get_by_role("button", name="Ask the model").press("Enter")
    assert slider.input_value() == asked
    assert f"asked {asked}" in page.locator(".what-if").inner_text()
    assert "not a promise" in page.locator(".answer").inner_text()
    page.get_by_role("link", name="As it is").press("Enter")
    assert page.locator(".answer").count() == 0


def test_what_the_model_has_never_seen_is_told_at_its_slider(signed_in: SignedIn, riskiest: str) -> None:
    seen = signed_in("csm")
    seen.go(riskiest)
    name = seen.page.locator(".what-if input[type=range]").first.get_attribute("name")
    seen.go(f"{riskiest}/what-if?{name}=1e9")
    assert seen.page.locator(".what-if .wrong").count() == 1


def test_a_csm_reads_the_timeline(signed_in: SignedIn, riskiest: str) -> None:
    seen = signed_in("csm")
    page = seen.page
    seen.go(riskiest)
    assert "Timeline from" in page.locator(".strip svg[role=img]").get_attribute("aria-label")
    assert page.locator(".entries li").first.is_hidden()
    page.get_by_text("The same in words").press("Enter")
    assert page.locator(".months h3").first.is_visible()
    assert page.locator(".entries li").count() > 0


def test_the_first_tab_stop_skips_to_the_content(visit: MakeVisit) -> None:
    seen = visit()
    seen.go("/sign-in")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "main"
