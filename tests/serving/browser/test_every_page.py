"""Every page: nothing keeps anybody out, it fits its width, says nothing on the console and asks no other host.

What the navigation leads to is tried, so a new page needs no line here; the last two are checked as each tab closes.
"""

from collections.abc import Callable
from typing import Any

import pytest

from serving.pages.frame import NAVIGATION

RISKIEST = "/accounts/<riskiest>"
PATHS = [
    *(entry.path for entry in NAVIGATION), "/accounts?q=zzz", f"{RISKIEST}?since=7",
    "/renewals?within=365d&capacity=5", "/renewals?region=zzz", "/book?by=segment&rate=80",
]  # fmt: skip

UNFOLDED = 12
"""What is folded on a page and looked into: more than any has but the API's document, where all look alike."""

SignedIn = Callable[..., Any]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_keeps_anybody_out(signed_in: SignedIn, riskiest: str, path: str) -> None:
    seen = signed_in("admin", path.replace(RISKIEST, riskiest), color_scheme="light")
    for summary in seen.page.locator("main details > summary").all()[:UNFOLDED]:
        if summary.is_visible():
            summary.click()  # what unfolds is part of the page
    assert seen.page.locator("main h1").count() == 1
    assert seen.barriers() == []
    seen.page.emulate_media(color_scheme="dark")
    assert seen.barriers(["color-contrast"]) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anybody_from_signing_in(visit: Callable[..., Any], theme: str) -> None:
    seen = visit(color_scheme=theme)
    seen.go("/sign-in")
    assert seen.barriers() == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_pages_fit_their_width(signed_in: SignedIn, riskiest: str, width: int) -> None:
    seen = signed_in("admin", viewport={"width": width, "height": 800})
    wide = {}
    for path in PATHS:
        seen.go(path.replace(RISKIEST, riskiest))
        wide[path] = seen.page.evaluate("document.documentElement.scrollWidth")
    assert {path: at for path, at in wide.items() if at > width} == {}
