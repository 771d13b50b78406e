"""The proof of a level set anew: what it says of a change that nobody could know of."""

import pytest

from training.intervals import Estimate
from training.level import Foretold, level_floor

TOO_FEW, FEWER, RIGHT = Estimate(0.5, 0.4, 0.6), Estimate(0.25, 0.2, 0.3), Estimate(1.0, 0.8, 1.2)
UNCLEAR, TOO_MANY, NOBODY = Estimate(0.8, 0.7, 0.95), Estimate(2.0, 1.6, 2.5), Estimate(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "ratio, source, outcome, says",
    [
        (RIGHT, TOO_FEW, "passed", "expected 1.00 (0.80 to 1.20)."),
        (RIGHT, None, "passed", "expected 1.00 (0.80 to 1.20)."),
        (UNCLEAR, RIGHT, "cannot tell", "off, though within chance."),
        (TOO_FEW, RIGHT, "failed", "not as many as left."),
        (TOO_FEW, UNCLEAR, "failed", "not as many as left."),
        (Estimate(0.75, 0.7, 0.84), UNCLEAR, "cannot tell", "knowing no more, expected 0.80."),
        (TOO_FEW, TOO_FEW, "cannot tell", "knowing no more, expected 0.50."),
        (FEWER, TOO_FEW, "cannot tell", "knowing no more, expected 0.50."),
        (TOO_FEW, FEWER, "cannot tell", "knowing no more, expected 0.25."),
        (TOO_MANY, TOO_FEW, "failed", "not as many as left."),
        (TOO_FEW, TOO_MANY, "failed", "not as many as left."),
        (TOO_FEW, None, "cannot tell", "knows more than was known then, so which is nearer can't be told."),
        (NOBODY, NOBODY, "cannot tell", "knowing no more, expected 0.00."),
        (NOBODY, RIGHT, "failed", "not as many as left."),
        (Estimate(float("nan")), None, "cannot tell", "Nobody was seen to leave."),
    ],
)
def test_being_off_speaks_against_a_level_only_where_the_one_before_was_right(
    ratio: Estimate, source: Estimate | None, outcome: str, says: str
) -> None:
    floor = level_floor(Foretold(ratio, 0 if ratio.value != ratio.value else 60, source))
    assert (floor.name, floor.outcome) == ("expected_to_actual", outcome)
    assert floor.sentence.endswith(says), floor.sentence
