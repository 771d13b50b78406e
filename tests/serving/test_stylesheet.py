"""The stylesheet of the pages: what is read stands out from what is behind it."""

import re
from pathlib import Path

import pytest

from serving.pages import STATIC


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", css))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_enough_to_read(theme: str) -> None:
    css = (Path(STATIC) / "pages.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = _colours(light if theme == "light" else dark)
    pairs = [(text, ground, 4.5) for text in ("text", "muted", "accent") for ground in ("ground", "card", "hover")]
    pairs += [(band, f"{band}-tint", 4.5) for band in ("healthy", "at-risk", "critical")]
    pairs += [(band, "card", 4.5) for band in ("healthy", "at-risk", "critical")] + [("on-accent", "accent", 4.5)]
    pairs += [("at-risk-fill", "card", 3.0), ("risk", "track", 3.0)]
    for text, ground, enough in pairs:
        low, high = sorted((_luminance(colours[text]), _luminance(colours[ground])))
        assert (high + 0.05) / (low + 0.05) >= enough, (text, ground)
