"""A leader in a real browser: reads what the model was worth, by another horizon too, and what the data was like."""

from collections.abc import Callable
from typing import Any

MakeVisit = Callable[..., Any]


def test_a_leader_checks_the_receipt_and_the_data(visit: MakeVisit) -> None:
    seen = visit()
    page = seen.page
    seen.go("/model")
    seen.sign_in("renewals")
    assert "logistic regression foretells better than the model." in page.locator("main").inner_text()
    page.get_by_role("link", name="365 days").click()
    assert page.url.endswith("/model?days=365")
    assert page.get_by_text("Too many expected").first.is_visible()
    assert page.get_by_role("heading", name="Who left while green").is_visible()

    page.get_by_role("link", name="Data", exact=True).click()
    assert page.get_by_role("heading", name="Worth doing at the source").is_visible()
    findings = page.locator("details", has_text="Tickets")
    assert not findings.get_by_text("Canonical spelling").is_visible()
    findings.locator("summary").focus()
    page.keyboard.press("Enter")
    assert findings.get_by_text("Canonical spelling").is_visible()


def test_a_csm_reads_no_name_of_another_book(visit: MakeVisit) -> None:
    seen = visit()
    seen.go("/model")
    seen.sign_in("csm")
    text = seen.page.locator("main").inner_text()
    assert "None of them is of your own book." in text
    assert "gone-" not in text
